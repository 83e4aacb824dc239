import Causality
import DeviceReplica
import Foundation
import GRDB
import MergeCore
import StrictJSON
import Values

/// Compares rows and records where triggers could not: rows that were there before, tables that were rebuilt, rows that `REPLACE` took.
///
/// A page at a time, each in a transaction of its own, so that nobody waits long and a process that is killed goes on where it was.
struct Comparing {
    /// What is compared, in the order in which it is done.
    enum Kind: Int64 {
        /// Rows that were there before their table was synced become records.
        case adopt = 1
        /// Rows that say otherwise than their records are noted.
        case rows = 2
        /// Records are shown in their rows.
        case refill = 3
        /// Records that have no row any more are noted: something removed it that no trigger heard of. It comes last: a record that
        /// was never shown has no row either.
        case missing = 4
    }

    /// Which half of the kinds: those that make notes come before notes become edits.
    enum Half { case rowsAreNotes, recordsAreShown }

    private let set: TableSet
    private let transaction: ReplicaTransaction

    init(_ set: TableSet, _ transaction: ReplicaTransaction) {
        self.set = set
        self.transaction = transaction
    }

    /// Compares a page. - Returns: whether there was one.
    func doPage(_ half: Half) throws -> Bool {
        let kinds = half == .rowsAreNotes ? (Kind.adopt, Kind.rows) : (Kind.refill, Kind.missing)
        guard let (row, table) = try next(kinds), let kind = Kind(rawValue: row[0]) else { return false }
        let number = table.number
        let rules = try set.rules(of: table, transaction)
        if kind != .adopt, rules == nil { return false }
        let after: DatabaseValue = row[1]
        let end: DatabaseValue?
        switch kind {
        case .adopt, .rows: end = try compareRows(table, rules, kind, after, columns: row[2])
        case .missing, .refill: end = try compareRecords(table, kind, after)
        }
        // A key that does not lie behind itself (bytes in a column of texts) would bring the same page for ever.
        if let end, end != after {
            try transaction.run(ComparisonStatements.advance, [end, kind.rawValue, number])
        } else {
            try transaction.run(ComparisonStatements.delete, [kind.rawValue, number])
        }
        return true
    }

    /// What comes first of two kinds, of the tables that are synced here. What is left of others waits for whoever syncs those.
    private func next(_ kinds: (Kind, Kind)) throws -> (Row, MirroredTable)? {
        for kind in [kinds.0, kinds.1] {
            for table in set.tables {
                if let row = try transaction.row(ComparisonStatements.select, [kind.rawValue, table.number]) {
                    return (row, table)
                }
            }
        }
        return nil
    }

    /// Whether something is left to compare: of rows that were there before, or of anything.
    func isUnderWay(adoptionOnly: Bool) throws -> Bool {
        try set.tables.contains { table in
            try transaction.exists(
                adoptionOnly ? ComparisonStatements.isAdopting : ComparisonStatements.isComparing, [table.number])
        }
    }

    /// Notes all rows of a table that were there before it was synced. O(n).
    func adoptAll(_ table: MirroredTable) throws {
        guard try transaction.exists(ComparisonStatements.isUnderWay, [Kind.adopt.rawValue, table.number]) else {
            return
        }
        var after = DatabaseValue.null
        while let end = try compareRows(table, nil, .adopt, after, columns: Triggers.allColumns) { after = end }
    }

    // MARK: Rows

    /// - Returns: the last key of the page; nil where it was the last page.
    private func compareRows(
        _ table: MirroredTable, _ rules: ColumnRules?, _ kind: Kind, _ after: DatabaseValue, columns: Int64
    ) throws -> DatabaseValue? {
        let keyCount = max(1, table.shape.key.parts.count)
        let rows =
            try after.isNull
            ? transaction.rows(table.statements.firstKeys)
            : transaction.rows(table.statements.nextKeys, StatementArguments(table.cursor(after)))
        for row in rows {
            let key: DatabaseValue = row[keyCount]
            let bits: Int64
            if kind == .adopt {
                bits = Triggers.allColumns | Triggers.unseen
            } else {
                guard let rules else { break }
                bits = try differing(table, rules, key, columns)
            }
            if bits != 0 { try transaction.run(NoteStatements.insert, [table.number, key, bits]) }
        }
        if after.isNull, let keyless = table.statements.keyless, let row = try transaction.row(keyless) {
            try transaction.run(NoteStatements.insert, [table.number, row[0] as DatabaseValue, Triggers.allColumns])
        }
        return rows.last.map { $0[keyCount] }
    }

    /// The columns of a row that say otherwise than its record, of those that are looked at.
    private func differing(
        _ table: MirroredTable, _ rules: ColumnRules, _ key: DatabaseValue, _ columns: Int64
    ) throws -> Int64 {
        guard let values = try? table.shape.key.values(note: key), let id = try? table.shape.key.id(values),
            let row = try transaction.row(table.statements.select, StatementArguments(values))
        else { return Triggers.allColumns }
        guard let shown = try transaction.shown(RecordKey(collection: table.shape.collection, id: id)), !shown.isDeleted
        else { return Triggers.allColumns }
        var bits: Int64 = 0
        for case (let index, let column?) in rules.columns.enumerated() where column.bit & columns != 0 {
            let stored: DatabaseValue = row[table.shape.key.parts.count + index]
            let value = shown[column.field]
            guard !column.coding.isSame(stored, as: value) else { continue }
            // A column that was added holds nothing of its own yet: it is filled.
            if columns & Triggers.unseen != 0, holdsNothing(column, stored) { continue }
            bits |= column.bit
        }
        return bits == 0 ? 0 : bits | (columns & Triggers.unseen)
    }

