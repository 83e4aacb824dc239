import Causality
import MergeCore

/// What tells a data set from others, its lineage first; fixed while it is open.
public struct StoreIdentity: Sendable, Hashable {
    /// New after a restore from backup. Cursors carry it.
    public let lineage: String
    /// What authenticated cursors in data that was made before schema 5; empty in newer data. Old cursors are still read with
    /// it, and nothing is given out under it.
    public let formerCursorKey: [UInt8]
    /// 32 random bytes that salt the hashes standing for redacted values.
    public let redactionKey: [UInt8]

    public init(lineage: String, formerCursorKey: [UInt8] = [], redactionKey: [UInt8]) {
        self.lineage = lineage
        self.formerCursorKey = formerCursorKey
        self.redactionKey = redactionKey
    }
}

/// The serial state of a tenant: what its next commit builds on.
public struct TenantHead: Sendable, Hashable {
    public var sequence: Int64
    public var operationOrdinal: Int64
    public var auditPosition: Int64
    /// The hash of the last audit entry; nil before the first.
    public var auditHash: Digest?
    /// When that entry was recorded; 0 before the first.
    public var auditMilliseconds: Int64
    /// A cursor below it may have missed a record that was purged.
    public var purgeFloor: Int64

    public init(
        sequence: Int64 = 0, operationOrdinal: Int64 = 0, auditPosition: Int64 = 0, auditHash: Digest? = nil,
        auditMilliseconds: Int64 = 0, purgeFloor: Int64 = 0
    ) {
        self.sequence = sequence
        self.operationOrdinal = operationOrdinal
        self.auditPosition = auditPosition
        self.auditHash = auditHash
        self.auditMilliseconds = auditMilliseconds
        self.purgeFloor = purgeFloor
    }
}

/// A record as it is written: what merges need (`state`) beside what pulls send without looking inside.
public struct RecordRow: Sendable, Hashable {
    public var key: RecordKey
    public var sequence: Int64
    public var isDeleted: Bool
    public var isPurged: Bool
    /// Canonical JSON, like `fields`, `siblings` and `state`.
    public var clock: String
    public var stampMilliseconds: Int64
    public var fields: String
    public var siblings: String?
    public var state: String
    public var openConflicts: Int64
    public var changedAtMilliseconds: Int64

    public init(
        key: RecordKey, sequence: Int64, isDeleted: Bool, isPurged: Bool, clock: String, stampMilliseconds: Int64,
        fields: String, siblings: String?, state: String, openConflicts: Int64, changedAtMilliseconds: Int64
    ) {
        self.key = key
        self.sequence = sequence
        self.isDeleted = isDeleted
        self.isPurged = isPurged
        self.clock = clock
        self.stampMilliseconds = stampMilliseconds
        self.fields = fields
        self.siblings = siblings
        self.state = state
        self.openConflicts = openConflicts
        self.changedAtMilliseconds = changedAtMilliseconds
    }
}

extension RecordRow {
    /// What a row counts for beside its texts: the names of its members, its numbers.
    public static let pageOverheadBytes = 256

    /// What the row counts for in a page of the feed.
    public var pageBytes: Int {
        key.collection.text.utf8.count + key.id.text.utf8.count + clock.utf8.count + fields.utf8.count
            + (siblings?.utf8.count ?? 0) + state.utf8.count + Self.pageOverheadBytes
    }
}

/// An operation with its result.
public struct OperationRow: Sendable, Hashable {
    public var id: OperationID
    public var device: DeviceID
    public var ordinal: Int64
    public var user: ExactString
    public var batch: ExactString
    /// nil for an operation that named no readable record.
    public var record: RecordKey?
    /// The counter of the event that it became; nil when it changed no record.
    public var counter: Int64?
    public var clock: String
    /// nil for an operation that could not be read.
    public var fingerprint: Digest?
    public var outcome: OutcomeKind
    public var result: String
    /// The operation as it was sent, redacted fields hashed.
    public var content: String
    public var stampMilliseconds: Int64?
    public var recordedAtMilliseconds: Int64

    public init(
        id: OperationID, device: DeviceID, ordinal: Int64, user: ExactString, batch: ExactString, record: RecordKey?,
        counter: Int64?, clock: String, fingerprint: Digest?, outcome: OutcomeKind, result: String,
        content: String, stampMilliseconds: Int64?, recordedAtMilliseconds: Int64
    ) {
        self.id = id
        self.device = device
        self.ordinal = ordinal
        self.user = user
        self.batch = batch
        self.record = record
        self.counter = counter
        self.clock = clock
        self.fingerprint = fingerprint
        self.outcome = outcome
        self.result = result
        self.content = content
        self.stampMilliseconds = stampMilliseconds
        self.recordedAtMilliseconds = recordedAtMilliseconds
    }
}

/// The name of a batch: keys are the device's own.
public struct BatchKey: Sendable, Hashable {
    public let device: DeviceID
    public let key: ExactString

    public init(device: DeviceID, key: ExactString) {
        self.device = device
        self.key = key
    }
}

/// A batch that was committed: by what it is known again, and where the results of its operations stand.
public struct BatchRow: Sendable, Hashable {
    public var key: BatchKey
    /// Of the request's canonical body.
    public var fingerprint: Digest
    /// JSON, one element an operation (see `BatchResult`).
    public var results: String
    public var recordedAtMilliseconds: Int64

    public init(key: BatchKey, fingerprint: Digest, results: String, recordedAtMilliseconds: Int64) {
        self.key = key
        self.fingerprint = fingerprint
        self.results = results
        self.recordedAtMilliseconds = recordedAtMilliseconds
    }
}

/// A registered device.
public struct DeviceRow: Sendable, Hashable {
    public var device: DeviceID
    public var user: ExactString
    public var registeredAtMilliseconds: Int64
    public var lastSeenAtMilliseconds: Int64
    /// The highest sequence that the device has pulled past.
    public var acknowledgedSequence: Int64
    public var retiredAtMilliseconds: Int64?

    public init(
        device: DeviceID, user: ExactString, registeredAtMilliseconds: Int64, lastSeenAtMilliseconds: Int64,
        acknowledgedSequence: Int64 = 0, retiredAtMilliseconds: Int64? = nil
    ) {
        self.device = device
        self.user = user
        self.registeredAtMilliseconds = registeredAtMilliseconds
        self.lastSeenAtMilliseconds = lastSeenAtMilliseconds
        self.acknowledgedSequence = acknowledgedSequence
        self.retiredAtMilliseconds = retiredAtMilliseconds
    }
}
