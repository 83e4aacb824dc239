import Causality
import GRDB
import MergeCore
import StrictJSON
import SyncWire
import Values

extension ReplicaTransaction {
    /// What the server last said of a record; nil where it has not told of it.
    func base(_ key: RecordKey) throws -> RecordBase? {
        try row(Statements.selectRecord, [key.collection.text, key.id.text]).map(RecordBase.init(row:))
    }

    func write(_ base: RecordBase) throws {
        try run(
            Statements.upsertRecord,
            [
                base.key.collection.text, base.key.id.text, base.clock.jsonText,
                Value.object(base.fields).canonicalText,
                base.siblings, base.isDeleted, base.stampMilliseconds, base.sequence, base.openConflicts,
            ])
    }

    /// The record as the app shows it; nil where there is none.
    func shown(_ key: RecordKey) throws -> ShownRecord? {
        ShownRecord(try base(key), under: try operations(of: key), by: try rules(of: key.collection))
    }

    // MARK: Taking what the server says

    /// Takes records as the server says that they stand, but for those of which as new a state is here. Where the app's hook
    /// refuses one, it is set aside, and everything else goes on.
    func take(_ records: [WireRecord]) throws {
        guard let latest = records.map(\.stampMilliseconds).max() else { return }
        try observe(stampMilliseconds: latest)
        // Mostly nothing here is about these records, and nobody has to be asked: then one is a look-up and a write.
        let isPlain =
            try replica.options.applying == nil && !exists(Statements.hasOperation) && !exists(Statements.hasOwnCounter)
            && !exists(Statements.hasSetAside)
        let hasOnDemand = !replica.options.onDemand.isEmpty
        // The database does not tell observers of changes to a table without rowids.
        try db.notifyChanges(in: Table("rejoin_records"))
        for record in records {
            let sequence = try Int64.fetchOne(
                db.cachedStatement(sql: Statements.selectSequence),
                arguments: [record.key.collection.text, record.key.id.text])
            if let sequence, sequence >= record.sequence { continue }
            if hasOnDemand {
                guard try keeps(record.key) else { continue }
                try noteKnown(record.key)
            }
            if isPlain, !record.isDeleted {
                try write(record)
            } else {
                try takeCarefully(record)
            }
        }
    }

    func take(_ record: WireRecord) throws { try take([record]) }

    /// Writes a record as it came.
    private func write(_ record: WireRecord) throws {
        try run(
            Statements.upsertRecord,
            [
                record.key.collection.text, record.key.id.text, record.clock, record.fields, record.siblings,
                record.isDeleted, record.stampMilliseconds, record.sequence, record.openConflicts,
            ])
    }

    private func takeCarefully(_ record: WireRecord) throws {
        var base = try RecordBase(record)
        // The wire does not say what a deleted record holds. Whoever makes it anew has to name what must not come back.
        if base.isDeleted, let known = try self.base(record.key) { base.fields = known.fields }
        try apply(base) { try keepAside(record, because: $0) }
    }

    /// Puts a record in the place of what was known of it.
    func apply(_ base: RecordBase, orElse keepAside: (String) throws -> Void) throws {
        var refusal: String?
        do {
            try db.inSavepoint {
                try write(base)
                try run(Statements.deleteSetAside, [base.key.collection.text, base.key.id.text])
                try forgetSettled(base)
                if let hook = replica.options.applying, let record = try shown(base.key) { try hook(db, record) }
                return .commit
            }
        } catch let error as DatabaseError where error.isOfTheWholeDatabase {
            throw error
        } catch {
            refusal = "\(error)"
        }
        if let refusal { try keepAside(refusal) }
    }

    /// Operations that the base holds now are done.
    private func forgetSettled(_ base: RecordBase) throws {
        let key: StatementArguments = [base.key.collection.text, base.key.id.text]
        for row in try rows(Statements.selectSettledDevices, key) {
            let device: String = row[0]
            try run(Statements.deleteSettled, key + [device, base.clock[DeviceID(device)]])
        }
        try run(Statements.deleteOwnCounter, key + [base.clock[try device()]])
    }

    private func keepAside(_ record: WireRecord, because reason: String) throws {
        let (key, device) = (record.key, try device())
        let own = try record.versionVector()[device]
        if own > 0 { try run(Statements.upsertOwnCounter, [key.collection.text, key.id.text, own]) }
        try run(
            Statements.upsertSetAside,
            [
                record.key.collection.text, record.key.id.text, String(decoding: record.encoded(), as: UTF8.self),
                reason,
                try serverNow(),
            ])
    }

    /// Tries again what was set aside.
    func retrySetAside() throws {
        for row in try rows(Statements.selectSetAside) {
            let change: String = row["change"]
            try take(try WireRecord(encoded: Array(change.utf8)))
        }
    }

    /// The counter of this device's last event on a record, as far as the server has taken it.
    func ownCounter(_ key: RecordKey, base: RecordBase?, device: DeviceID) throws -> Int64 {
        max(
            base?.clock[device] ?? 0,
            try number(Statements.selectOwnCounter, [key.collection.text, key.id.text]))
    }
}

extension RecordBase {
    init(row: Row) throws {
        self.init(
            key: RecordKey(collection: ExactString(row["collection"] as String), id: ExactString(row["id"] as String)),
            clock: try VersionVector(jsonText: row["clock"]), fields: try ObjectValue(jsonText: row["fields"]),
            siblings: row["siblings"], isDeleted: row["deleted"], stampMilliseconds: row["stamp"],
            sequence: row["sequence"], openConflicts: row["open_conflicts"])
    }
}

extension VersionVector {
    /// Reads a clock that a replica stored.
    init(jsonText: String) throws {
        guard let value = try? Values.Value(json: jsonText), let clock = VersionVector(json: value) else {
            throw ReplicaError.damaged("a clock cannot be read")
        }
        self = clock
    }

    var jsonText: String {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.takeText()
    }
}

extension ObjectValue {
    /// Reads fields that a replica stored.
    init(jsonText: String) throws {
        guard case .object(let object)? = try? Value(json: jsonText, limits: JSONLimits(maximumDepth: 128)) else {
            throw ReplicaError.damaged("fields cannot be read")
        }
        self = object
    }
}

extension DatabaseError {
    /// Whether nothing else would go better: the disk is full, the file is damaged, another process holds it.
    var isOfTheWholeDatabase: Bool {
        switch resultCode {
        case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_NOMEM, .SQLITE_BUSY, .SQLITE_CORRUPT, .SQLITE_NOTADB,
            .SQLITE_READONLY,
            .SQLITE_INTERRUPT, .SQLITE_ABORT, .SQLITE_CANTOPEN, .SQLITE_PROTOCOL:
            true
        case _: false
        }
    }
}
