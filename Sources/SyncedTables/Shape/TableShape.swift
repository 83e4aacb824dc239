import Causality
import GRDB

/// A table as the database declares it, with what of it is synced.
struct TableShape: Sendable, Hashable {
    /// A reference to another table.
    struct Parent: Sendable, Hashable {
        let table: String
        let columns: [String]
        /// The columns there, which are its primary key where none were named.
        let keys: [String]
        /// Whether a row that goes takes this one with it, or changes it.
        let changesChildren: Bool
    }

    let name: String
    let collection: ExactString
    let key: KeyShape
    let columns: [ColumnShape]
    let parents: [Parent]
    /// The columns of unique indexes beside the key: what `REPLACE` may remove other rows for.
    let uniques: [[Unique]]
    /// Whether a reference may be broken until the end of a transaction.
    let mayDefer: Bool
    let mode: SyncedTable.Mode
    let push: SyncedTable.Push

    /// Looks at a table.
    /// - Throws: ``TableRefusal`` where it cannot be synced.
    init(_ table: SyncedTable, in db: Database) throws {
        guard
            let found = try Row.fetchOne(
                db, sql: "SELECT name, type FROM pragma_table_list WHERE schema = 'main' AND name = ? COLLATE NOCASE",
                arguments: [table.name])
        else {
            throw TableRefusal(
                "There is no table '\(table.name)': make it before the client, in the app's first migration.")
        }
        name = found["name"]
        guard found["type"] as String == "table" else {
            throw TableRefusal(
                "'\(name)' is a \(found["type"] as String) and no table, so it has no rows of its own to sync.")
        }
        let declared = try Row.fetchAll(
            db, sql: "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?, 'main')",
            arguments: [name])
        key = try KeyShape(table.key, of: name, declared)
        columns = try Self.columns(table, name, declared, key, in: db)
        collection = table.collection ?? ExactString(name)
        parents = try Self.parents(of: name, in: db)
        uniques = try Self.uniques(of: name, in: db)
        let sql = try String.fetchOne(
            db, sql: "SELECT sql FROM main.sqlite_master WHERE type = 'table' AND name = ?", arguments: [name])
        mayDefer = (sql ?? "").uppercased().contains("DEFERRABLE")
        mode = table.mode
        push = table.push
        if case .where(let condition) = table.push {
            do {
                _ = try db.makeStatement(sql: "SELECT (\(condition)) FROM main.\(name.quoted)")
            } catch {
                throw TableRefusal("The condition of '\(name)' is no SQL expression over its columns: \(error)")
            }
        }
    }

    private static func columns(
        _ table: SyncedTable, _ name: String, _ declared: [Row], _ key: KeyShape, in db: Database
    ) throws -> [ColumnShape] {
        // Generated columns follow from the others, hidden ones are none of the app's.
        let present = declared.filter { $0["hidden"] as Int == 0 && !($0["pk"] as Int > 0) }
        guard let wanted = table.columns else {
            return try present.map { ColumnShape($0, field: nil, times: nil, in: db) }
        }
        var fields: Set<ExactString> = []
        return try wanted.map { column in
            guard let row = declared.first(where: { ($0["name"] as String).lowercased() == column.name.lowercased() })
            else {
                throw TableRefusal("The table '\(name)' has no column '\(column.name)'.")
            }
            guard row["hidden"] as Int == 0 else {
                throw TableRefusal(
                    "The column '\(column.name)' of '\(name)' is generated: sync the columns that it is made of.")
            }
            guard row["pk"] as Int == 0 else {
                throw TableRefusal(
                    "The column '\(column.name)' of '\(name)' is its key, which is the record's id and no field.")
            }
            let shape = ColumnShape(row, field: column.field, times: column.times, in: db)
            guard fields.insert(shape.field).inserted else {
                throw TableRefusal("Two columns of '\(name)' are the field '\(shape.field)'.")
            }
            return shape
        }
    }

    private static func parents(of name: String, in db: Database) throws -> [Parent] {
        let rows = try Row.fetchAll(
            db,
            sql:
                "SELECT id, \"table\", \"from\", \"to\", on_delete FROM pragma_foreign_key_list(?, 'main') ORDER BY id, seq",
            arguments: [name])
        return try Dictionary(grouping: rows) { $0["id"] as Int }.sorted { $0.key < $1.key }.map { _, rows in
            let table: String = rows[0]["table"]
            var keys = rows.compactMap { $0["to"] as String? }
            if keys.count < rows.count {
                keys = try String.fetchAll(
                    db, sql: "SELECT name FROM pragma_table_info(?, 'main') WHERE pk > 0 ORDER BY pk",
                    arguments: [table])
            }
            let action: String = rows[0]["on_delete"]
            return Parent(
                table: table, columns: rows.map { $0["from"] }, keys: keys,
                changesChildren: ["CASCADE", "SET NULL", "SET DEFAULT"].contains(action.uppercased()))
        }
    }

