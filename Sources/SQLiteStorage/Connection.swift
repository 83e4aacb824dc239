import GRDB
import GRDBSQLite
import SyncStorage

/// A database connection during one access.
struct Connection {
    let database: Database
    let probe: StoreProbe?

    func prepare(_ statement: Statement) throws(StoreError) -> PreparedStatement {
        do {
            let handle = try database.cachedStatement(sql: statement.sql).sqliteStatement
            return PreparedStatement(name: statement.name, probe: probe, handle: handle)
        } catch {
            throw StoreError(error, at: statement.name)
        }
    }

    /// One transaction. It holds the database's only write lock from before the first read until the commit is durable.
    /// - Parameter whenLocked: called when another process did not yield the lock in time.
    func transaction<Answer>(
        whenLocked: () -> Void = {}, _ body: (Connection) throws(StoreError) -> (Answer, TransactionEnd)
    ) throws(StoreError) -> Answer {
        do throws(StoreError) {
            try prepare(Statements.begin).execute()
        } catch {
            if sqlite3_errcode(database.sqliteConnection) == SQLITE_BUSY { whenLocked() }
            throw error
        }
        do throws(StoreError) {
            let (answer, end) = try body(self)
            switch end {
            case .commit: try prepare(Statements.commit).execute()
            case .nothingWritten: rollBack()
            }
            return answer
        } catch {
            rollBack()
            throw error
        }
    }

    /// One transaction that reads one state. The probe hears of what is read alone.
    func reading<Answer>(_ body: (Connection) throws(StoreError) -> Answer) throws(StoreError) -> Answer {
        let silent = Connection(database: database, probe: nil)
        try silent.prepare(Statements.beginReading).execute()
        // It began nothing that could be kept.
        defer { rollBack() }
        let answer = try body(self)
        try silent.prepare(Statements.commit).execute()
        return answer
    }

    enum TransactionEnd {
        case commit, nothingWritten
    }

    /// Rolls back. SQLite may have done so by itself (a full disk, an I/O error). A rollback that fails leaves the
    /// connection inside the transaction, and GRDB stops the process at the end of the access. That is better than to
    /// go on with half a commit.
    private func rollBack() {
        if database.isInsideTransaction { try? database.rollback() }
    }
}
