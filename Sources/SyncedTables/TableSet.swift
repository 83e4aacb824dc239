import Causality
import DeviceReplica
import GRDB
import MergeCore
import Synchronization
import Values

/// The app's tables that are kept in line with the replica's records.
final class TableSet: TableMirror {
    let declared: [SyncedTable]
    let onChanges: @Sendable (SyncedChanges) -> Void
    private let state = Mutex(State())

    private struct State {
        var tables: [MirroredTable] = []
        var byCollection: [ExactString: Int] = [:]
        /// The rules of each table under the schema of the number.
        var rules: (schema: Int64, tables: [Int64: ColumnRules])?
        /// What the transaction that is under way has done to rows.
        var changes: [(collection: ExactString, id: ExactString, change: RowApplier.Change)] = []
        var isToldAtEnd = false
    }

    init(_ declared: [SyncedTable], onChanges: @escaping @Sendable (SyncedChanges) -> Void) {
        self.declared = declared
        self.onChanges = onChanges
    }

    // MARK: Opening

    func open(_ transaction: ReplicaTransaction) throws {
        let tables = try TableOpening(transaction, declared, self).open()
        state.withLock { state in
            state.tables = tables
            state.byCollection = Dictionary(
                uniqueKeysWithValues: tables.enumerated().map { ($1.shape.collection, $0) })
        }
        try noteUnknown(transaction)
    }

    /// The tables, parents before what refers to them.
    var tables: [MirroredTable] { state.withLock { $0.tables } }

    /// The table of a collection that takes part in syncing; nil where there is none.
    func table(of collection: ExactString) -> MirroredTable? {
        state.withLock { state in state.byCollection[collection].map { state.tables[$0] } }
    }

    /// How the columns of a table are read now; nil while the server's collections are not known.
    func rules(of table: MirroredTable, _ transaction: ReplicaTransaction) throws -> ColumnRules? {
        guard let number = try transaction.integer(.schemaNumber) else { return nil }
        if let known = state.withLock({ $0.rules?.schema == number ? $0.rules?.tables[table.number] : nil }) {
            return known
        }
        let rules = ColumnRules(table.shape, try transaction.rules(of: table.shape.collection))
        state.withLock { state in
            if state.rules?.schema != number { state.rules = (number, [:]) }
            state.rules?.tables[table.number] = rules
        }
        return rules
    }

    // MARK: What was changed here

    func hasTable(of collection: ExactString) -> Bool {
        table(of: collection).map { $0.shape.mode != .observe } ?? false
    }

    func hasWork(_ transaction: ReplicaTransaction) throws -> Bool {
        let comparing = Comparing(self, transaction)
        if try comparing.isUnderWay(adoptionOnly: true) { return true }
        guard try transaction.integer(.schemaNumber) != nil else { return false }
        if try comparing.isUnderWay(adoptionOnly: false) { return true }
        guard try transaction.exists(NoteStatements.has) else { return false }
        return try sending.contains { try transaction.exists(NoteStatements.hasOfTable, [$0.number]) }
    }

    /// The tables whose changes become edits.
    private var sending: [MirroredTable] { tables.filter { $0.shape.mode.captures } }

    func work(_ transaction: ReplicaTransaction) throws {
        let comparing = Comparing(self, transaction)
        if try comparing.doPage(.rowsAreNotes) { return }
        for table in sending {
            let notes = try transaction.rows(NoteStatements.selectPage, [table.number]).map(Note.init(row:))
            guard !notes.isEmpty, try rules(of: table, transaction) != nil else { continue }
            try captureAll(notes, table, transaction)
            return
        }
        _ = try comparing.doPage(.recordsAreShown)
    }

    func capture(_ key: RecordKey, _ transaction: ReplicaTransaction) throws {
        guard let table = table(of: key.collection), table.shape.mode.captures,
            try transaction.exists(NoteStatements.has), let note = try note(of: key, table, transaction)
        else { return }
        try capture(note, table, transaction)
    }

    /// Makes edits of everything that was noted of a table. O(n).
    func captureAll(_ table: MirroredTable, _ transaction: ReplicaTransaction) throws {
        while true {
            let notes = try transaction.rows(NoteStatements.selectPage, [table.number]).map(Note.init(row:))
            guard !notes.isEmpty, try rules(of: table, transaction) != nil else { return }
            try captureAll(notes, table, transaction)
        }
    }

