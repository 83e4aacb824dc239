import Causality

/// What the server did with an operation.
public enum OutcomeKind: String, Sendable, Hashable, CaseIterable {
    case applied, merged, conflicted, older, rejected, skipped
}

/// A conflict as it is named in the result of the operation that met it. All of it is `ConflictView` in `SyncEngine`.
public struct ConflictSummary: Sendable, Hashable {
    public let id: ConflictID
    public let unit: ExactString
    public let policy: ExactString
    public let status: ConflictStatus
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
    public let outcome: OutcomeKind
    /// nil for `rejected` and `skipped`.
    public let relation: Relation?
    public let conflicts: [ConflictSummary]
    /// The record's place in the change feed after the batch; nil when the operation changed nothing.
    public var sequence: Int64?
    /// Why it was rejected or skipped; empty otherwise.
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

    public static func rejected(_ rejections: [Rejection]) -> OperationResult {
        OperationResult(outcome: .rejected, relation: nil, rejections: rejections)
    }

    /// Whether the operation was taken into the record, or found to be there already.
    public var isAccepted: Bool { relation != nil }

    /// The result with so many of its rejections at most. One is enough to say that it is rejected.
    func keeping(rejections limit: Int) -> OperationResult {
        guard rejections.count > limit else { return self }
        return OperationResult(
            outcome: outcome, relation: relation, conflicts: conflicts, sequence: sequence,
            rejections: Array(rejections.prefix(limit)))
    }
}

/// A result within the answer to one batch.
public struct OperationOutcome: Sendable, Hashable {
    /// nil for an operation that had no readable id.
    public let id: OperationID?
    public let record: RecordKey?
    public var result: OperationResult
    public let isReplayed: Bool
    /// The device under which an accepted operation is kept with its result, where nothing overwrites it; nil where this
    /// outcome stands nowhere else.
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
