import Causality

/// An operation that is to be kept with its result.
public struct DecidedOperation: Sendable, Hashable {
    /// The operation's place in the batch, from 0.
    public let index: Int
    /// The operation as it came.
    public let item: BatchItem
    /// The operation as later decisions will know it.
    public internal(set) var known: KnownOperation
    /// The event that the operation became; nil when it changed no record.
    public let dot: Dot?
    /// The corrected time of the edit; nil for an operation that could not be read.
    public let stampMilliseconds: Int64?

    public init(index: Int, item: BatchItem, known: KnownOperation, dot: Dot?, stampMilliseconds: Int64?) {
        self.index = index
        self.item = item
        self.known = known
        self.dot = dot
        self.stampMilliseconds = stampMilliseconds
    }
}

/// What is to be written for one batch or several, in one transaction. A `Commit` of `SyncStorage` is the same as rows.
public struct Plan: Sendable, Hashable {
    /// Each changed record once, in its last state.
    public var records: [RecordKey: StoredRecord] = [:]
    /// The entries to append to the audit, in their order.
    public var audit: [AuditEntry] = []
    /// The tenant's last place in the change feed, once the plan is written.
    public var sequence: Int64
    /// The position of the last entry of the audit, once the plan is written.
    public var auditPosition: Int64
    /// When the last entry of the audit was recorded, in server milliseconds.
    public var auditMilliseconds: Int64
    /// The bytes of the values on the sides of conflicts.
    public var auditBytes = 0

    public init(sequence: Int64, auditPosition: Int64, auditMilliseconds: Int64 = 0) {
        self.sequence = sequence
        self.auditPosition = auditPosition
        self.auditMilliseconds = auditMilliseconds
    }
}

/// The decision on one batch.
public struct BatchDecision: Sendable, Hashable {
    /// One outcome an operation, in the order of the batch.
    public var outcomes: [OperationOutcome]
    /// Whether the batch is refused as a whole. Then nothing of it is stored.
    public let isRefused: Bool
    /// The operations to keep with their results. Replays are not among them, nor are rejections that may heal by
    /// themselves.
    public let operations: [DecidedOperation]
    /// The tenant's last sequence number after the batch.
    public let sequence: Int64

    public init(outcomes: [OperationOutcome], isRefused: Bool, operations: [DecidedOperation], sequence: Int64) {
        self.outcomes = outcomes
        self.isRefused = isRefused
        self.operations = operations
        self.sequence = sequence
    }
}
