import Causality
import MergeCore

/// One entry of the audit, column by column as it is stored.
///
/// The hash chain covers these texts as they stand. Nothing is decoded and encoded again on the way to the hash, so
/// that a change of any byte in any column shows.
public struct AuditEntryRow: Sendable, Hashable {
    /// What an entry records. The cases are those of `AuditEntry.Content` in `MergeCore`: `opened`, `sidesChanged`,
    /// `superseded`, `resolved`, `commented` and `assigned`.
    public enum EntryType: String, Sendable, Hashable, CaseIterable {
        case opened
        case sidesChanged = "sides_changed"
        case superseded
        case resolved
        case commented
        case assigned

        /// Whether the entry counts in the conflict's version, because it changed the sides or the status.
        public var isVersion: Bool {
            switch self {
            case .opened, .sidesChanged, .superseded, .resolved: true
            case .commented, .assigned: false
            }
        }
    }

    /// The number of the entry in its tenant's audit, from 1.
    public var position: Int64
    /// The position of the entry that opened the conflict.
    public var conflict: Int64
    /// The conflict's version after the entry.
    public var version: Int64
    /// The name of an `EntryType`.
    public var type: String
    /// The record's collection.
    public var collection: String
    /// The record's id.
    public var record: String
    /// The key of the batch that caused the entry.
    public var batch: String
    /// The device that sent the batch, or the reviewer's replica.
    public var device: String
    /// Server time, never before that of the entry in front.
    public var recordedAtMilliseconds: Int64
    /// The record's clock before the operation, as canonical JSON. It is whole where `clocksFrom` is nil. Else it has
    /// only the entries that are above `clockBefore` of the entry at that position.
    public var clockBefore: String
    /// The record's clock after the operation, in the same form.
    public var clockAfter: String
    /// The position of an earlier entry on the same record in the same commit, whose clocks stand whole.
    public var clocksFrom: Int64?
    /// What the entry says besides, as canonical JSON. Its members depend on the type.
    public var detail: String
    /// The sides that the entry adds, in the order of their ordinals, from 0.
    public var sides: [AuditSideRow]
    /// The hash over the entry before it and all columns; nil before it is made.
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

/// One side of an entry, column by column.
public struct AuditSideRow: Sendable, Hashable {
    /// The name of a `ConflictSide.Role`.
    public var role: String
    /// Whether the side showed after the entry was written.
    public var won: Bool
    /// Whether the side has a value; a delete has none.
    public var present: Bool
    /// The value as canonical JSON; `null` where the side is not present, or where the value stands elsewhere.
    public var value: String
    /// The position of an earlier entry in the same commit that has the value, at the side of the same event.
    public var valueFrom: Int64?
    /// The device of the event that wrote the value.
    public var device: String
    /// The counter of that event.
    public var counter: Int64
    /// The user on whose behalf the device sent it.
    public var user: String
    /// The id of the operation that it was.
    public var operation: String
    /// The corrected time of the edit.
    public var stampMilliseconds: Int64
    /// The device's own time of the edit; nil where it named none.
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
    /// The position of the entry that opened the conflict.
    public var id: Int64
    /// The name of a `ConflictKind`.
    public var kind: String
    /// The name of a `ConflictStatus`.
    public var status: String
    /// How many of its entries changed its sides or its status.
    public var version: Int64
    /// The record's collection.
    public var collection: String
    /// The record's id.
    public var record: String
    /// The name of the unit in which the values met.
    public var unit: String
    /// The name of the policy.
    public var policy: String
    /// Server time. It is never before that of a conflict with a lower id, so that a range of times is a range of ids.
    public var openedAtMilliseconds: Int64
    /// The user whose task it is to decide. It is empty where it is nobody's, as no name is empty.
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

/// A conflict with all its entries, the oldest first.
public struct ConflictHistory: Sendable, Hashable {
    /// The conflict as the index has it.
    public let conflict: ConflictRow
    /// All its entries, the oldest first.
    public let entries: [AuditEntryRow]

    public init(conflict: ConflictRow, entries: [AuditEntryRow]) {
        self.conflict = conflict
        self.entries = entries
    }
}
