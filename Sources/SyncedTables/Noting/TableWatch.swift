import Foundation
import GRDB
import Synchronization

/// Tells when somebody has written into a synced table.
///
/// What this process writes, the database tells at once. Of other processes it says nothing, so that its version is looked at now and
/// then: one page that is in memory mostly.
final class TableWatch: Sendable {
    private let database: any DatabaseWriter
    private let onChange: @Sendable () -> Void
    private let hasNotes: @Sendable (Database) throws -> Bool

    /// - Parameter hasNotes: whether there are changes that are no edits yet.
    init(
        _ database: any DatabaseWriter, _ onChange: @escaping @Sendable () -> Void,
        hasNotes: @escaping @Sendable (Database) throws -> Bool
    ) {
        self.database = database
        self.onChange = onChange
        self.hasNotes = hasNotes
    }

    /// Watches until the task is cancelled.
    func run() async {
        let observer = NoteObserver(onChange, hasNotes)
        database.add(transactionObserver: observer, extent: .observerLifetime)
        var version: Int64?
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(2))
            guard
                let now = try? await database.writeWithoutTransaction({ db in
                    try Int64.fetchOne(db, sql: "PRAGMA data_version")
                })
            else { continue }
            if let version, version != now { onChange() }
            version = now
        }
        database.remove(transactionObserver: observer)
    }
}

/// Hears of notes that were made by this process. Triggers write into a table without rowids, of which the database reports no rows;
/// but it says of each statement which tables it may write.
private final class NoteObserver: TransactionObserver, Sendable {
    private let onChange: @Sendable () -> Void
    private let hasNotes: @Sendable (Database) throws -> Bool
    private let mayHaveNotes = Mutex(false)

    init(_ onChange: @escaping @Sendable () -> Void, _ hasNotes: @escaping @Sendable (Database) throws -> Bool) {
        self.onChange = onChange
        self.hasNotes = hasNotes
    }

    func observes(eventsOfKind kind: DatabaseEventKind) -> Bool {
        switch kind {
        case .insert(let table) where table == "rejoin_notes", .update(let table, _) where table == "rejoin_notes":
            mayHaveNotes.withLock { $0 = true }
        case .insert, .update, .delete: break
        }
        return false
    }

    func databaseDidChange(with event: DatabaseEvent) {}

    func databaseDidCommit(_ db: Database) {
        let mayHaveNotes = mayHaveNotes.withLock { mayHaveNotes in
            defer { mayHaveNotes = false }
            return mayHaveNotes
        }
        // A statement that applies what the server says may write notes as well, but does not.
        if mayHaveNotes, (try? hasNotes(db)) != false { onChange() }
    }

    func databaseDidRollback(_ db: Database) { mayHaveNotes.withLock { $0 = false } }
}
