import SyncStorage
import Synchronization

/// The heads of tenants, as far as they are known for certain. This process alone commits to the file, so a head that
/// was read or written here is the head until the next commit here.
///
/// While a commit is under way its tenant's head is not known, and what somebody reads meanwhile is not noted: of two
/// who read, one may see the commit and the other not, and a head must never be known that is before what somebody has
/// seen.
final class KnownHeads: Sendable {
    /// About 20 MB. When there are more, all are forgotten, and read again one by one.
    private static let maximumCount = 100_000

    /// A moment between two commits.
    struct Moment: Sendable, Hashable {
        fileprivate let moves: UInt64
    }

    private struct State {
        var heads: [TenantID: TenantHead] = [:]
        /// The tenants of which a commit is under way. There is one at a time of each.
        var moving: Set<TenantID> = []
        /// How many commits have begun or ended.
        var moves: UInt64 = 0
    }

    private let state = Mutex(State())

    /// The tenant's head; nil where it has to be read.
    func head(of tenant: TenantID) -> TenantHead? { state.withLock { $0.heads[tenant] } }

    /// The moment before a reading.
    var moment: Moment { state.withLock { Moment(moves: $0.moves) } }

    /// Notes a head that was read, unless a commit of anybody began or ended since.
    func note(_ head: TenantHead, of tenant: TenantID, since moment: Moment) {
        state.withLock { state in
            guard state.moves == moment.moves, !state.moving.contains(tenant) else { return }
            Self.keep(head, of: tenant, in: &state)
        }
    }

    /// Notes that a commit begins.
    func willMove(_ tenant: TenantID) {
        state.withLock { state in
            state.moves += 1
            state.heads[tenant] = nil
            state.moving.insert(tenant)
        }
    }

    /// Notes that a commit has ended. - Parameter head: what it left; nil where it failed.
    func didMove(_ tenant: TenantID, to head: TenantHead?) {
        state.withLock { state in
            state.moves += 1
            state.moving.remove(tenant)
            if let head { Self.keep(head, of: tenant, in: &state) }
        }
    }

    private static func keep(_ head: TenantHead, of tenant: TenantID, in state: inout State) {
        if state.heads.count >= maximumCount { state.heads = [:] }
        state.heads[tenant] = head
    }
}
