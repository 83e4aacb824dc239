import SyncStorage

/// Lets one transaction of each tenant go on at a time, in the order in which they asked. Different tenants do not wait for each
/// other.
actor TenantTurns {
    /// The tenants whose turn is taken, with those who wait for it.
    private var waiting: [TenantID: [CheckedContinuation<Void, Never>]] = [:]

    /// Returns when it is the caller's turn, which it has until it passes it on.
    func take(_ tenant: TenantID) async {
        guard waiting[tenant] != nil else {
            waiting[tenant] = []
            return
        }
        await withCheckedContinuation { waiting[tenant]?.append($0) }
    }

    /// Ends the turn. The next one who waits has it.
    func pass(_ tenant: TenantID) {
        guard let next = waiting[tenant]?.first else {
            waiting[tenant] = nil
            return
        }
        waiting[tenant]?.removeFirst()
        next.resume()
    }
}
