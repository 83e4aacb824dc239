import Causality
import MergeCore
import SyncStorage
import SyncWire

/// What was taken from somebody's budget for a request.
public struct RequestCharge: Sendable {
    fileprivate enum Account: Sendable {
        case taken(TenantID, RequestOwner)
        /// The budget is empty, and the request was let through because it can only be a replay.
        case none
    }

    fileprivate let budget: RequestBudget
    fileprivate let account: Account
    fileprivate let clock: EngineClock

    /// Takes bytes that the request turned out to cost. There may be fewer: then the next request waits until the debt
    /// is paid off.
    public func spend(bytes: Int) {
        guard case .taken(let tenant, let owner) = account else { return }
        budget.spend(bytes: bytes, of: tenant, owner, atMilliseconds: clock.now())
    }

    /// Gives back the request, and the bytes that were taken for it, because it turned out to be a replay.
    public func giveBack(bytes: Int) {
        guard case .taken(let tenant, let owner) = account else { return }
        budget.giveBack(bytes: bytes, of: tenant, owner, atMilliseconds: clock.now())
    }
}

extension SyncEngine {
    /// Takes a request from the caller's budget: that of the token's device, or of its user where it names none. This
    /// is called before anything else is done for a request, the reading of its body included.
    /// - Throws: `rate_limited`.
    @discardableResult
    public func charge(_ caller: Caller) throws(Problem) -> RequestCharge {
        let owner = RequestOwner(caller)
        if let lack = budget.take(caller.tenant, owner, atMilliseconds: clock.now()) {
            throw .rateLimited(limits, lack)
        }
        return RequestCharge(budget: budget, account: .taken(caller.tenant, owner), clock: clock)
    }

    /// Takes a batch's request from the caller's budget. A device over its budget still gets the answer to a batch that
    /// was committed already, since a retry costs nothing.
    /// - Throws: `rate_limited`, `storage_unavailable`.
    public func charge(_ caller: Caller, device: DeviceID, key: ExactString) async throws(Problem) -> RequestCharge {
        do {
            return try charge(caller)
        } catch {
            let stored = try await reading { () throws(StoreError) in
                try await store.batch(caller.tenant, BatchKey(device: device, key: key))
            }
            guard stored != nil else { throw error }
            return RequestCharge(budget: budget, account: .none, clock: clock)
        }
    }
}

extension Problem {
    static func rateLimited(_ limits: EngineLimits, _ lack: RequestBudget.Lack) -> Problem {
        var problem =
            switch lack.what {
            case .requests:
                Problem(
                    .rateLimited,
                    "A device, or a user without one, may make \(limits.requestsPerSecondPerDevice) requests per second.",
                    limit: limits.requestsPerSecondPerDevice)
            case .bytes:
                Problem(
                    .rateLimited,
                    """
                    What a device or a reviewer writes may cost \(limits.bytesPerSecondPerDevice) bytes per second: bodies, rows \
                    and answers. The last requests cost more.
                    """, limit: limits.bytesPerSecondPerDevice)
            }
        problem.retryAfterSeconds = lack.seconds
        return problem
    }
}
