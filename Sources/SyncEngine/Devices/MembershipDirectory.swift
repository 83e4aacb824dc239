import Causality
import SyncStorage
import SyncWire
import Synchronization

/// The tenants of users, as they were found a short while ago. Every request of a token that knows no tenant asks for them.
///
/// Who is taken out of a tenant may be found here for that while; the caller's access is asked besides (``SyncEngine/permit(_:)``).
final class MembershipDirectory: Sendable {
    /// How long a user's tenants are taken for what they are. It is how long ended access may go on, too.
    static let knownForMilliseconds = AccessGate.knownForMilliseconds
    /// A user may be in more; these are found, by the bytes of the tenants' names.
    static let tenantsPerUser = 1_000
    private static let maximumCount = 10_000

    private struct Entry {
        let memberships: [Membership]
        let atMilliseconds: Int64
    }

    private let entries = Mutex<[ExactString: Entry]>([:])

    func memberships(
        of user: ExactString, nowMilliseconds now: Int64, reading read: () async throws(Problem) -> [Membership]
    ) async throws(Problem) -> [Membership] {
        if let entry = entries.withLock({ $0[user] }), entry.atMilliseconds <= now,
            now - entry.atMilliseconds < Self.knownForMilliseconds
        {
            return entry.memberships
        }
        let found = try await read()
        // Nobody is told for a while that they belong nowhere: they may have been added just now.
        guard !found.isEmpty else { return [] }
        entries.withLock { entries in
            if entries.count >= Self.maximumCount { entries = [:] }
            entries[user] = Entry(memberships: found, atMilliseconds: now)
        }
        return found
    }

    /// Forgets what is known, because somebody's access has changed.
    func forget() { entries.withLock { $0 = [:] } }
}

extension SyncEngine {
    /// The tenants of a user, as they were known within the last five seconds.
    /// - Throws: `storage_unavailable`.
    public func memberships(of user: ExactString) async throws(Problem) -> [Membership] {
        try await directory.memberships(of: user, nowMilliseconds: clock.now()) { () throws(Problem) in
            try await reading { () throws(StoreError) in
                try await store.memberships(of: user, limit: MembershipDirectory.tenantsPerUser)
            }
        }
    }
}
