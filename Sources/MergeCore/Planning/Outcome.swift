import Causality

/// What the server did with an operation (rule M6).
///
/// - `applied`: it was merged, and its author had seen all that was stored.
/// - `merged`: it was concurrent, and no conflict was recorded.
/// - `conflicted`: it was concurrent, and a conflict was recorded.
/// - `older`: its counter was in the history already, and it changed nothing.
/// - `rejected`: it was refused.
/// - `skipped`: it depends on something that failed.
public enum OutcomeKind: String, Sendable, Hashable, CaseIterable {
    case applied, merged, conflicted, older, rejected, skipped
}

/// A conflict as the result of the operation that met it names it. `ConflictView` in `SyncEngine` has all of it.
public struct ConflictSummary: Sendable, Hashable {
    /// The conflict's name.
    public let id: ConflictID
    /// The name of the unit in which values met.
    public let unit: ExactString
    /// The name of the policy.
    public let policy: ExactString
    /// How the conflict stood when the operation had been merged.
    public let status: ConflictStatus
    /// The role of the side that showed then.
    public let winner: ConflictSide.Role

    public init(
        id: ConflictID, unit: ExactString, policy: ExactString, status: ConflictStatus, winner: ConflictSide.Role
    ) {
        self.id = id
        self.unit = unit
        self.policy = policy
        self.status = status
        self.winner = winner
    }
}

/// The result of one operation, as it is stored and told again when the operation comes again.
public struct OperationResult: Sendable, Hashable {
    /// What the server did with the operation.
    public let outcome: OutcomeKind
    /// How the operation stood to its record; nil for `rejected` and `skipped`.
    public let relation: Relation?
    /// The conflicts that the operation met.
    public let conflicts: [ConflictSummary]
    /// The record's place in the change feed after the batch; nil when the operation changed nothing.
    public var sequence: Int64?
    /// Why the operation was rejected or skipped; empty otherwise.
    public let rejections: [Rejection]

    public init(
        outcome: OutcomeKind, relation: Relation?, conflicts: [ConflictSummary] = [], sequence: Int64? = nil,
        rejections: [Rejection] = []
    ) {
        self.outcome = outcome
        self.relation = relation
        self.conflicts = conflicts
        self.sequence = sequence
        self.rejections = rejections
    }

    /// The result of an operation that was refused.
    public static func rejected(_ rejections: [Rejection]) -> OperationResult {
        OperationResult(outcome: .rejected, relation: nil, rejections: rejections)
    }

    /// Whether the operation was taken into the record, or found to be there already.
    public var isAccepted: Bool { relation != nil }

    /// The result with at most so many of its rejections. One is enough to say that the operation is rejected.
    func keeping(rejections limit: Int) -> OperationResult {
        guard rejections.count > limit else { return self }
        return OperationResult(
            outcome: outcome, relation: relation, conflicts: conflicts, sequence: sequence,
            rejections: Array(rejections.prefix(limit)))
    }
}

/// A result within the answer to one batch.
public struct OperationOutcome: Sendable, Hashable {
    /// The operation's name; nil where it had no readable one.
    public let id: OperationID?
    /// The record that the operation is about, where that could be read.
    public let record: RecordKey?
    /// What became of the operation.
    public var result: OperationResult
    /// Whether the operation was decided before, and is told its first result.
    public let isReplayed: Bool
    /// The device under which an accepted operation is kept with its result, where nothing overwrites it; nil where
    /// this outcome stands nowhere else.
    public let keptUnder: DeviceID?

    public init(
        id: OperationID?, record: RecordKey?, result: OperationResult, isReplayed: Bool = false,
        keptUnder: DeviceID? = nil
    ) {
        self.id = id
        self.record = record
        self.result = result
        self.isReplayed = isReplayed
        self.keptUnder = keptUnder
    }
}
