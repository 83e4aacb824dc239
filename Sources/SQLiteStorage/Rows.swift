import Causality
import MergeCore
import SyncStorage

// Each type reads and binds its columns in the order in which `Statements` names them, the tenant aside.

extension TenantHead {
    init(_ row: Columns) {
        self.init(
            sequence: row.integer(0), operationOrdinal: row.integer(1), auditPosition: row.integer(2),
            auditHash: Digest(auditColumn: row.bytes(3)), auditMilliseconds: row.integer(4), purgeFloor: row.integer(5))
    }

    func bind(to row: inout Bindings) {
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

    /// What `pageBytes` would be of a row that is not read.
    static func pageBytes(of row: Columns) -> Int {
        ([0, 1, 5, 7, 8, 9] as [Int32]).reduce(pageOverheadBytes) { $0 + row.byteCount($1) }
    }

    func bind(to row: inout Bindings) {
        row.text(key.collection.text)
        row.text(key.id.text)
        row.integer(sequence)
        row.boolean(isDeleted)
        row.boolean(isPurged)
        row.text(clock)
        row.integer(stampMilliseconds)
        row.text(fields)
        row.text(siblings)
        row.text(state)
        row.integer(openConflicts)
        row.integer(changedAtMilliseconds)
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
        guard let outcome = OutcomeKind(rawValue: try row.text(10)) else {
            throw .damaged("a stored operation has an unknown outcome")
        }
        self.init(
            id: OperationID(try row.text(0)), device: DeviceID(try row.text(1)), ordinal: row.integer(2),
            user: ExactString(try row.text(3)), batch: ExactString(try row.text(4)),
            record: RecordKey(collection: try row.optionalText(5), id: try row.optionalText(6)),
            counter: row.optionalInteger(7), clock: try row.text(8),
            fingerprint: try Digest?(stored: try row.text(9)), outcome: outcome, result: try row.text(11),
            content: try row.text(12), stampMilliseconds: row.optionalInteger(13),
            recordedAtMilliseconds: row.integer(14))
    }
}

extension OperationGroup {
    init(_ row: Columns) { self.init(first: row.integer(0), content: row.bytes(1)) }

    func bind(to row: inout Bindings) {
        row.integer(first)
        row.bytes(content)
    }
}

extension OperationPlace {
    /// The groups are read one by one, so that their sizes do not matter.
    init(_ row: Columns) {
        self.init(twin: row.integer(0), ordinal: row.integer(1), group: row.integer(2), groupBytes: .max)
    }
}

extension OperationEntry {
    func bind(to row: inout Bindings) {
        row.bytes(id.bytes)
        row.integer(twin)
        row.integer(ordinal)
        row.bytes(record?.bytes)
        row.integer(author)
        row.integer(counter)
        row.boolean(isRejected)
    }
}

extension BatchRow {
    init(_ row: Columns) throws(StoreError) {
        self.init(
            key: BatchKey(device: DeviceID(try row.text(0)), key: ExactString(try row.text(1))),
            fingerprint: try Digest(storedBytes: row.bytes(2)), results: try row.text(3),
            recordedAtMilliseconds: row.integer(4))
    }

    /// Reads a batch of schema 5.
    init(former row: Columns) throws(StoreError) {
        self.init(
            key: BatchKey(device: DeviceID(try row.text(0)), key: ExactString(try row.text(1))),
            fingerprint: try Digest(stored: try row.text(2)), results: try row.text(3),
            recordedAtMilliseconds: row.integer(4))
    }

