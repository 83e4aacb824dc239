import GRDB

/// A row that was changed, as the triggers noted it.
struct Note {
    let table: Int64
    let key: DatabaseValue
    let columns: Int64
    /// When, by the device's clock, in milliseconds since 1970.
    let atMilliseconds: Int64
    /// Why it is no edit yet.
    let reason: String?

    /// Whether whoever wrote it had seen nothing of the others' work: the row was there before its table was synced.
    var isUnseen: Bool { columns & Triggers.unseen != 0 }

    init(row: Row) {
        table = row[0]
        key = row[1]
        columns = row[2]
        atMilliseconds = row[3]
        reason = row[4]
    }
}

/// The statements on notes.
enum NoteStatements {
    private static let select = "SELECT \"table\", key, columns, at, reason FROM main.rejoin_notes"
    static let selectOne = select + " WHERE \"table\" = ? AND key = ?"
    /// Those that somebody may try, a page of a table.
    static let selectPage = select + " WHERE \"table\" = ? AND reason IS NULL ORDER BY key LIMIT 200"
    static let selectRefused = select + " WHERE reason IS NOT NULL ORDER BY \"table\", key LIMIT 1000"
    static let has = "SELECT 1 FROM main.rejoin_notes LIMIT 1"
    static let hasFresh = "SELECT 1 FROM main.rejoin_notes WHERE \"table\" = ? AND reason IS NULL LIMIT 1"
    static let countFresh = "SELECT count(*) FROM main.rejoin_notes WHERE \"table\" = ? AND reason IS NULL"
    static let delete = "DELETE FROM main.rejoin_notes WHERE \"table\" = ? AND key = ?"
    static let refuse = "UPDATE main.rejoin_notes SET reason = ? WHERE \"table\" = ? AND key = ?"
    static let refreshAll =
        "UPDATE main.rejoin_notes SET reason = NULL WHERE reason IS NOT NULL AND reason <> '\(held)'"
    static let insert = """
        INSERT INTO main.rejoin_notes ("table", key, columns, at) VALUES (?, ?, ?, \(Triggers.nowSQL))
        ON CONFLICT ("table", key) DO UPDATE SET columns = columns | excluded.columns, reason = NULL
        """
    /// The age of a note, by the clock that it was made with.
    static let age = "SELECT \(Triggers.nowSQL) - ?"

    /// The reason of a row that the table's condition keeps here.
    static let held = "held"
}
