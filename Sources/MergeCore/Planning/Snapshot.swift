import Causality

/// A record as a store keeps it.
public struct StoredRecord: Sendable, Hashable {
    /// The record's name.
    public let key: RecordKey
    /// All that the merge knows about the record.
    public var state: RecordState
    /// The place of the record's last change in the tenant's feed.
    public var sequence: Int64
    /// Whether only a marker is left of a deleted record. The marker has the record's clock, so that nothing is taken
    /// for new.
    public let isPurged: Bool
    /// The conflicts that wait for a decision, at most one a unit.
    public var openConflicts: [UnitKey: OpenConflict]

    public init(
        key: RecordKey, state: RecordState, sequence: Int64, isPurged: Bool = false,
        openConflicts: [UnitKey: OpenConflict] = [:]
    ) {
        self.key = key
        self.state = state
        self.sequence = sequence
        self.isPurged = isPurged
        self.openConflicts = openConflicts
    }
}

/// An operation that was decided before, as far as later decisions need it.
public struct KnownOperation: Sendable, Hashable {
    /// The operation without its result, which is known last. The operation stands under its id, under its event and in
    /// the decision; all three share one copy.
    private final class Content: Sendable, Hashable {
        let id: OperationID
        let device: DeviceID
        let user: ExactString
        let record: RecordKey?
        let clock: VersionVector
        let fingerprint: Digest?

        init(
            id: OperationID, device: DeviceID, user: ExactString, record: RecordKey?, clock: VersionVector,
            fingerprint: Digest?
        ) {
            self.id = id
            self.device = device
            self.user = user
            self.record = record
            self.clock = clock
            self.fingerprint = fingerprint
        }

        static func == (left: Content, right: Content) -> Bool {
            left === right
                || (left.id == right.id && left.device == right.device && left.user == right.user
                    && left.record == right.record && left.clock == right.clock
                    && left.fingerprint == right.fingerprint)
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(id)
            hasher.combine(device)
        }
    }

    private let content: Content
    /// What became of the operation.
    public internal(set) var result: OperationResult

    /// The operation's name.
    public var id: OperationID { content.id }
    /// The device that sent it.
    public var device: DeviceID { content.device }
    /// The user on whose behalf the device sent it.
    public var user: ExactString { content.user }
    /// The record that it is about; nil where that could not be read.
    public var record: RecordKey? { content.record }
    /// Its clock as it was sent; empty where it could not be read.
    public var clock: VersionVector { content.clock }
    /// The digest of what it asks for; nil where it could not be read.
    public var fingerprint: Digest? { content.fingerprint }

    public init(
        id: OperationID, device: DeviceID, user: ExactString, record: RecordKey?, clock: VersionVector,
        fingerprint: Digest?, result: OperationResult
    ) {
        content = Content(
            id: id, device: device, user: user, record: record, clock: clock, fingerprint: fingerprint)
        self.result = result
    }
}

/// What a store holds under the keys of a read set. A key that the store does not know is absent from the dictionaries.
/// `StoreSnapshot` in `SyncStorage` has this as a part.
public struct Snapshot: Sendable, Hashable {
    /// The records that are there.
    public var records: [RecordKey: StoredRecord]
    /// The operations that were decided before, by id; several where devices of the tenant chose the same id.
    public var operations: [OperationID: [KnownOperation]]
    /// The operations that the events were.
    public var dots: [RecordDot: KnownOperation]
    /// The last sequence number given in the tenant.
    public var sequence: Int64
    /// The last position given in the tenant's audit.
    public var auditPosition: Int64
    /// When that entry was recorded, in server milliseconds.
    public var auditMilliseconds: Int64

    public init(
        records: [RecordKey: StoredRecord] = [:], operations: [OperationID: [KnownOperation]] = [:],
        dots: [RecordDot: KnownOperation] = [:], sequence: Int64 = 0, auditPosition: Int64 = 0,
        auditMilliseconds: Int64 = 0
    ) {
        self.records = records
        self.operations = operations
        self.dots = dots
        self.sequence = sequence
        self.auditPosition = auditPosition
        self.auditMilliseconds = auditMilliseconds
    }
}
