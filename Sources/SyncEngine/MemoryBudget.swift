import SyncStorage
import Synchronization

/// Bytes that requests hold in memory. They are counted over the process and for each tenant, before they are there.
///
/// Whoever takes bytes gives them back. A tenant that holds nothing is given what it asks for up to the whole, so that
/// a request which is larger than a share is refused only beside others of its tenant. Each call is O(1).
public final class MemoryBudget: Sendable {
    private struct State {
        var total = 0
        var peak = 0
        var refusals: UInt64 = 0
        /// What each tenant holds. nil stands for whoever is not known yet.
        var byTenant: [TenantID?: Int] = [:]
    }

    /// How many bytes may be held in the process.
    public let capacityBytes: Int
    /// How many bytes one tenant may hold.
    public let shareBytes: Int
    private let state = Mutex(State())

    public init(capacityBytes: Int, shareBytes: Int) {
        self.capacityBytes = capacityBytes
        self.shareBytes = shareBytes
    }

    /// Takes bytes, where there is room.
    /// - Parameters:
    ///   - bytes: how many.
    ///   - tenant: who takes them; nil where that is not known yet.
    /// - Returns: whether there was room. If there was none, nothing is taken.
    public func take(_ bytes: Int, for tenant: TenantID?) -> Bool {
        state.withLock { state in
            let held = state.byTenant[tenant] ?? 0
            guard state.total + bytes <= capacityBytes, held == 0 || held + bytes <= shareBytes else {
                state.refusals += 1
                return false
            }
            state.total += bytes
            state.peak = max(state.peak, state.total)
            state.byTenant[tenant] = held + bytes
            return true
        }
    }

    /// Gives back bytes that were taken.
    public func giveBack(_ bytes: Int, of tenant: TenantID?) {
        state.withLock { state in
            state.total -= bytes
            let held = (state.byTenant[tenant] ?? 0) - bytes
            state.byTenant[tenant] = held == 0 ? nil : held
        }
    }

    /// Bytes that are held now, the most that ever were, and how often there was no room.
    public var figures: (heldBytes: Int, peakBytes: Int, refusals: UInt64) {
        state.withLock { ($0.total, $0.peak, $0.refusals) }
    }
}
