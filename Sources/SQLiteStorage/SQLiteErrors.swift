import GRDB
import GRDBSQLite
import SyncStorage

extension StoreError {
    /// What an SQLite result code means to a caller. The text names the code and the statement, never a value.
    init(sqliteCode code: Int32, at statement: String) {
        let text = "\(String(cString: sqlite3_errstr(code))) (SQLite \(code), \(statement))"
        switch code & 0xFF {
        case SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_FORMAT, SQLITE_MISMATCH, SQLITE_CONSTRAINT, SQLITE_ERROR,
            SQLITE_MISUSE, SQLITE_RANGE, SQLITE_INTERNAL:
            self = .damaged(text)
        case SQLITE_TOOBIG:
            self = .tooLarge(text)
        case SQLITE_READONLY:
            self = .cannotOpen("the data was opened for reading only, or its file may not be written (\(statement))")
        default:
            // BUSY, LOCKED, IOERR, FULL, CANTOPEN, INTERRUPT, NOMEM, PROTOCOL, SCHEMA, ABORT, PERM, AUTH
            self = .unavailable(text)
        }
    }

    /// Takes anything that GRDB throws.
    init(_ error: any Error, at statement: String) {
        switch error {
        case let error as StoreError: self = error
        case let error as DatabaseError:
            self.init(sqliteCode: error.extendedResultCode.rawValue, at: statement)
        case is CancellationError: self = .unavailable("the task was cancelled (\(statement))")
        default: self = .unavailable("the database did not answer (\(statement))")
        }
    }
}