    private func holdsNothing(_ column: ColumnRules.Column, _ stored: DatabaseValue) -> Bool {
        if stored.isNull { return true }
        switch column.coding.column.standard {
        case .value(let standard): return stored == standard
        case .varying: return true
        }
    }

    // MARK: Records

    private func compareRecords(
        _ table: MirroredTable, _ kind: Kind, _ after: DatabaseValue
    ) throws -> DatabaseValue? {
        let collection = table.shape.collection
        let last = String.fromDatabaseValue(after) ?? ""
        let ids = try transaction.rows(ComparisonStatements.selectRecords, [collection.text, last])
        for row in ids {
            let key = RecordKey(collection: collection, id: ExactString(row[0] as String))
            if row[1] as Bool { continue }
            switch kind {
            case .missing: try noteMissing(key, table)
            case .refill: try refill(key)
            case .adopt, .rows: break
            }
        }
        return ids.last.map { $0[0] }
    }

    private func noteMissing(_ key: RecordKey, _ table: MirroredTable) throws {
        guard let values = try? table.shape.key.values(key.id),
            try !transaction.exists(table.statements.select, StatementArguments(values)),
            try !transaction.isSetAside(key), try set.note(of: key, table, transaction) == nil,
            let shown = try transaction.shown(key), !shown.isDeleted
        else { return }
        guard let noted = try set.noteKey(of: key.id, table, transaction) else { return }
        try transaction.run(NoteStatements.insert, [table.number, noted, 0])
    }

    private func refill(_ key: RecordKey) throws {
        try set.capture(key, transaction)
        guard try !transaction.isSetAside(key) else { return }
        try transaction.showAgain(key)
    }

    // MARK: What the server does not know

    /// Keeps which columns nothing is sent of, and compares those that the server has come to know.
    func noteUnknown(_ names: [String], of table: MirroredTable) throws {
        let text = Value.array(names.map { .string($0) }).canonicalText
        guard let row = try transaction.row(ComparisonStatements.selectTable, [table.shape.name]) else { return }
        let before = Set([String](json: row["unknown"]))
        guard row["unknown"] as String != text else { return }
        try transaction.run(ComparisonStatements.setUnknown, [text, table.number])
        let known = before.subtracting(names)
        guard !known.isEmpty else { return }
        let bits = table.shape.columns.enumerated().filter { known.contains($1.name) }.reduce(Int64(0)) {
            $0 | Triggers.bit($1.offset)
        }
        try begin(.rows, table.number, columns: bits | Triggers.unseen)
        try begin(.refill, table.number)
    }

    /// Has something compared from the beginning.
    func begin(_ kind: Kind, _ table: Int64, columns: Int64 = Triggers.allColumns) throws {
        switch kind {
        case .missing:
            // What is not shown yet is not missing.
            let refill: StatementArguments = [Kind.refill.rawValue, table]
            guard try !transaction.exists(ComparisonStatements.isUnderWay, refill) else { return }
        case .refill: try transaction.run(ComparisonStatements.delete, [Kind.missing.rawValue, table])
        case .adopt, .rows: break
        }
        try transaction.run(ComparisonStatements.begin, [kind.rawValue, table, columns])
    }
}

/// The statements on comparisons and on what is known of the tables.
enum ComparisonStatements {
    static let isAdopting = "SELECT 1 FROM main.rejoin_comparisons WHERE kind = 1 AND \"table\" = ?"
    static let isComparing = "SELECT 1 FROM main.rejoin_comparisons WHERE \"table\" = ? LIMIT 1"
    static let isUnderWay = "SELECT 1 FROM main.rejoin_comparisons WHERE kind = ? AND \"table\" = ?"
    static let select = "SELECT kind, after, columns FROM main.rejoin_comparisons WHERE kind = ? AND \"table\" = ?"
    static let begin = """
        INSERT INTO main.rejoin_comparisons (kind, "table", columns) VALUES (?, ?, ?)
        ON CONFLICT (kind, "table") DO UPDATE SET after = NULL, columns = columns | excluded.columns
        """
    static let advance = "UPDATE main.rejoin_comparisons SET after = ? WHERE kind = ? AND \"table\" = ?"
    static let delete = "DELETE FROM main.rejoin_comparisons WHERE kind = ? AND \"table\" = ?"
    static let selectRecords =
        "SELECT id, deleted FROM main.rejoin_records WHERE collection = ? AND id > ? ORDER BY id LIMIT 200"
    static let selectTable = "SELECT * FROM main.rejoin_tables WHERE name = ?"
    static let selectCollection = "SELECT * FROM main.rejoin_tables WHERE collection = ?"
    static let renameTable = "UPDATE main.rejoin_tables SET name = ? WHERE number = ?"
    static let insertTable =
        "INSERT INTO main.rejoin_tables (name, collection, columns, compared_at) VALUES (?, ?, ?, ?)"
    static let updateTable =
        "UPDATE main.rejoin_tables SET collection = ?, columns = ?, compared_at = ? WHERE number = ?"
    static let setUnknown = "UPDATE main.rejoin_tables SET unknown = ? WHERE number = ?"
}

extension [String] {
    /// Reads a JSON array of texts, as this module stores them.
    init(json: String) {
        guard case .array(let elements)? = try? Value(json: json) else {
            self = []
            return
        }
        self = elements.compactMap { if case .string(let text) = $0 { text.text } else { nil } }
    }

    /// A JSON array of texts.
    var json: String { Value.array(map { .string($0) }).canonicalText }
}