    private static func uniques(of name: String, in db: Database) throws -> [[Unique]] {
        // Indexes over expressions or a part of the rows are not looked at; what they remove is found when rows and records are compared.
        try String.fetchAll(
            db,
            sql:
                "SELECT name FROM pragma_index_list(?, 'main') WHERE \"unique\" = 1 AND origin <> 'pk' AND partial = 0",
            arguments: [name]
        ).compactMap { index in
            let rows = try Row.fetchAll(
                db, sql: "SELECT name, coll FROM pragma_index_xinfo(?, 'main') WHERE key = 1 ORDER BY seqno",
                arguments: [index])
            let named = rows.compactMap { row in
                (row["name"] as String?).map { Unique(column: $0, collation: row["coll"]) }
            }
            return named.count == rows.count && !named.isEmpty ? named : nil
        }
    }

    /// A column of a unique index, and how texts are compared there.
    struct Unique: Sendable, Hashable {
        let column: String
        let collation: String
    }

    /// The tables whose references may be broken until the end of a transaction, with those references. Nobody but we ourselves can say
    /// which row breaks one.
    static func deferringChildren(in db: Database) throws -> [(String, Parent)] {
        let names = try String.fetchAll(
            db, sql: "SELECT name FROM main.sqlite_master WHERE type = 'table' AND sql LIKE '%DEFERRABLE%'")
        return try names.flatMap { name in try parents(of: name, in: db).map { (name, $0) } }
    }
}

/// A column that is synced.
struct ColumnShape: Sendable, Hashable {
    let name: String
    let field: ExactString
    /// The declared type in capitals.
    let declared: String
    let affinity: Affinity
    /// Whether it must not be null.
    let isRequired: Bool
    /// What stands where nothing is said.
    let standard: Standard
    let times: SyncedColumn.Times?

    init(_ row: Row, field: ExactString?, times: SyncedColumn.Times?, in db: Database) {
        name = row["name"]
        self.field = field ?? ExactString(name)
        declared = (row["type"] as String? ?? "").uppercased()
        affinity = Affinity(declared)
        isRequired = row["notnull"] as Int == 1
        standard = Standard(sql: row["dflt_value"], affinity, db)
        self.times = times
    }

    /// What stands in a column of which nothing is said.
    enum Standard: Sendable, Hashable {
        case value(DatabaseValue)
        /// An expression that says something else each time.
        case varying(String)

        fileprivate init(sql: String?, _ affinity: Affinity, _ db: Database) {
            guard let sql else {
                self = .value(.null)
                return
            }
            guard !sql.contains("("), !sql.uppercased().contains("CURRENT_") else {
                self = .varying(sql)
                return
            }
            // A bare word is a text, as it is for SQLite where a column has it.
            let value: DatabaseValue = (try? Row.fetchOne(db, sql: "SELECT (\(sql))"))?[0] ?? sql.databaseValue
            self = .value(affinity.kept(value))
        }
    }
}

/// What SQLite prefers to store in a column (sqlite.org, "Datatypes in SQLite", section 3.1).
enum Affinity: Sendable, Hashable {
    case integer, text, none, real, numeric

    /// - Parameter declared: the type in capitals.
    init(_ declared: String) {
        if declared.contains("INT") {
            self = .integer
        } else if ["CHAR", "CLOB", "TEXT"].contains(where: declared.contains) {
            self = .text
        } else if declared.contains("BLOB") || declared.isEmpty {
            self = .none
        } else if ["REAL", "FLOA", "DOUB"].contains(where: declared.contains) {
            self = .real
        } else {
            self = .numeric
        }
    }
}

extension Affinity {
    /// What a column keeps of a value.
    fileprivate func kept(_ value: DatabaseValue) -> DatabaseValue {
        switch (self, value.storage) {
        case (.integer, .string(let text)), (.numeric, .string(let text)), (.real, .string(let text)):
            Int64(text).map(\.databaseValue) ?? Double(text).map(\.databaseValue) ?? value
        case (.text, .int64(let number)): String(number).databaseValue
        case _: value
        }
    }
}

extension String {
    /// As an SQL identifier.
    var quoted: String {
        "\"" + split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    /// As an SQL text.
    var literal: String { "'" + split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'" }
}