    /// - Parameters:
    ///   - row: takes the columns.
    ///   - ordinals: those of the batch's operations; nil where it has none.
    func bind(to row: inout Bindings, ordinals: ClosedRange<Int64>?) {
        row.text(key.device.name.text)
        row.text(key.key.text)
        row.bytes(fingerprint.bytes)
        row.text(results)
        row.integer(recordedAtMilliseconds)
        row.integer(ordinals?.lowerBound)
        row.integer(ordinals?.upperBound)
    }
}

extension DeviceRow {
    init(_ row: Columns) throws(StoreError) {
        self.init(
            device: DeviceID(try row.text(0)), user: ExactString(try row.text(1)),
            registeredAtMilliseconds: row.integer(2), lastSeenAtMilliseconds: row.integer(3),
            acknowledgedSequence: row.integer(4), retiredAtMilliseconds: row.optionalInteger(5))
    }

    func bind(to row: inout Bindings) {
        row.text(device.name.text)
        row.text(user.text)
        row.integer(registeredAtMilliseconds)
        row.integer(lastSeenAtMilliseconds)
        row.integer(acknowledgedSequence)
        row.integer(retiredAtMilliseconds)
    }
}

extension AuditEntryRow {
    /// Reads an entry without its sides.
    init(_ row: Columns) {
        self.init(
            position: row.integer(0), conflict: row.integer(1), version: row.integer(2), type: row.auditText(3),
            collection: row.auditText(4), record: row.auditText(5), batch: row.auditText(6), device: row.auditText(7),
            recordedAtMilliseconds: row.integer(8), clockBefore: row.auditText(9), clockAfter: row.auditText(10),
            clocksFrom: row.optionalInteger(11), detail: row.auditText(12), sides: [],
            hash: Digest(auditColumn: row.bytes(13)))
    }

    func bind(to row: inout Bindings) {
        row.integer(position)
        row.integer(conflict)
        row.integer(version)
        row.text(type)
        row.text(collection)
        row.text(record)
        row.text(batch)
        row.text(device)
        row.integer(recordedAtMilliseconds)
        row.text(clockBefore)
        row.text(clockAfter)
        row.integer(clocksFrom)
        row.text(detail)
        row.bytes(hash.auditColumn)
    }
}

extension PlacedSide {
    /// SQLite has numbers for truths, and a file can hold others than 0 and 1, which all would pass for true. Such a side gets a
    /// role that no side has, and the hash over it cannot fit.
    init(_ row: Columns) {
        let isSpelledRight = [4, 5].allSatisfy { (0...1).contains(row.integer($0)) }
        self.init(
            position: row.integer(0), ordinal: row.integer(1), conflict: row.integer(2),
            side: AuditSideRow(
                role: row.auditText(3) + (isSpelledRight ? "" : "\u{0}"), won: row.boolean(4), present: row.boolean(5),
                value: row.auditText(6), valueFrom: row.optionalInteger(7), device: row.auditText(8),
                counter: row.integer(9), user: row.auditText(10), operation: row.auditText(11),
                stampMilliseconds: row.integer(12), claimedAtMilliseconds: row.optionalInteger(13)))
    }
}

extension AuditSideRow {
    func bind(to row: inout Bindings, at ordinal: Int, of entry: AuditEntryRow) {
        row.integer(entry.position)
        row.integer(Int64(ordinal))
        row.integer(entry.conflict)
        row.text(role)
        row.boolean(won)
        row.boolean(present)
        row.text(value)
        row.integer(valueFrom)
        row.text(device)
        row.integer(counter)
        row.text(user)
        row.text(operation)
        row.integer(stampMilliseconds)
        row.integer(claimedAtMilliseconds)
    }
}

extension ConflictRow {
    init(_ row: Columns) {
        self.init(
            id: row.integer(0), kind: row.auditText(1), status: row.auditText(2), version: row.integer(3),
            collection: row.auditText(4), record: row.auditText(5), unit: row.auditText(6), policy: row.auditText(7),
            openedAtMilliseconds: row.integer(8), assignee: row.auditText(9))
    }

    func bind(to row: inout Bindings) {
        row.integer(id)
        row.text(kind)
        row.text(status)
        row.integer(version)
        row.text(collection)
        row.text(record)
        row.text(unit)
        row.text(policy)
        row.integer(openedAtMilliseconds)
        row.text(assignee)
    }
}
