import MergeCore
import SyncStorage
import SyncWire
import Synchronization

/// How many long polls and streams are open, of one device or person and of one tenant. Each holds a connection and
/// memory for as long as a minute, and none of that is in anybody's budget of requests.
final class ReaderSeats: Sendable {
    private struct Row {
        var count = 0
        var owners: [RequestOwner: Int] = [:]
    }

    private let limits: EngineLimits
    private let rows = Mutex<[TenantID: Row]>([:])

    init(limits: EngineLimits) { self.limits = limits }

    var count: Int { rows.withLock { $0.values.reduce(0) { $0 + $1.count } } }

    /// Takes a seat.
    /// - Throws: `rate_limited` when the device has its share open, `overloaded` when the tenant has.
    /// - Returns: the seat, which is free again when it is let go of.
    func take(_ tenant: TenantID, _ owner: RequestOwner) throws(Problem) -> Seat {
        enum Refusal { case owner, tenant }
        let refusal: Refusal? = rows.withLock { rows in
            var row = rows[tenant] ?? Row()
            guard row.owners[owner] ?? 0 < limits.readersPerDevice else { return .owner }
            guard row.count < limits.readersPerTenant else { return .tenant }
            row.count += 1
            row.owners[owner, default: 0] += 1
            rows[tenant] = row
            return nil
        }
        switch refusal {
        case nil: return Seat(seats: self, tenant: tenant, owner: owner)
        case .owner:
            var problem = Problem(
                .rateLimited, "A device may hold \(limits.readersPerDevice) long polls and streams open.",
                limit: limits.readersPerDevice)
            problem.retryAfterSeconds = 2
            throw problem
        case .tenant:
            throw .overloaded(
                "Too many long polls and streams of this tenant are open. Pull without 'wait' meanwhile.",
                retryAfterSeconds: 5)
        }
    }

    fileprivate func leave(_ tenant: TenantID, _ owner: RequestOwner) {
        rows.withLock { rows in
            guard var row = rows.removeValue(forKey: tenant) else { return }
            row.count -= 1
            let left = (row.owners[owner] ?? 1) - 1
            row.owners[owner] = left > 0 ? left : nil
            if row.count > 0 { rows[tenant] = row }
        }
    }

    final class Seat: Sendable {
        private let seats: ReaderSeats
        private let tenant: TenantID
        private let owner: RequestOwner

        fileprivate init(seats: ReaderSeats, tenant: TenantID, owner: RequestOwner) {
            self.seats = seats
            self.tenant = tenant
            self.owner = owner
        }

        deinit { seats.leave(tenant, owner) }
    }
}
