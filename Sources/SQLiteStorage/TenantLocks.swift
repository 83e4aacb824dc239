import SyncStorage

/// A lock for each tenant, so that one transaction of a tenant goes on at a time. Callers get it in the order in which
/// they asked, and different tenants do not wait for each other.
actor TenantLocks {
    /// The tenants whose lock is held, with those who wait for it.
    private var waiting: [TenantID: [CheckedContinuation<Void, Never>]] = [:]

    /// Returns when the caller holds the tenant's lock, which it has to release.
    func acquire(_ tenant: TenantID) async {
        guard waiting[tenant] != nil else {
            waiting[tenant] = []
            return
        }
        await withCheckedContinuation { waiting[tenant]?.append($0) }
    }

    /// Hands the lock to the one who has waited longest.
    func release(_ tenant: TenantID) {
        guard let next = waiting[tenant]?.first else {
            waiting[tenant] = nil
            return
        }
        waiting[tenant]?.removeFirst()
        next.resume()
    }
}
