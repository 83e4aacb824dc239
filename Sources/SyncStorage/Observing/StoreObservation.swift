import MergeCore

/// What a store did, for those who watch it.
public enum StoreObservation: Sendable {
    case step(StoreStep, Duration)
    case committed(CommitSize)

    /// A transaction that is durable.
    public struct CommitSize: Sendable, Hashable {
        /// Batches that left their commit queue together. 0 for what reviewers did.
        public let batches: Int
        /// Conflicts that it opened or recorded as decided by a policy, by policy.
        public let conflicts: [String: Int]

        init(_ commit: Commit) {
            batches = commit.batches.count
            conflicts = commit.conflicts.reduce(into: [:]) { $0[$1.policy, default: 0] += 1 }
        }
    }
}

/// What time in a store is spent on.
public enum StoreStep: String, Sendable, Hashable, CaseIterable {
    /// Of a transaction: waiting for its turn and its locks, and reading the read set.
    case read
    /// Of a transaction: the pure decision.
    case decide
    /// Of a transaction: writing, until it is durable.
    case write
    case feed
    case answers
    case audit
    case devices
    case codes
}

/// Called after what it tells, on whatever thread did it.
public typealias StoreObserver = @Sendable (StoreObservation) -> Void
