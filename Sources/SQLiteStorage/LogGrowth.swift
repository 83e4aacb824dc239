import GRDB
import GRDBSQLite
import Synchronization

/// Asks for the write-ahead log to be copied into the file when enough pages have been written.
final class LogGrowth: Sendable {
    /// One element for each time that was asked. Requests that nobody has taken yet are one.
    let requests: AsyncStream<Void>
    private let asking: AsyncStream<Void>.Continuation
    private let limit: Int
    /// How many pages the writer had written when it was last asked.
    private let asked = Mutex(0)

    /// - Parameter limit: how many pages are written before the log is copied.
    init(limit: Int) {
        self.limit = limit
        (requests, asking) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func ask() { asking.yield() }

    /// Counts what was written. It is called on the writer's connection after each transaction.
    func note(_ database: Database) {
        var (written, highest): (Int32, Int32) = (0, 0)
        sqlite3_db_status(database.sqliteConnection, SQLITE_DBSTATUS_CACHE_WRITE, &written, &highest, 0)
        let isTime = asked.withLock { asked in
            guard Int(written) - asked >= limit else { return false }
            asked = Int(written)
            return true
        }
        if isTime { ask() }
    }
}
