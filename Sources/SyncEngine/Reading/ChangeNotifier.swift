import SyncStorage

/// Wakes those who wait for a tenant's next change. A hint that is lost or doubled costs latency only: whoever wakes reads.
actor ChangeNotifier {
    private var latest: [TenantID: Int64] = [:]
    private var waiters: [TenantID: [UInt64: CheckedContinuation<Void, Never>]] = [:]
    private var nextWaiter: UInt64 = 0
    private(set) var isClosed = false

    var waiterCount: Int { waiters.values.reduce(0) { $0 + $1.count } }

    func advance(_ tenant: TenantID, to sequence: Int64) {
        guard sequence > latest[tenant] ?? 0 else { return }
        latest[tenant] = sequence
        for continuation in (waiters.removeValue(forKey: tenant) ?? [:]).values { continuation.resume() }
    }

    /// Wakes everyone: changes may have happened that nobody told of.
    func wakeAll() {
        for continuation in waiters.values.flatMap(\.values) { continuation.resume() }
        waiters = [:]
    }

    /// Returns when the tenant has moved beyond the sequence, when the time is over, when the caller is cancelled or when the
    /// server stops.
    func wait(_ tenant: TenantID, beyond sequence: Int64, for duration: Duration) async {
        guard !isClosed, !Task.isCancelled, latest[tenant] ?? 0 <= sequence else { return }
        let waiter = nextWaiter
        nextWaiter += 1
        let timer = Task {
            try? await Task.sleep(for: duration)
            release(tenant, waiter)
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled || isClosed || latest[tenant] ?? 0 > sequence {
                    continuation.resume()
                } else {
                    waiters[tenant, default: [:]][waiter] = continuation
                }
            }
        } onCancel: {
            Task { await release(tenant, waiter) }
        }
        timer.cancel()
    }

    func close() {
        isClosed = true
        wakeAll()
    }

    private func release(_ tenant: TenantID, _ waiter: UInt64) {
        waiters[tenant]?.removeValue(forKey: waiter)?.resume()
        if waiters[tenant]?.isEmpty == true { waiters[tenant] = nil }
    }
}
