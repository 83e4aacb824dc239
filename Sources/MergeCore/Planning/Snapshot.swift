import Causality

/// A record as a store keeps it.
public struct StoredRecord: Sendable, Hashable {
    public let key: RecordKey
    public var state: RecordState
    /// The place of the record's last change in the tenant's feed.
    public var sequence: Int64
    /// Set when only this marker is left of a deleted record: its clock, so that nothing is taken for new.
    public let isPurged: Bool
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
    /// The operation without its result, which is known last: it stands under its id, under its event and in the decision,
    /// which share one copy.
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
    public internal(set) var result: OperationResult

    public var id: OperationID { content.id }
    public var device: DeviceID { content.device }
    public var user: ExactString { content.user }
    public var record: RecordKey? { content.record }
    public var clock: VersionVector { content.clock }
    /// nil for an operation that could not be read.
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

/// What a store holds under the keys of a read set. What is not there is absent from the dictionaries. `StoreSnapshot` in
/// `SyncStorage` has it as a part.
public struct Snapshot: Sendable, Hashable {
    public var records: [RecordKey: StoredRecord]
    /// By id; several where devices of the tenant chose the same id.
    public var operations: [OperationID: [KnownOperation]]
    public var dots: [RecordDot: KnownOperation]
    /// The last sequence number given in the tenant.
    public var sequence: Int64
    /// The last position given in the tenant's audit.
    public var auditPosition: Int64
    /// When that entry was recorded.
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
