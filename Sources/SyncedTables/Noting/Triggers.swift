/// The triggers that note which rows were changed.
///
/// They are plain SQL in the app's database, so that they see whoever writes: the app, another process, the `sqlite3` shell. What they
/// write is in the writer's own transaction. They do nothing while the client applies what the server says.
struct Triggers: Sendable {
    let table: TableShape
    /// The table's number in `rejoin_tables`.
    let number: Int64

    /// A trigger's name and the text that makes it.
    struct Trigger: Sendable, Hashable {
        let name: String
        let sql: String
    }

    /// All bits of columns in `rejoin_notes`.
    static let allColumns: Int64 = (1 << 62) - 1
    /// The bit of a row that was there before its table was synced.
    static let unseen: Int64 = 1 << 62

    /// The bit of a column. The last one stands for all columns that have none of their own.
    static func bit(_ index: Int) -> Int64 { 1 << Int64(min(index, 61)) }

    /// The device's time in milliseconds since 1970.
    static let nowSQL = "CAST((julianday('now') - 2440587.5) * 86400000.0 AS INTEGER)"

    var all: [Trigger] {
        switch table.mode {
        case .readOnly: refusals
        case .both, .onDemand, .observe:
            [insert, delete] + (table.columns.isEmpty ? [] : [update]) + (table.key.isSingleton ? [] : [rename])
                + replacements
        }
    }

    private func name(_ event: String) -> String { "rejoin_\(event)_\(table.name)" }

    private static let isOthers = "(SELECT applying FROM rejoin_applying) = 0"

    private static let merging = """
        ON CONFLICT ("table", key) DO UPDATE SET columns = columns | excluded.columns, at = excluded.at
        """

    private func note(_ row: String, _ columns: String) -> String {
        """
        INSERT INTO rejoin_notes ("table", key, columns, at)
            VALUES (\(number), \(table.key.noteSQL(of: row)), \(columns), \(Self.nowSQL)) \(Self.merging);
        """
    }

    private func trigger(_ event: String, _ moment: String, when condition: String, _ body: String) -> Trigger {
        let name = name(event)
        return Trigger(
            name: name,
            sql: """
                CREATE TRIGGER main.\(name.quoted) \(moment) ON \(table.name.quoted) WHEN \(condition) BEGIN
                \(body)
                END
                """)
    }

    private var insert: Trigger {
        trigger("insert", "AFTER INSERT", when: Self.isOthers, note("NEW.", String(Self.allColumns)))
    }

    private var delete: Trigger {
        trigger("delete", "AFTER DELETE", when: Self.isOthers, note("OLD.", "0"))
    }

    private var update: Trigger {
        let changes = table.columns.map { changed($0.name) }
        let columns = table.columns.map(\.name.quoted).joined(separator: ", ")
        let bits = changes.enumerated().map { "((\($1)) << \(min($0, 61)))" }.joined(separator: " | ")
        return trigger(
            "update", "AFTER UPDATE OF \(columns)",
            when: "\(Self.isOthers) AND (\(changes.joined(separator: " OR ")))", note("NEW.", bits))
    }

    /// A row whose key changed is another row: one goes, and one comes.
    private var rename: Trigger {
        let changes = table.key.parts.map { changed($0.name) }.joined(separator: " OR ")
        return trigger(
            "rename", "AFTER UPDATE OF \(table.key.columnsSQL)", when: "\(Self.isOthers) AND (\(changes))",
            note("OLD.", "0") + "\n" + note("NEW.", String(Self.allColumns)))
    }

    /// A column's own collation may take different texts for the same.
    private func changed(_ column: String) -> String {
        "OLD.\(column.quoted) COLLATE BINARY IS NOT NEW.\(column.quoted)"
    }

    /// `REPLACE` removes the rows that are in a row's way, and no trigger hears of it. So they are noted before; those that stay are
    /// found unchanged.
    private var replacements: [Trigger] {
        guard !table.key.isSingleton else { return [] }
        return table.uniques.enumerated().flatMap { index, columns in
            let same = columns.map {
                "\($0.column.quoted) = NEW.\($0.column.quoted) COLLATE \($0.collation.quoted)"
            }.joined(separator: " AND ")
            let named = columns.map(\.column.quoted).joined(separator: ", ")
            return [
                trigger(
                    "replace_\(index)", "BEFORE INSERT", when: Self.isOthers,
                    noteAll(where: "\(same) AND \(table.key.noteSQL(of: "")) IS NOT \(table.key.noteSQL(of: "NEW."))")),
                trigger(
                    "replace_update_\(index)", "BEFORE UPDATE OF \(named)", when: Self.isOthers,
                    noteAll(where: "\(same) AND \(table.key.noteSQL(of: "")) IS NOT \(table.key.noteSQL(of: "OLD."))")),
            ]
        }
    }

    private func noteAll(where condition: String) -> String {
        """
        INSERT INTO rejoin_notes ("table", key, columns, at)
            SELECT \(number), \(table.key.noteSQL(of: "")), 0, \(Self.nowSQL) FROM \(table.name.quoted)
            WHERE \(condition) \(Self.merging);
        """
    }

    private var refusals: [Trigger] {
        ["INSERT", "UPDATE", "DELETE"].map { event in
            trigger(
                event.lowercased(), "BEFORE \(event)", when: Self.isOthers,
                "SELECT RAISE(ABORT, \("'\(table.name)' is read-only here: its rows come from the server".literal));")
        }
    }
}