    /// Makes edits of a page of notes. None of them is left.
    private func captureAll(_ notes: [Note], _ table: MirroredTable, _ transaction: ReplicaTransaction) throws {
        for note in notes {
            try capture(note, table, transaction)
            guard try transaction.number("SELECT changes()") == 0 else { continue }
            // Its key cannot be named: it has bytes that are no text. The others before it are gone, so that it is the first.
            try transaction.run(
                NoteStatements.holdFirst, ["A row's key holds bytes that are no text.", table.number])
            try transaction.run(NoteStatements.deleteFirst, [table.number])
        }
    }

    private func capture(_ note: Note, _ table: MirroredTable, _ transaction: ReplicaTransaction) throws {
        guard let rules = try rules(of: table, transaction) else { return }
        var all = note
        if let held = try transaction.row(NoteStatements.selectHeld, [note.table, note.key]) {
            all.columns |= held[0] as Int64
        }
        if let reason = try RowEdits(table: table, rules: rules, transaction: transaction).make(of: all) {
            try transaction.run(
                NoteStatements.hold, [note.table, note.key, all.columns, note.atMilliseconds, reason])
        } else {
            try transaction.run(NoteStatements.deleteHeld, [note.table, note.key])
        }
        try transaction.run(NoteStatements.delete, [note.table, note.key])
    }

    /// Why a row's change is not sent; nil where it is, or will be, or there is none.
    private func heldReason(
        _ key: RecordKey, _ table: MirroredTable, _ transaction: ReplicaTransaction
    ) throws -> String? {
        guard let noted = try noteKey(of: key.id, table, transaction) else { return nil }
        if try transaction.exists(NoteStatements.selectOne, [table.number, noted]) { return "not yet." }
        guard let held = try transaction.row(NoteStatements.selectHeld, [table.number, noted]) else { return nil }
        let reason: String = held[1]
        return reason == NoteStatements.heldByCondition ? "the table's condition keeps it." : reason
    }

    /// What was noted of a record's row; nil where nothing was.
    func note(of key: RecordKey, _ table: MirroredTable, _ transaction: ReplicaTransaction) throws -> Note? {
        guard let noted = try noteKey(of: key.id, table, transaction) else { return nil }
        return try transaction.row(NoteStatements.selectOne, [table.number, noted]).map(Note.init(row:))
    }

    func noteKey(
        of id: ExactString, _ table: MirroredTable, _ transaction: ReplicaTransaction
    ) throws -> DatabaseValue? {
        let shape = table.shape.key
        guard let values = try? shape.values(id) else { return nil }
        switch values.count {
        case 0: return KeyRule.singletonID.text.databaseValue
        case 1: return values[0]
        case _:
            let parts = values.map { _ in "?" }.joined(separator: ", ")
            let listed = zip(values, shape.parts).map { value, part -> DatabaseValue in
                guard part.form == .uuidBytes, case .blob(let data) = value.storage else { return value }
                return data.hexadecimal.databaseValue
            }
            return try transaction.row("SELECT json_array(\(parts))", StatementArguments(listed)).map { $0[0] }
        }
    }

    // MARK: What the server says

    private static let isApplying = "SELECT applying FROM main.rejoin_applying"

    func notingAgain(_ transaction: ReplicaTransaction, _ body: () throws -> Void) throws {
        let isApplying = try transaction.number(Self.isApplying)
        try transaction.run("UPDATE main.rejoin_applying SET applying = 0")
        // Where the body throws, a savepoint brings it back.
        try body()
        try transaction.run("UPDATE main.rejoin_applying SET applying = ?", [isApplying])
    }

    func applying(_ transaction: ReplicaTransaction, _ body: () throws -> Void) throws {
        guard try transaction.number(Self.isApplying) == 0 else { return try body() }
        try transaction.run("UPDATE main.rejoin_applying SET applying = 1")
        do {
            try body()
        } catch {
            // Somebody above may go on in the same transaction.
            try? transaction.run("UPDATE main.rejoin_applying SET applying = 0")
            throw error
        }
        try transaction.run("UPDATE main.rejoin_applying SET applying = 0")
    }

