import Causality
import MergeCore

/// The keys of all that one commit reads, for all of its batches together: the core's `ReadSet`, and what only the
/// engine needs.
public struct StoreReadSet: Sendable, Hashable {
    /// What the core reads.
    public var merge = ReadSet()
    /// Batches that may have been committed before.
    public var batches: Set<BatchKey> = []
    /// Devices that send the batches.
    public var devices: Set<DeviceID> = []
    /// Conflicts that are to be decided, commented or assigned. Their records are in `merge`.
    public var conflicts: Set<ConflictID> = []
    /// The bytes of records that are read at most; the first record is always read (see ``StoreSnapshot/omitted``).
    public var recordBytes = Int.max

    /// A set without keys.
    public init() {}

    /// Adds the keys of another set. The smaller of the two bounds on bytes holds.
    public mutating func formUnion(_ other: StoreReadSet) {
        merge.formUnion(other.merge)
        batches.formUnion(other.batches)
        devices.formUnion(other.devices)
        conflicts.formUnion(other.conflicts)
        recordBytes = min(recordBytes, other.recordBytes)
    }
}

/// What a store holds under a read set, read under the tenant's lock: the core's `Snapshot`, and what only the engine
/// needs. A key that the store does not know is absent.
public struct StoreSnapshot: Sendable {
    /// What the core decides on. Its `sequence`, `auditPosition` and `auditMilliseconds` are those of the head.
    public var merge: Snapshot
    /// What the next commit builds on.
    public var head: TenantHead
    /// The life of the data in which the commit will be made.
    public var life: LifeID
    /// The batches that were committed before.
    public var batches: [BatchKey: BatchRow]
    /// The devices that are registered.
    public var devices: [DeviceID: DeviceRow]
    /// The conflicts, with all their entries and sides, in order.
    public var conflicts: [ConflictID: ConflictHistory]
    /// Records that are there and were not read, because the read set allows no more bytes. While there are any,
    /// nothing may be decided about them.
    public var omitted: Set<RecordKey>

    public init(
        merge: Snapshot, head: TenantHead, life: LifeID = .beforeAny, batches: [BatchKey: BatchRow] = [:],
        devices: [DeviceID: DeviceRow] = [:],
        conflicts: [ConflictID: ConflictHistory] = [:], omitted: Set<RecordKey> = []
    ) {
        self.merge = merge
        self.head = head
        self.life = life
        self.batches = batches
        self.devices = devices
        self.conflicts = conflicts
        self.omitted = omitted
    }
}

/// All that one transaction writes, in final form: a `Plan` of `MergeCore` as rows, and what is written beside it.
///
/// A row that is only ever inserted is never overwritten. A commit that would overwrite one is refused as `damaged`,
/// and nothing of it is stored.
public struct Commit: Sendable, Hashable {
    /// The tenant's head after the commit.
    public var head: TenantHead
    /// Records that are inserted or replaced, each key once.
    public var records: [RecordRow]
    /// Operations that are inserted, in this order. A rejection of the same id and device is replaced.
    public var operations: [OperationRow]
    /// Batches that are inserted.
    public var batches: [BatchRow]
    /// Devices that are inserted where they are not there yet.
    public var devices: [DeviceRow]
    /// Entries that are appended to the audit.
    public var audit: [AuditEntryRow]
    /// Conflicts that `audit` opened, as they stand after it. They are inserted into the index.
    public var conflicts: [ConflictRow]
    /// Conflicts that were opened earlier and that `audit` changed, each once. They are updated in the index.
    public var conflictChanges: [ConflictChange]
    /// Conflicts that were opened earlier and that `audit` assigned, each once. They are updated in the index.
    public var assignments: [ConflictAssignment]

    public init(
        head: TenantHead, records: [RecordRow] = [], operations: [OperationRow] = [], batches: [BatchRow] = [],
        devices: [DeviceRow] = [], audit: [AuditEntryRow] = [], conflicts: [ConflictRow] = [],
        conflictChanges: [ConflictChange] = [], assignments: [ConflictAssignment] = []
    ) {
        self.head = head
        self.records = records
        self.operations = operations
        self.batches = batches
        self.devices = devices
        self.audit = audit
        self.conflicts = conflicts
        self.conflictChanges = conflictChanges
        self.assignments = assignments
    }

    /// Whether there is nothing to write, because every batch was a replay or was refused.
    public var isEmpty: Bool {
        records.isEmpty && operations.isEmpty && batches.isEmpty && devices.isEmpty && audit.isEmpty
    }
}

/// How a conflict that was opened earlier stands after a commit.
public struct ConflictChange: Sendable, Hashable {
    /// The position of the entry that opened the conflict.
    public let id: Int64
    /// The conflict's version after the commit.
    public var version: Int64
    /// How the conflict stands after the commit.
    public var status: ConflictStatus

    public init(id: Int64, version: Int64, status: ConflictStatus) {
        self.id = id
        self.version = version
        self.status = status
    }
}

/// Whose task a conflict that was opened earlier is after a commit.
public struct ConflictAssignment: Sendable, Hashable {
    /// The position of the entry that opened the conflict.
    public let id: Int64
    /// The user whose task it is; empty where it is nobody's.
    public var assignee: String

    public init(id: Int64, assignee: String) {
        self.id = id
        self.assignee = assignee
    }

    /// Compares byte by byte, as rows are compared.
    public static func == (left: ConflictAssignment, right: ConflictAssignment) -> Bool {
        left.id == right.id && ExactString(left.assignee) == ExactString(right.assignee)
    }
}
