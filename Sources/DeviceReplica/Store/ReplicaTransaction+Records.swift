import Causality
import GRDB
import MergeCore
import StrictJSON
import SyncWire
import Values

extension ReplicaTransaction {
    /// What the server last said of a record; nil where it has not told of it.
    package func base(_ key: RecordKey) throws -> RecordBase? {
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
    package func shown(_ key: RecordKey) throws -> ShownRecord? {
        ShownRecord(try base(key), under: try operations(of: key), by: try rules(of: key.collection))
    }

    // MARK: Taking what the server says

    /// Takes records as the server says that they stand, but for those of which as new a state is here. Where the app's hook
    /// refuses one, it is set aside, and everything else goes on.
    func take(_ records: [WireRecord]) throws {
        guard let latest = records.map(\.stampMilliseconds).max() else { return }
        try observe(stampMilliseconds: latest)
        // The database does not tell observers of changes to a table without rowids.
        try db.notifyChanges(in: Table("rejoin_records"))
        guard let mirror = replica.options.mirror else {
            for record in try takePlain(records) { try takeCarefully(record) { try keepAside(record, because: $0) } }
            return
        }
        try mirror.applying(self) { try take(records, with: mirror) }
    }

    /// Takes the records about which nothing is here that somebody would have to be asked about: each is a look-up and a write.
    /// - Returns: those that are to be taken with care.
    private func takePlain(_ records: [WireRecord]) throws -> [WireRecord] {
        let isPlain = try replica.options.applying == nil && isQuiet()
        var others: [WireRecord] = []
        for record in records where try isNews(record, known: sequence(of: record.key)) {
            if isPlain, !record.isDeleted { try write(record) } else { others.append(record) }
        }
        return others
    }

    /// Whether nothing is pending, set aside or settled.
    func isQuiet() throws -> Bool {
        try !exists(Statements.hasOperation) && !exists(Statements.hasOwnCounter) && !exists(Statements.hasSetAside)
    }

    /// The place in the feed of what is known of a record; nil where nothing is.
    func sequence(of key: RecordKey) throws -> Int64? {
        try Int64.fetchOne(
            db.cachedStatement(sql: Statements.selectSequence), arguments: [key.collection.text, key.id.text])
    }

    /// Whether the record says more than what is known here, and is wanted here.
    func isNews(_ record: WireRecord, known: Int64?) throws -> Bool {
        if let known, known >= record.sequence { return false }
        return try isWanted(record)
    }

    /// Whether the record is wanted here.
    func isWanted(_ record: WireRecord) throws -> Bool {
        guard !replica.options.onDemand.isEmpty else { return true }
        guard try keeps(record.key) else { return false }
        try noteKnown(record.key)
        return true
    }

    func take(_ record: WireRecord) throws { try take([record]) }

    /// Writes a record as it came.
    func write(_ record: WireRecord) throws { try run(Statements.upsertRecord, row(record)) }

    /// Writes a record as it came, if nothing is known of it. - Returns: whether nothing was.
    func insertNew(_ record: WireRecord) throws -> Bool {
        try run(Statements.insertRecord, row(record))
        return db.changesCount == 1
    }

    private func row(_ record: WireRecord) -> StatementArguments {
        [
            record.key.collection.text, record.key.id.text, record.clock, record.fields, record.siblings,
            record.isDeleted, record.stampMilliseconds, record.sequence, record.openConflicts,
        ]
    }

    func takeCarefully(_ record: WireRecord, orElse keepAside: (String) throws -> Void) throws {
        var base = try RecordBase(record)
        // The wire does not say what a deleted record holds. Whoever makes it anew has to name what must not come back.
        if base.isDeleted, let known = try self.base(record.key) { base.fields = known.fields }
        try apply(base, orElse: keepAside)
    }

    /// Puts a record in the place of what was known of it.
    func apply(_ base: RecordBase, orElse keepAside: (String) throws -> Void) throws {
        let refusal = try attempt {
            try write(base)
            try run(Statements.deleteSetAside, [base.key.collection.text, base.key.id.text])
            try forgetSettled(base)
            try show(base.key)
        }
        if let refusal { try keepAside(refusal) }
    }

    /// Does something whole or not at all.
    /// - Returns: why it was not done; nil where it was.
    /// - Throws: where nothing else would go better.
    func attempt(_ body: () throws -> Void) throws -> String? {
        let count = replica.options.mirror?.changeCount ?? 0
        do {
            try db.inSavepoint {
                try body()
                return .commit
            }
            return nil
        } catch let error as DatabaseError where error.isOfTheWholeDatabase {
            throw error
        } catch {
            replica.options.mirror?.forgetChanges(after: count)
            return "\(error)"
        }
    }

    /// Shows records to the app: what is done to its tables meanwhile is not noted as a change of the user's.
    func showing(_ body: () throws -> Void) throws {
        if let mirror = replica.options.mirror { try mirror.applying(self, body) } else { try body() }
    }

    /// Has the app show the record as it is now.
    func show(_ key: RecordKey, checkingParents: Bool = true) throws {
        guard replica.options.applying != nil || replica.options.mirror != nil, let record = try shown(key) else {
            return
        }
        try show(record, checkingParents: checkingParents)
    }

    func show(_ record: ShownRecord, checkingParents: Bool = true) throws {
        try replica.options.mirror?.apply(record, self, checksParents: checkingParents)
        guard let hook = replica.options.applying else { return }
        // What the hook writes is the app's.
        if let mirror = replica.options.mirror {
            try mirror.notingAgain(self) { try hook(db, record) }
        } else {
            try hook(db, record)
        }
    }

    /// Operations that the base holds now are done.
    func forgetSettled(_ base: RecordBase) throws {
        let key: StatementArguments = [base.key.collection.text, base.key.id.text]
        for row in try rows(Statements.selectSettledDevices, key) {
            let device: String = row[0]
            try run(Statements.deleteSettled, key + [device, base.clock[DeviceID(device)]])
        }
        try run(Statements.deleteOwnCounter, key + [base.clock[try device()]])
    }

    func keepAside(_ record: WireRecord, because reason: String) throws {
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

    /// Tries again what was set aside, as long as it helps: what waited for a row that has come may be waited for itself.
    func retrySetAside() throws {
        var left = try number(Statements.countSetAside)
        for _ in 0..<50 where left > 0 {
            try take(
                try rows(Statements.selectSetAside).map { row in
                    let change: String = row["change"]
                    return try WireRecord(encoded: Array(change.utf8))
                })
            let now = try number(Statements.countSetAside)
            guard now < left else { return }
            left = now
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
    package var isOfTheWholeDatabase: Bool {
        switch resultCode {
        case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_NOMEM, .SQLITE_BUSY, .SQLITE_CORRUPT, .SQLITE_NOTADB,
            .SQLITE_READONLY,
            .SQLITE_INTERRUPT, .SQLITE_ABORT, .SQLITE_CANTOPEN, .SQLITE_PROTOCOL:
            true
        case _: false
        }
    }
}
