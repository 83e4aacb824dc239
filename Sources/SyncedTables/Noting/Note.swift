import GRDB

/// A row that was changed, as the triggers noted it.
struct Note {
    let table: Int64
    let key: DatabaseValue
    var columns: Int64
    /// When, by the device's clock, in milliseconds since 1970.
    let atMilliseconds: Int64

    /// Whether whoever wrote it had seen nothing of the others' work: the row was there before its table was synced.
    var isUnseen: Bool { columns & Triggers.unseen != 0 }

    init(row: Row) {
        table = row[0]
        key = row[1]
        columns = row[2]
        atMilliseconds = row[3]
    }
}

/// The statements on notes, and on notes that are held.
enum NoteStatements {
    private static let select = "SELECT \"table\", key, columns, at FROM main.rejoin_notes WHERE \"table\" = ?"
    static let selectOne = select + " AND key = ?"
    static let selectPage = select + " ORDER BY key LIMIT 200"
    static let has = "SELECT 1 FROM main.rejoin_notes LIMIT 1"
    static let hasOfTable = "SELECT 1 FROM main.rejoin_notes WHERE \"table\" = ? LIMIT 1"
    static let countOfTable = "SELECT count(*) FROM main.rejoin_notes WHERE \"table\" = ?"
    static let delete = "DELETE FROM main.rejoin_notes WHERE \"table\" = ? AND key = ?"
    static let insert = """
        INSERT INTO main.rejoin_notes ("table", key, columns, at) VALUES (?, ?, ?, \(Triggers.nowSQL))
        ON CONFLICT ("table", key) DO UPDATE SET columns = columns | excluded.columns
        """
    /// The age of a note, by the clock that it was made with.
    static let age = "SELECT \(Triggers.nowSQL) - ?"

    // MARK: Held

    /// The reason of a row that the table's condition keeps here.
    static let heldByCondition = "held"
    static let selectHeld =
        "SELECT columns, reason FROM main.rejoin_held WHERE \"table\" = ? AND key = ?"
    static let selectUnsendable = """
        SELECT "table", key, columns, at, reason FROM main.rejoin_held WHERE reason <> '\(heldByCondition)'
        ORDER BY "table", key LIMIT 1000
        """
    static let hasHeld = "SELECT 1 FROM main.rejoin_held LIMIT 1"
    static let hold = """
        INSERT INTO main.rejoin_held ("table", key, columns, at, reason) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT ("table", key) DO UPDATE SET columns = columns | excluded.columns, at = excluded.at, reason = excluded.reason
        """
    static let deleteHeld = "DELETE FROM main.rejoin_held WHERE \"table\" = ? AND key = ?"
    static let releaseUnsendable = """
        INSERT INTO main.rejoin_notes ("table", key, columns, at)
        SELECT "table", key, columns, at FROM main.rejoin_held WHERE reason <> '\(heldByCondition)'
        ON CONFLICT ("table", key) DO UPDATE SET columns = columns | excluded.columns
        """
    static let deleteUnsendable = "DELETE FROM main.rejoin_held WHERE reason <> '\(heldByCondition)'"
    /// Holds the first note of a table whose key the client cannot read as it stands.
    static let holdFirst = """
        INSERT OR REPLACE INTO main.rejoin_held ("table", key, columns, at, reason)
        SELECT "table", key, columns, at, ? FROM main.rejoin_notes WHERE "table" = ? ORDER BY key LIMIT 1
        """
    static let deleteFirst = """
        DELETE FROM main.rejoin_notes WHERE "table" = ?1
        AND key = (SELECT key FROM main.rejoin_notes WHERE "table" = ?1 ORDER BY key LIMIT 1)
        """
}
