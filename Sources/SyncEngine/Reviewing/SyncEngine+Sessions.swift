import Causality
import SyncStorage
import SyncWire

extension SyncEngine {
    /// More sessions than these of one user are not listed.
    private static let sessionsPerUser = 1_000

    /// Notes that a reviewer signed in.
    /// - Throws: `overloaded`, `storage_unavailable`.
    public func begin(_ tenant: TenantID, _ session: ReviewSessionRow) async throws(Problem) {
        let now = clock.now()
        try await writing(in: tenant) { () throws(StoreError) in
            try await store.begin(tenant, session, nowMilliseconds: now)
        }
    }

    /// Where the caller is signed in, the newest first.
    /// - Throws: `storage_unavailable`.
    public func reviewSessions(of caller: Caller) async throws(Problem) -> [ReviewSessionRow] {
        let now = clock.now()
        return try await reading { () throws(StoreError) in
            try await store.reviewSessions(
                caller.tenant, of: caller.user, nowMilliseconds: now, limit: Self.sessionsPerUser)
        }
    }

    /// Ends some of the caller's own sessions, here at once and on other servers within five seconds, and records it.
    /// - Parameters:
    ///   - caller: whose sessions they are.
    ///   - isEnded: which of them. Those of others are never asked about.
    /// - Throws: `overloaded`, `storage_unavailable`.
    public func endSessions(of caller: Caller, where isEnded: (ReviewSessionRow) -> Bool) async throws(Problem) {
        for row in try await reviewSessions(of: caller).filter(isEnded) {
            let end = AccessRevocation.session(row.id, expiresAtMilliseconds: row.expiresAtMilliseconds)
            let now = clock.now()
            _ = try await writing(in: caller.tenant) { () throws(StoreError) in
                try await store.administer(caller.tenant, .endAccess(end), by: caller.user, nowMilliseconds: now)
            }
        }
        accessHasEnded(in: caller.tenant)
    }
}
