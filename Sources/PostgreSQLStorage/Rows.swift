import Causality
import MergeCore
import SyncStorage

// Each type reads its columns in the order in which `Statements` names them, the tenant aside. What is written in bulk gives
// one array a column, in the same order.

extension TenantHead {
    init(_ row: Columns) {
        self.init(
            sequence: row.integer(0), operationOrdinal: row.integer(1), auditPosition: row.integer(2),
            auditHash: Digest(auditColumn: row.bytes(3)), auditMilliseconds: row.integer(4), purgeFloor: row.integer(5))
    }

    func bind(to row: inout Parameters) {
        row.integer(sequence)
        row.integer(operationOrdinal)
        row.integer(auditPosition)
        row.bytes(auditHash.auditColumn)
        row.integer(auditMilliseconds)
        row.integer(purgeFloor)
    }
}

extension RecordRow {
    init(_ row: Columns) throws(StoreError) {
        self.init(
            key: RecordKey(collection: ExactString(try row.text(0)), id: ExactString(try row.text(1))),
            sequence: row.integer(2), isDeleted: row.boolean(3), isPurged: row.boolean(4), clock: try row.text(5),
            stampMilliseconds: row.integer(6), fields: try row.text(7), siblings: try row.optionalText(8),
            state: try row.text(9), openConflicts: row.integer(10), changedAtMilliseconds: row.integer(11))
    }
}

extension [RecordRow] {
    func bind(to parameters: inout Parameters) {
        parameters.texts(self) { $0.key.collection.text }
        parameters.texts(self) { $0.key.id.text }
        parameters.integers(self) { $0.sequence }
        parameters.booleans(self) { $0.isDeleted }
        parameters.booleans(self) { $0.isPurged }
        parameters.texts(self) { $0.clock }
        parameters.integers(self) { $0.stampMilliseconds }
        parameters.texts(self) { $0.fields }
        parameters.texts(self, optional: { $0.siblings })
        parameters.texts(self) { $0.state }
        parameters.integers(self) { $0.openConflicts }
        parameters.integers(self) { $0.changedAtMilliseconds }
    }
}

extension RecordKey {
    init?(collection: String?, id: String?) {
        guard let collection, let id else { return nil }
        self.init(collection: ExactString(collection), id: ExactString(id))
    }
}

extension OperationRow {
    /// Reads an operation of schema 5.
    init(former row: Columns) throws(StoreError) {
        self.init(
            id: OperationID(try row.text(0)), device: DeviceID(try row.text(1)), ordinal: row.integer(2),
            user: ExactString(try row.text(3)), batch: ExactString(try row.text(4)),
            record: RecordKey(collection: try row.optionalText(5), id: try row.optionalText(6)),
            counter: row.optionalInteger(7), clock: try row.text(8),
            fingerprint: try Digest?(stored: try row.text(9)), outcome: try Self.outcome(try row.text(10)),
            result: try row.text(11), content: try row.text(12), stampMilliseconds: row.optionalInteger(13),
            recordedAtMilliseconds: row.integer(14))
    }

    private static func outcome(_ text: String) throws(StoreError) -> OutcomeKind {
        guard let outcome = OutcomeKind(rawValue: text) else {
            throw .damaged("a stored operation has an unknown outcome")
        }
        return outcome
    }
}

extension OperationGroup {
    init(_ row: Columns) { self.init(first: row.integer(0), content: row.bytes(1)) }
}

extension [OperationGroup] {
    func bind(to parameters: inout Parameters) {
        parameters.integers(self) { $0.first }
        parameters.blobs(self) { $0.content }
    }
}

extension OperationPlace {
    init(_ row: Columns) {
        self.init(
            twin: row.integer(0), ordinal: row.integer(1), group: row.integer(2), groupBytes: Int(row.integer(3)))
    }
}

extension [OperationEntry] {
    func bind(to parameters: inout Parameters) {
        parameters.uuids(self) { $0.id }
        parameters.integers(self) { $0.twin }
        parameters.integers(self) { $0.ordinal }
        parameters.uuids(self) { $0.record }
        parameters.integers(self) { $0.author }
        parameters.integers(self, optional: { $0.counter })
        parameters.booleans(self) { $0.isRejected }
    }
}

extension OperationEntry {
    func bind(to parameters: inout Parameters) {
        parameters.uuid(id)
        parameters.integer(twin)
        parameters.integer(ordinal)
        parameters.uuid(record)
        parameters.integer(author)
        parameters.integer(counter)
        parameters.boolean(isRejected)
    }
}

extension BatchRow {
    init(_ row: Columns) throws(StoreError) {
        self.init(
            key: BatchKey(device: DeviceID(try row.text(0)), key: ExactString(try row.text(1))),
            fingerprint: try Digest(storedBytes: row.bytes(2)), results: try row.text(3),
            recordedAtMilliseconds: row.integer(4))
    }
}

extension [BatchRow] {
    /// - Parameters:
    ///   - parameters: takes the columns.
    ///   - ordinals: those of the operations of batches that have any.
    func bind(to parameters: inout Parameters, ordinals: [BatchKey: ClosedRange<Int64>]) {
        parameters.texts(self) { $0.key.device.name.text }
        parameters.texts(self) { $0.key.key.text }
        parameters.blobs(self) { $0.fingerprint.bytes }
        parameters.texts(self) { $0.results }
        parameters.integers(self) { $0.recordedAtMilliseconds }
        parameters.integers(self, optional: { ordinals[$0.key]?.lowerBound })
        parameters.integers(self, optional: { ordinals[$0.key]?.upperBound })
    }
}

