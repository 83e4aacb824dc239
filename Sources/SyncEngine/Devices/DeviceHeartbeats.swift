import Causality
import SyncStorage
import Synchronization

/// Collects how far devices have pulled and when they were seen, and writes it now and then.
///
/// A pull must not cost a write. If a crash loses what was collected, the server keeps a tombstone longer than it had
/// to, and no more.
final class DeviceHeartbeats: Sendable {
    private struct Owner: Hashable {
        let tenant: TenantID
        let device: DeviceID
    }

    private let store: any SyncStore
    private let pending = Mutex<[Owner: DeviceHeartbeat]>([:])

    init(store: any SyncStore) {
        self.store = store
    }

    func note(_ heartbeat: DeviceHeartbeat) {
        let owner = Owner(tenant: heartbeat.tenant, device: heartbeat.device)
        pending.withLock { pending in
            let before = pending[owner]
            pending[owner] = DeviceHeartbeat(
                tenant: heartbeat.tenant, device: heartbeat.device,
                acknowledgedSequence: max(heartbeat.acknowledgedSequence, before?.acknowledgedSequence ?? 0),
                seenAtMilliseconds: max(heartbeat.seenAtMilliseconds, before?.seenAtMilliseconds ?? 0))
        }
    }

    /// Writes what was collected. What cannot be written is kept for the next time.
    func flush() async throws(StoreError) {
        let taken = pending.withLock { pending in
            defer { pending = [:] }
            return pending.values.sorted { ($0.tenant, $0.device) < ($1.tenant, $1.device) }
        }
        guard !taken.isEmpty else { return }
        do {
            try await store.acknowledge(taken)
        } catch {
            for heartbeat in taken { note(heartbeat) }
            throw error
        }
    }
}
