import Causality
import MergeCore

/// The keys of all that one commit reads, for all of its batches together: the core's `ReadSet`, and what only the engine
/// needs.
public struct StoreReadSet: Sendable, Hashable {
    public var merge = ReadSet()
    public var batches: Set<BatchKey> = []
    public var devices: Set<DeviceID> = []
    /// Conflicts that are to be decided, commented or assigned. Their records are in `merge`.
    public var conflicts: Set<ConflictID> = []
    /// Bytes of records that are read at most, but for the first (see `StoreSnapshot.omitted`).
    public var recordBytes = Int.max

    public init() {}

    public mutating func formUnion(_ other: StoreReadSet) {
        merge.formUnion(other.merge)
        batches.formUnion(other.batches)
        devices.formUnion(other.devices)
        conflicts.formUnion(other.conflicts)
        recordBytes = min(recordBytes, other.recordBytes)
    }
}

/// What a store holds under a read set, read under the tenant's lock: the core's `Snapshot`, and what only the engine needs.
public struct StoreSnapshot: Sendable {
    /// Its `sequence`, `auditPosition` and `auditMilliseconds` are those of the head.
    public var merge: Snapshot
    public var head: TenantHead
    public var batches: [BatchKey: BatchRow]
    public var devices: [DeviceID: DeviceRow]
    /// With all their entries and sides, in order. A conflict that is not there is absent.
    public var conflicts: [ConflictID: ConflictHistory]
    /// Records that are there and were not read, because the read set allows no more bytes. While there are any, nothing may be
    /// decided about them.
    public var omitted: Set<RecordKey>

    public init(
        merge: Snapshot, head: TenantHead, batches: [BatchKey: BatchRow] = [:], devices: [DeviceID: DeviceRow] = [:],
        conflicts: [ConflictID: ConflictHistory] = [:], omitted: Set<RecordKey> = []
    ) {
        self.merge = merge
        self.head = head
        self.batches = batches
        self.devices = devices
        self.conflicts = conflicts
        self.omitted = omitted
    }
}

/// All that one transaction writes, in final form: a `Plan` of `MergeCore` as rows, and what is written beside it.
///
/// What is only ever inserted is never overwritten: a commit that would is refused as `damaged`, and nothing of it is stored.
public struct Commit: Sendable, Hashable {
    public var head: TenantHead
    /// Inserted or replaced, each key once.
    public var records: [RecordRow]
    /// Inserted, in this order; a rejection of the same id and device is replaced.
    public var operations: [OperationRow]
    /// Inserted.
    public var batches: [BatchRow]
    /// Inserted where not there yet.
    public var devices: [DeviceRow]
    /// Appended.
    public var audit: [AuditEntryRow]
    /// Conflicts opened by `audit`, as they stand after it. Inserted into the index.
    public var conflicts: [ConflictRow]
    /// Conflicts opened earlier and changed by `audit`, each once. Updated in the index.
    public var conflictChanges: [ConflictChange]
    /// Conflicts opened earlier and assigned by `audit`, each once. Updated in the index.
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

    /// Whether there is nothing to write: every batch was a replay or was refused.
    public var isEmpty: Bool {
        records.isEmpty && operations.isEmpty && batches.isEmpty && devices.isEmpty && audit.isEmpty
    }
}

/// How a conflict that was opened earlier stands after a commit.
public struct ConflictChange: Sendable, Hashable {
    public let id: Int64
    public var version: Int64
    public var status: ConflictStatus

    public init(id: Int64, version: Int64, status: ConflictStatus) {
        self.id = id
        self.version = version
        self.status = status
    }
}

/// Whose task a conflict that was opened earlier is after a commit.
public struct ConflictAssignment: Sendable, Hashable {
    public let id: Int64
    /// Empty: nobody's.
    public var assignee: String

    public init(id: Int64, assignee: String) {
        self.id = id
        self.assignee = assignee
    }

    /// Byte by byte, as rows are.
    public static func == (left: ConflictAssignment, right: ConflictAssignment) -> Bool {
        left.id == right.id && ExactString(left.assignee) == ExactString(right.assignee)
    }
}