extension DeviceRow {
    init(_ row: Columns) throws(StoreError) {
        self.init(
            device: DeviceID(try row.text(0)), user: ExactString(try row.text(1)),
            registeredAtMilliseconds: row.integer(2), lastSeenAtMilliseconds: row.integer(3),
            acknowledgedSequence: row.integer(4), retiredAtMilliseconds: row.optionalInteger(5))
    }
}

extension [DeviceRow] {
    func bind(to parameters: inout Parameters) {
        parameters.texts(self) { $0.device.name.text }
        parameters.texts(self) { $0.user.text }
        parameters.integers(self) { $0.registeredAtMilliseconds }
        parameters.integers(self) { $0.lastSeenAtMilliseconds }
        parameters.integers(self) { $0.acknowledgedSequence }
        parameters.integers(self, optional: { $0.retiredAtMilliseconds })
    }
}

extension AuditEntryRow {
    /// Reads an entry without its sides.
    init(_ row: Columns) throws(StoreError) {
        self.init(
            position: row.integer(0), conflict: row.integer(1), version: row.integer(2), type: try row.text(3),
            collection: try row.text(4), record: try row.text(5), batch: try row.text(6), device: try row.text(7),
            recordedAtMilliseconds: row.integer(8), clockBefore: try row.text(9), clockAfter: try row.text(10),
            clocksFrom: row.optionalInteger(11), detail: try row.text(12), sides: [],
            hash: Digest(auditColumn: row.bytes(13)))
    }
}

extension [AuditEntryRow] {
    func bind(to parameters: inout Parameters) {
        parameters.integers(self) { $0.position }
        parameters.integers(self) { $0.conflict }
        parameters.integers(self) { $0.version }
        parameters.texts(self) { $0.type }
        parameters.texts(self) { $0.collection }
        parameters.texts(self) { $0.record }
        parameters.texts(self) { $0.batch }
        parameters.texts(self) { $0.device }
        parameters.integers(self) { $0.recordedAtMilliseconds }
        parameters.texts(self) { $0.clockBefore }
        parameters.texts(self) { $0.clockAfter }
        parameters.integers(self, optional: { $0.clocksFrom })
        parameters.texts(self) { $0.detail }
        parameters.blobs(self) { $0.hash.auditColumn }
    }
}

extension PlacedSide {
    init(_ row: Columns) throws(StoreError) {
        self.init(
            position: row.integer(0), ordinal: row.integer(1), conflict: row.integer(2),
            side: AuditSideRow(
                role: try row.text(3), won: row.boolean(4), present: row.boolean(5), value: try row.text(6),
                valueFrom: row.optionalInteger(7), device: try row.text(8), counter: row.integer(9),
                user: try row.text(10), operation: try row.text(11), stampMilliseconds: row.integer(12),
                claimedAtMilliseconds: row.optionalInteger(13)))
    }
}

extension [PlacedSide] {
    func bind(to parameters: inout Parameters) {
        parameters.integers(self) { $0.position }
        parameters.integers(self) { $0.ordinal }
        parameters.integers(self) { $0.conflict }
        parameters.texts(self) { $0.side.role }
        parameters.booleans(self) { $0.side.won }
        parameters.booleans(self) { $0.side.present }
        parameters.texts(self) { $0.side.value }
        parameters.integers(self, optional: { $0.side.valueFrom })
        parameters.texts(self) { $0.side.device }
        parameters.integers(self) { $0.side.counter }
        parameters.texts(self) { $0.side.user }
        parameters.texts(self) { $0.side.operation }
        parameters.integers(self) { $0.side.stampMilliseconds }
        parameters.integers(self, optional: { $0.side.claimedAtMilliseconds })
    }
}

extension ConflictRow {
    init(_ row: Columns) throws(StoreError) {
        self.init(
            id: row.integer(0), kind: try row.text(1), status: try row.text(2), version: row.integer(3),
            collection: try row.text(4), record: try row.text(5), unit: try row.text(6), policy: try row.text(7),
            openedAtMilliseconds: row.integer(8), assignee: try row.text(9))
    }
}

extension [ConflictRow] {
    func bind(to parameters: inout Parameters) {
        parameters.integers(self) { $0.id }
        parameters.texts(self) { $0.kind }
        parameters.texts(self) { $0.status }
        parameters.integers(self) { $0.version }
        parameters.texts(self) { $0.collection }
        parameters.texts(self) { $0.record }
        parameters.texts(self) { $0.unit }
        parameters.texts(self) { $0.policy }
        parameters.integers(self) { $0.openedAtMilliseconds }
        parameters.texts(self) { $0.assignee }
    }
}

extension [ConflictChange] {
    func bind(to parameters: inout Parameters) {
        parameters.integers(self) { $0.id }
        parameters.integers(self) { $0.version }
        parameters.texts(self) { $0.status.rawValue }
    }
}

extension [ConflictAssignment] {
    func bind(to parameters: inout Parameters) {
        parameters.integers(self) { $0.id }
        parameters.texts(self) { $0.assignee }
    }
}
