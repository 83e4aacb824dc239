import Causality
import DeviceReplica
import Foundation
import GRDB
import StrictJSON
import Values

/// Looks at the tables when the client is made: puts the triggers where they belong, and says what has to be compared.
struct TableOpening {
    private let transaction: ReplicaTransaction
    private let declared: [SyncedTable]
    private let set: TableSet
    private var db: Database { transaction.db }

    /// How often rows and records are compared though nothing speaks for it: what `REPLACE` took by an index over an expression,
    /// no trigger hears of.
    private static let dayMilliseconds: Int64 = 86_400_000

    init(_ transaction: ReplicaTransaction, _ declared: [SyncedTable], _ set: TableSet) {
        self.transaction = transaction
        self.set = set
        self.declared = declared
    }

    /// - Throws: ``TableRefusal`` where one of them cannot be synced.
    func open() throws -> [MirroredTable] {
        if try transaction.integer(.tablesVersion) == nil {
            try db.execute(sql: String(decoding: PackageResources.V0001_tables_sql, as: UTF8.self))
            try transaction.set(.tablesVersion, "1")
        }
        let shapes = try Self.ordered(declared.map { try TableShape($0, in: db) })
        var collections: Set<ExactString> = []
        for shape in shapes where !collections.insert(shape.collection).inserted {
            throw TableRefusal("Two tables are the collection '\(shape.collection)'.")
        }
        let children = try TableShape.deferringChildren(in: db)
        // Triggers of tables that are not named stay: another process, or the next start, may sync them.
        return try shapes.map { shape in try open(shape, among: shapes, children) }
    }

    private func open(
        _ shape: TableShape, among shapes: [TableShape], _ children: [(String, TableShape.Parent)]
    ) throws -> MirroredTable {
        let columns = shape.columns.map(\.name)
        let comparing = Comparing(set, transaction)
        let now = try transaction.number("SELECT \(Triggers.nowSQL)")
        guard let row = try known(shape) else {
            // A table that was renamed brings the triggers of its former name along.
            for trigger in try triggers(of: shape.name) {
                try db.execute(sql: "DROP TRIGGER main.\(trigger.name.quoted)")
            }
            try transaction.run(
                ComparisonStatements.insertTable, [shape.name, shape.collection.text, columns.json, now])
            let number = db.lastInsertedRowID
            try make(Triggers(table: shape, number: number).all)
            if shape.mode != .readOnly { try comparing.begin(.adopt, number) }
            try comparing.begin(.refill, number)
            return MirroredTable(number, shape, among: shapes, children)
        }
        let number: Int64 = row["number"]
        guard row["collection"] as String == shape.collection.text else {
            throw TableRefusal(
                "'\(shape.name)' was the collection '\(row["collection"] as String)': detach the tables first to make it another one."
            )
        }
        let wanted = Triggers(table: shape, number: number).all
        let present = try triggers(of: shape.name)
        let before = [String](json: row["columns"])
        var comparedAt: Int64 = row["compared_at"]
        if Set(present.map(\.text)) != Set(wanted.map(\.text)) {
            for trigger in present { try db.execute(sql: "DROP TRIGGER main.\(trigger.name.quoted)") }
            try make(wanted)
            let isRebuilt = present.isEmpty
            let added = shape.columns.enumerated().filter { !before.contains($1.name) }
            let known = shape.columns.enumerated().filter { before.contains($1.name) }
            let wasReadOnly = present.contains { $0.sql.contains("RAISE(ABORT") }
            if shape.mode != .readOnly, wasReadOnly { try comparing.begin(.rows, number) }
            if shape.mode != .readOnly {
                // Notes that were made before name columns by bits that may mean others now.
                if before != columns {
                    for sql in Self.widenNotes { try transaction.run(sql, [Triggers.allColumns, number]) }
                }
                if isRebuilt {
                    try comparing.begin(.rows, number, columns: known.reduce(0) { $0 | Triggers.bit($1.offset) })
                }
                let bits = added.reduce(Int64(0)) { $0 | Triggers.bit($1.offset) }
                if bits != 0, !isRebuilt { try comparing.begin(.rows, number, columns: bits | Triggers.unseen) }
            }
            if isRebuilt || !added.isEmpty { try comparing.begin(.refill, number) }
            comparedAt = now
        } else if abs(now - comparedAt) > Self.dayMilliseconds, shape.mode.sends {
            try comparing.begin(.missing, number)
            comparedAt = now
        }
        try transaction.run(
            ComparisonStatements.updateTable, [shape.collection.text, columns.json, comparedAt, number])
        return MirroredTable(number, shape, among: shapes, children)
    }

    /// What is kept of a table, also under the name that it had before it was renamed.
    private func known(_ shape: TableShape) throws -> Row? {
        if let row = try transaction.row(ComparisonStatements.selectTable, [shape.name]) { return row }
        guard let row = try transaction.row(ComparisonStatements.selectCollection, [shape.collection.text]) else {
            return nil
        }
        let former: String = row["name"]
        let isThere = try Row.fetchOne(
            db, sql: "SELECT 1 FROM main.sqlite_master WHERE type = 'table' AND name = ?", arguments: [former])
        guard isThere == nil else {
            throw TableRefusal(
                "The collection '\(shape.collection)' was the table '\(former)', which is still there: detach the tables first."
            )
        }
        try transaction.run(ComparisonStatements.renameTable, [shape.name, row["number"] as Int64])
        return try transaction.row(ComparisonStatements.selectTable, [shape.name])
    }

    private static let widenNotes = ["rejoin_notes", "rejoin_held"].map {
        "UPDATE main.\($0) SET columns = columns | ? WHERE \"table\" = ? AND columns <> 0"
    }

    // MARK: Triggers

    private func make(_ triggers: [Triggers.Trigger]) throws {
        for trigger in triggers { try db.execute(sql: trigger.sql) }
    }

    private func triggers(of table: String) throws -> [Triggers.Trigger] {
        try Row.fetchAll(
            db,
            sql:
                "SELECT name, sql FROM main.sqlite_master WHERE type = 'trigger' AND tbl_name = ? AND name GLOB 'rejoin_*'",
            arguments: [table]
        ).map { Triggers.Trigger(name: $0["name"], sql: $0["sql"]) }
    }

    // MARK: Order

    /// Parents before what refers to them. Tables that refer to one another keep the order in which they were declared.
    private static func ordered(_ shapes: [TableShape]) -> [TableShape] {
        var left = shapes
        var ordered: [TableShape] = []
        while !left.isEmpty {
            let next =
                left.firstIndex { shape in
                    !shape.parents.contains { parent in
                        parent.table.lowercased() != shape.name.lowercased()
                            && left.contains { $0.name.lowercased() == parent.table.lowercased() }
                    }
                } ?? 0
            ordered.append(left.remove(at: next))
        }
        return ordered
    }
}

extension Triggers.Trigger {
    /// The text as the database keeps it: without the schema's name.
    fileprivate var text: String {
        sql.hasPrefix("CREATE TRIGGER main.") ? "CREATE TRIGGER " + sql.dropFirst("CREATE TRIGGER main.".count) : sql
    }
}
