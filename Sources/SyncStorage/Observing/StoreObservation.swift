import MergeCore

/// What a store did, for those who watch it.
public enum StoreObservation: Sendable {
    /// A step of work ended, well or not, after this time.
    case step(StoreStep, Duration)
    /// A commit became durable.
    case committed(CommitSize)

    /// The size of a transaction that is durable.
    public struct CommitSize: Sendable, Hashable {
        /// The batches that left their commit queue together; 0 for what reviewers did.
        public let batches: Int
        /// The conflicts that the commit opened or recorded as decided by a policy, by policy.
        public let conflicts: [String: Int]

        init(_ commit: Commit) {
            batches = commit.batches.count
            conflicts = commit.conflicts.reduce(into: [:]) { $0[$1.policy, default: 0] += 1 }
        }
    }
}

/// What time in a store is spent on.
public enum StoreStep: String, Sendable, Hashable, CaseIterable {
    /// Part of a transaction: waiting for its turn and its locks, and reading the read set.
    case read
    /// Part of a transaction: the pure decision.
    case decide
    /// Part of a transaction: writing, until the commit is durable.
    case write
    /// Reading the change feed and single records.
    case feed
    /// Reading batches and operations that were answered before.
    case answers
    /// Reading the audit and its index.
    case audit
    /// Reading and writing devices, tenants and revocations of access.
    case devices
    /// Spending one-time codes.
    case codes
}

/// Is told what a store did, after it did it, on whatever thread did it.
public typealias StoreObserver = @Sendable (StoreObservation) -> Void
