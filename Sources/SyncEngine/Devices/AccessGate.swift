import Causality
import SyncStorage
import SyncWire
import Synchronization

/// What is known, for a short while, of whose access has ended. To look at the data for every request would cost one
/// more reading each.
///
/// What this server itself ends is known at once; what another one ends, or a command, is known after
/// `knownForMilliseconds`.
final class AccessGate: Sendable {
    /// How long a server may go on admitting what another one has ended.
    static let knownForMilliseconds: Int64 = 5_000
    private static let maximumCount = 100_000

    private struct Owner: Hashable {
        let tenant: TenantID
        let query: AccessQuery
    }

    private struct Known {
        var states: [Owner: (state: AccessState, atMilliseconds: Int64)] = [:]
        /// Rises whenever something is forgotten, so that what was read before is not taken for what is so now.
        var generation: UInt64 = 0
    }

    private let known = Mutex(Known())

    /// What is known; where nothing is known, what is read.
    func state(
        of tenant: TenantID, _ query: AccessQuery, nowMilliseconds now: Int64,
        reading read: () async throws(Problem) -> AccessState
    ) async throws(Problem) -> AccessState {
        let owner = Owner(tenant: tenant, query: query)
        let (found, generation) = known.withLock { ($0.states[owner], $0.generation) }
        // A clock that was set back makes nothing known for longer.
        if let found, found.atMilliseconds <= now,
            now - found.atMilliseconds < Self.knownForMilliseconds
        {
            return found.state
        }
        let state = try await read()
        known.withLock { known in
            guard known.generation == generation else { return }
            if known.states.count >= Self.maximumCount {
                known.states = known.states.filter {
                    now - $0.value.atMilliseconds < Self.knownForMilliseconds
                }
                if known.states.count >= Self.maximumCount { known.states = [:] }
            }
            known.states[owner] = (state, now)
        }
        return state
    }

    /// Forgets what is known of the tenant, because something of it has ended.
    func forget(_ tenant: TenantID) {
        known.withLock { known in
            known.generation += 1
            known.states = known.states.filter { $0.key.tenant != tenant }
        }
    }
}

extension SyncEngine {
    /// Refuses a caller whose access has ended: a retired device's token whatever roles it has, a session that was
    /// signed out, and sessions and tokens that are older than what was set as their end. Every route that knows its
    /// caller asks this.
    /// - Throws: `device_retired`, `unauthenticated`, `storage_unavailable`.
    public func permit(_ caller: Caller) async throws(Problem) {
        let query = AccessQuery(user: caller.user, session: caller.session, device: caller.device)
        let state = try await gate.state(of: caller.tenant, query, nowMilliseconds: clock.now()) {
            () throws(Problem) in
            try await reading { () throws(StoreError) in try await store.access(caller.tenant, query) }
        }
        guard state.deviceRetiredAtMilliseconds == nil else { throw .deviceRetired }
        // A token that does not say when it was issued cannot show that it is new enough.
        let issuedAt = caller.issuedAtMilliseconds ?? .min
        guard state.tokensEndBeforeMilliseconds == .min || issuedAt >= state.tokensEndBeforeMilliseconds
        else {
            throw Problem(
                .unauthenticated,
                "Tokens of this age were revoked. Get a new one and send the request again.")
        }
        guard
            caller.session == nil
                || !state.hasSessionEnded && issuedAt >= state.sessionsEndBeforeMilliseconds
        else {
            throw Problem(.unauthenticated, "The session has ended. Sign in again.")
        }
    }

    /// Ends access, here at once and on other servers within five seconds.
    /// - Throws: `overloaded`, `storage_unavailable`.
    public func end(_ tenant: TenantID, _ end: AccessRevocation) async throws(Problem) {
        let now = clock.now()
        try await writing(in: tenant) { () throws(StoreError) in
            try await store.end(tenant, end, nowMilliseconds: now)
        }
        gate.forget(tenant)
    }
}
