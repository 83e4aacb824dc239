import Causality
import MergeCore

/// One entry of the audit, column by column as it is stored.
///
/// The hash chain covers these texts as they stand. Nothing is decoded and encoded again on the way to the hash, so that a
/// change of any byte in any column shows.
public struct AuditEntryRow: Sendable, Hashable {
    public enum EntryType: String, Sendable, Hashable, CaseIterable {
        case opened
        case sidesChanged = "sides_changed"
        case superseded
        case resolved
        case commented
        case assigned

        /// Whether the entry counts in the conflict's version: it changed the sides or the status.
        public var isVersion: Bool {
            switch self {
            case .opened, .sidesChanged, .superseded, .resolved: true
            case .commented, .assigned: false
            }
        }
    }

    public var position: Int64
    public var conflict: Int64
    public var version: Int64
    public var type: String
    public var collection: String
    public var record: String
    public var batch: String
    public var device: String
    public var recordedAtMilliseconds: Int64
    /// The record's clock before the operation and after it. Whole where `clocksFrom` is nil; else only the entries in which they
    /// are above `clockBefore` of the entry at that position.
    public var clockBefore: String
    public var clockAfter: String
    /// An earlier entry on the same record in the same commit, whose clocks stand whole.
    public var clocksFrom: Int64?
    /// Canonical JSON, by type.
    public var detail: String
    /// In the order of their ordinals, from 0.
    public var sides: [AuditSideRow]
    /// Over the entry before it and all columns; nil before it is made.
    public var hash: Digest?

    public init(
        position: Int64, conflict: Int64, version: Int64, type: String, collection: String, record: String,
        batch: String, device: String, recordedAtMilliseconds: Int64, clockBefore: String, clockAfter: String,
        clocksFrom: Int64? = nil, detail: String, sides: [AuditSideRow], hash: Digest?
    ) {
        self.position = position
        self.conflict = conflict
        self.version = version
        self.type = type
        self.collection = collection
        self.record = record
        self.batch = batch
        self.device = device
        self.recordedAtMilliseconds = recordedAtMilliseconds
        self.clockBefore = clockBefore
        self.clockAfter = clockAfter
        self.clocksFrom = clocksFrom
        self.detail = detail
        self.sides = sides
        self.hash = hash
    }
}

/// One side, column by column.
public struct AuditSideRow: Sendable, Hashable {
    public var role: String
    public var won: Bool
    public var present: Bool
    /// Canonical JSON; `null` where the side is not present, or where the value stands elsewhere.
    public var value: String
    /// An earlier entry in the same commit that has the value, at the side of the same event.
    public var valueFrom: Int64?
    public var device: String
    public var counter: Int64
    public var user: String
    public var operation: String
    public var stampMilliseconds: Int64
    public var claimedAtMilliseconds: Int64?

    public init(
        role: String, won: Bool, present: Bool, value: String, valueFrom: Int64? = nil, device: String,
        counter: Int64, user: String, operation: String, stampMilliseconds: Int64, claimedAtMilliseconds: Int64?
    ) {
        self.role = role
        self.won = won
        self.present = present
        self.value = value
        self.valueFrom = valueFrom
        self.device = device
        self.counter = counter
        self.user = user
        self.operation = operation
        self.stampMilliseconds = stampMilliseconds
        self.claimedAtMilliseconds = claimedAtMilliseconds
    }
}

/// A conflict in the index over the audit, column by column. Everything in it can be told from the entries.
public struct ConflictRow: Sendable, Hashable {
    public var id: Int64
    /// A `ConflictKind`.
    public var kind: String
    /// A `ConflictStatus`.
    public var status: String
    public var version: Int64
    public var collection: String
    public var record: String
    public var unit: String
    public var policy: String
    /// Never before that of a conflict with a lower id, so that a range of times is a range of ids.
    public var openedAtMilliseconds: Int64
    /// The user whose task it is to decide; empty for nobody, as no name is.
    public var assignee: String

    public init(
        id: Int64, kind: String, status: String, version: Int64, collection: String, record: String, unit: String,
        policy: String, openedAtMilliseconds: Int64, assignee: String = ""
    ) {
        self.id = id
        self.kind = kind
        self.status = status
        self.version = version
        self.collection = collection
        self.record = record
        self.unit = unit
        self.policy = policy
        self.openedAtMilliseconds = openedAtMilliseconds
        self.assignee = assignee
    }
}

/// A conflict with all its entries, oldest first.
public struct ConflictHistory: Sendable, Hashable {
    public let conflict: ConflictRow
    public let entries: [AuditEntryRow]

    public init(conflict: ConflictRow, entries: [AuditEntryRow]) {
        self.conflict = conflict
        self.entries = entries
    }
}