    func apply(_ record: ShownRecord, _ transaction: ReplicaTransaction, checksParents: Bool) throws {
        guard let table = table(of: record.key.collection), table.shape.mode != .observe else { return }
        guard let rules = try rules(of: table, transaction) else {
            throw RowRefusal("The server's collections are not known yet.")
        }
        if try hasChanges(transaction), let reason = try heldReason(record.key, table, transaction) {
            throw RowRefusal("The row was changed here, and that is not sent: \(reason)")
        }
        let applier = RowApplier(table: table, rules: rules, transaction: transaction)
        guard let change = try applier.apply(record, checksParents: checksParents) else { return }
        note(change, of: record.key, transaction)
    }

    func hasChanges(_ transaction: ReplicaTransaction) throws -> Bool {
        try transaction.exists(NoteStatements.has) || transaction.exists(NoteStatements.hasHeld)
    }

    func countChanges(_ transaction: ReplicaTransaction) throws -> Int {
        try sending.reduce(0) { $0 + Int(try transaction.number(NoteStatements.countOfTable, [$1.number])) }
    }

    func applyAtOnce(_ records: [(record: ShownRecord, isKnown: Bool)], _ transaction: ReplicaTransaction) throws {
        var applier: RowApplier?
        for (record, isKnown) in records {
            if applier?.table.shape.collection != record.key.collection {
                guard let table = table(of: record.key.collection), table.shape.mode != .observe else { continue }
                guard let rules = try rules(of: table, transaction) else {
                    throw RowRefusal("The server's collections are not known yet.")
                }
                applier = RowApplier(table: table, rules: rules, transaction: transaction)
            }
            if let change = try applier?.apply(record, checksParents: true, isNew: !isKnown) {
                note(change, of: record.key, transaction)
            }
        }
    }

    func lacksParents(_ key: RecordKey, _ transaction: ReplicaTransaction) throws -> Bool {
        guard let table = table(of: key.collection), let rules = try rules(of: table, transaction) else { return false }
        let values = try table.shape.key.values(key.id)
        return try RowApplier(table: table, rules: rules, transaction: transaction).lacksParents(values)
    }

    func collectionsChanged(_ transaction: ReplicaTransaction) throws {
        // What the server would not take before it may take now.
        try transaction.run(NoteStatements.releaseUnsendable)
        try transaction.run(NoteStatements.deleteUnsendable)
        try noteUnknown(transaction)
    }

    /// Keeps which columns the server does not declare, and compares those that it has come to know.
    private func noteUnknown(_ transaction: ReplicaTransaction) throws {
        for table in tables {
            guard let rules = try rules(of: table, transaction) else { continue }
            try Comparing(self, transaction).noteUnknown(rules.unknown(table.shape), of: table)
        }
    }

    // MARK: Telling

    private func note(_ change: RowApplier.Change, of key: RecordKey, _ transaction: ReplicaTransaction) {
        let isFirst = state.withLock { state in
            state.changes.append((key.collection, key.id, change))
            defer { state.isToldAtEnd = true }
            return !state.isToldAtEnd
        }
        guard isFirst else { return }
        transaction.db.afterNextTransaction { _ in
            self.tell()
        } onRollback: { _ in
            self.state.withLock { ($0.changes, $0.isToldAtEnd) = ([], false) }
        }
    }

    private func tell() {
        let changes = state.withLock { state in
            defer { (state.changes, state.isToldAtEnd) = ([], false) }
            return state.changes
        }
        onChanges(SyncedChanges(changes.map { ($0.collection, $0.id, $0.change) }))
    }

    var changeCount: Int { state.withLock { $0.changes.count } }

    func forgetChanges(after count: Int) {
        state.withLock { state in
            if state.changes.count > count { state.changes.removeSubrange(count...) }
        }
    }

    func watch(_ database: any DatabaseWriter, _ onChange: @escaping @Sendable () -> Void) async {
        let numbers = sending.map(\.number)
        await TableWatch(database, onChange) { db in
            try numbers.contains { number in
                try Row.fetchOne(db.cachedStatement(sql: NoteStatements.hasOfTable), arguments: [number]) != nil
            }
        }.run()
    }
}
