import SyncStorage

/// Wakes those who wait for a tenant's next change. A hint that is lost or doubled costs latency only: whoever wakes reads.
actor ChangeNotifier {
    private var latest: [TenantID: Int64] = [:]
    private var waiters: [TenantID: [UInt64: CheckedContinuation<Void, Never>]] = [:]
    private var nextWaiter: UInt64 = 0
    private(set) var isClosed = false
    /// How often changes may have happened that nobody told of.
    private(set) var gaps = 0

    var waiterCount: Int { waiters.values.reduce(0) { $0 + $1.count } }

    func advance(_ tenant: TenantID, to sequence: Int64) {
        guard sequence > latest[tenant] ?? 0 else { return }
        latest[tenant] = sequence
        for continuation in (waiters.removeValue(forKey: tenant) ?? [:]).values { continuation.resume() }
    }

    /// Wakes those who wait for the tenant: something changed that has no place in the feed, such as a comment.
    func wake(_ tenant: TenantID) {
        for continuation in (waiters.removeValue(forKey: tenant) ?? [:]).values { continuation.resume() }
    }

    /// Wakes everyone: changes may have happened that nobody told of.
    func wakeAll() {
        gaps += 1
        for continuation in waiters.values.flatMap(\.values) { continuation.resume() }
        waiters = [:]
    }

    /// Returns when the tenant has moved beyond the sequence, when the time is over, when the caller is cancelled or when the
    /// server stops.
    /// - Parameter gaps: how many there had been before the caller read up to the sequence; returns when there are more.
    func wait(_ tenant: TenantID, beyond sequence: Int64, since gaps: Int, for duration: Duration) async {
        func isOver() -> Bool {
            isClosed || Task.isCancelled || self.gaps > gaps || latest[tenant] ?? 0 > sequence
        }
        guard !isOver() else { return }
        let waiter = nextWaiter
        nextWaiter += 1
        let timer = Task {
            try? await Task.sleep(for: duration)
            release(tenant, waiter)
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if isOver() {
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
