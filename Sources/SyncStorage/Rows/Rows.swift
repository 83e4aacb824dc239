import Causality
import MergeCore

/// What tells a data set from others. It is fixed while the data is open.
public struct StoreIdentity: Sendable, Hashable {
    /// The name of the data set, which cursors carry. It is new after a restore from a backup.
    public let lineage: String
    /// The key that authenticated cursors in data that was made before schema 5; empty in newer data. Old cursors are
    /// still read with it, and nothing is given out under it.
    public let formerCursorKey: [UInt8]
    /// The 32 random bytes that salt the hashes which stand for redacted values.
    public let redactionKey: [UInt8]

    public init(lineage: String, formerCursorKey: [UInt8] = [], redactionKey: [UInt8]) {
        self.lineage = lineage
        self.formerCursorKey = formerCursorKey
        self.redactionKey = redactionKey
    }
}

/// The serial state of a tenant: what its next commit builds on.
public struct TenantHead: Sendable, Hashable {
    /// The last place that was given in the change feed.
    public var sequence: Int64
    /// The last number that was given to a stored operation.
    public var operationOrdinal: Int64
    /// The last position that was given in the audit.
    public var auditPosition: Int64
    /// The hash of the last audit entry; nil before the first.
    public var auditHash: Digest?
    /// When that entry was recorded, in server milliseconds; 0 before the first.
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
    /// The record's name.
    public var key: RecordKey
    /// The place of the record's last change in the feed.
    public var sequence: Int64
    /// Whether a delete hides the record.
    public var isDeleted: Bool
    /// Whether only a marker is left of it.
    public var isPurged: Bool
    /// The record's clock as canonical JSON; `fields`, `siblings` and `state` are canonical JSON too.
    public var clock: String
    /// The greatest stamp that was ever merged into the record.
    public var stampMilliseconds: Int64
    /// What the record shows, as an object.
    public var fields: String
    /// The values that wait for a decision beside those that show, by unit; nil where there are none.
    public var siblings: String?
    /// What merges need, in the form of `StateEncoder`.
    public var state: String
    /// How many of its conflicts wait for a decision.
    public var openConflicts: Int64
    /// When the record was changed last, in server milliseconds.
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
    /// The bytes that a row counts for beside its texts: the names of its members, its numbers.
    public static let pageOverheadBytes = 256

    /// The bytes that the row counts for in a page of the feed.
    public var pageBytes: Int {
        key.collection.text.utf8.count + key.id.text.utf8.count + clock.utf8.count + fields.utf8.count
            + (siblings?.utf8.count ?? 0) + state.utf8.count + Self.pageOverheadBytes
    }
}

/// An operation with its result.
public struct OperationRow: Sendable, Hashable {
    /// The name that its author gave it.
    public var id: OperationID
    /// The device that sent it.
    public var device: DeviceID
    /// Its number among the tenant's stored operations.
    public var ordinal: Int64
    /// The user on whose behalf the device sent it.
    public var user: ExactString
    /// The key of the batch that it came in.
    public var batch: ExactString
    /// The record that it is about; nil for an operation that named no readable one.
    public var record: RecordKey?
    /// The counter of the event that the operation became; nil when it changed no record.
    public var counter: Int64?
    /// Its clock as canonical JSON.
    public var clock: String
    /// The digest of what it asks for; nil for an operation that could not be read.
    public var fingerprint: Digest?
    /// What the server did with it.
    public var outcome: OutcomeKind
    /// Its result, in the form of `OperationResult.storedText`.
    public var result: String
    /// The operation as it was sent, in canonical form, with redacted fields hashed.
    public var content: String
    /// The corrected time of the edit; nil for an operation that could not be read.
    public var stampMilliseconds: Int64?
    /// Server time.
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

/// The name of a batch: the `device` that sent it, and the `key` that is the device's own.
public struct BatchKey: Sendable, Hashable {
    public let device: DeviceID
    public let key: ExactString

    public init(device: DeviceID, key: ExactString) {
        self.device = device
        self.key = key
    }
}

/// A batch that was committed. The row says by what the batch is known again, and where the results of its operations
/// stand.
public struct BatchRow: Sendable, Hashable {
    /// The batch's name.
    public var key: BatchKey
    /// The digest of the request's canonical body.
    public var fingerprint: Digest
    /// The results as JSON, one element an operation (see `BatchResult`).
    public var results: String
    /// Server time.
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
    /// The device's id.
    public var device: DeviceID
    /// The user who registered it.
    public var user: ExactString
    /// When it was registered, in server milliseconds.
    public var registeredAtMilliseconds: Int64
    /// When it was seen last, in server milliseconds.
    public var lastSeenAtMilliseconds: Int64
    /// The highest sequence that the device has pulled past.
    public var acknowledgedSequence: Int64
    /// When it was retired, in server milliseconds; nil where it was not.
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
