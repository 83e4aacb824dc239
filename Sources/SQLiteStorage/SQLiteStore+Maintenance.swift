import Foundation
import GRDB
import GRDBSQLite
import SyncStorage

extension SQLiteStore {
    /// The schema that the file has.
    public func schemaVersion() async throws(StoreError) -> Int {
        try await read { (connection: Connection) throws(StoreError) in try connection.schemaVersion() }
    }

    /// How many bytes the write-ahead log has.
    var logBytes: Int {
        var status = stat()
        return stat(path + "-wal", &status) == 0 ? Int(status.st_size) : 0
    }

    /// How many bytes are free where the file lies; nil where the system does not say.
    public var freeBytes: Int? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        return Int(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
    }

    /// What SQLite finds wrong with the file; empty when it is whole. This reads the whole file.
    public func integrityFindings() async throws(StoreError) -> [String] {
        try await read { (connection: Connection) throws(StoreError) in
            let findings = try connection.prepare(Statements.integrity).all({ _ in }) {
                (columns: Columns) throws(StoreError) in try columns.text(0)
            }
            return findings == ["ok"] ? [] : findings
        }
    }
}

extension Database {
    /// Runs a body that gives up at once where another connection holds a lock.
    func withoutWaiting(afterwards wait: Duration, _ body: () throws -> Void) throws {
        sqlite3_busy_timeout(sqliteConnection, 0)
        defer { sqlite3_busy_timeout(sqliteConnection, Int32(clamping: wait.components.seconds * 1_000)) }
        try body()
    }
}
