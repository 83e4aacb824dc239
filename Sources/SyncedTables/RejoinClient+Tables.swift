import Causality
import DeviceReplica
import Foundation
import GRDB
import MergeCore
import Values

extension RejoinClient {
    /// Opens the device's side on the app's own tables, over a connection of the app's own. The module `RejoinClient` has the usual one.
    ///
    /// The app goes on to write SQL. Triggers note which rows were changed, by whomever; `run()` makes edits of them, sends
    /// them, and writes what others did into the same tables. Rows that are there already are taken into sync at the first start.
    /// - Parameters:
    ///   - database: the app's own `DatabasePool` or `DatabaseQueue`, after its migrations.
    ///   - tables: what is synced. The client keeps their collections, beside those of the options.
    ///   - connection: how the server is reached.
    ///   - options: what is kept here, and how.
    ///   - afterSync: called after each transaction that has changed rows, with their ids, on the queue of the database: what has to
    ///     wait for the database goes into a task of its own.
    ///   - token: gives a token of the user for a device id, as of the initializer without tables.
    /// - Throws: ``TableRefusal`` where a table cannot be synced as declared; `ReplicaError` and GRDB's errors.
    public convenience init(
        database: any DatabaseWriter, tables: [SyncedTable], connection: any ServerConnection,
        options: ClientOptions = ClientOptions(),
        afterSync: @escaping @Sendable (SyncedChanges) -> Void = { _ in },
        token: @escaping @Sendable (_ device: DeviceID) async throws -> String
    ) throws {
        var options = options
        options.mirror = TableSet(tables, onChanges: afterSync)
        let taking = tables.filter { $0.mode != .observe }
        options.onDemand.formUnion(
            tables.filter { $0.mode == .onDemand }.map { $0.collection ?? ExactString($0.name) })
        options.takesNothing = taking.isEmpty && !tables.isEmpty && options.collections.isEmpty
        options.collections = Array(
            Set(options.collections).union(taking.map { $0.collection ?? ExactString($0.name) })
        ).sorted()
        try self.init(database: database, connection: connection, options: options, token: token)
    }

    private var tableSet: TableSet? { replica.options.mirror as? TableSet }

    /// Rows that were changed and cannot be sent as they are, with the reason. Each is tried again once it is changed, or the server
    /// declares other collections.
    public func unsendable() async throws -> [UnsendableRow] {
        guard let set = tableSet else { return [] }
        return try await replica.read { transaction in
            let tables = Dictionary(uniqueKeysWithValues: set.tables.map { ($0.number, $0.shape) })
            return try transaction.rows(NoteStatements.selectUnsendable).compactMap { row in
                let note = Note(row: row)
                guard let shape = tables[note.table] else { return nil }
                let id = (try? shape.key.values(note: note.key)).flatMap { try? shape.key.id($0) }
                return UnsendableRow(table: shape.name, id: id, reason: row[4])
            }
        }
    }

    /// What would be sent of the tables that are only observed. Nothing is kept of it.
    public func observed() async throws -> [PendingEdit] {
        guard let set = tableSet else { return [] }
        return try await replica.tryOut { transaction in
            for table in set.tables where table.shape.mode == .observe {
                try Comparing(set, transaction).adoptAll(table)
                try set.captureAll(table, transaction)
            }
            return try transaction.pendingEdits().filter { edit in
                set.table(of: edit.record.collection)?.shape.mode == .observe
            }
        }
    }

    /// The values beside the visible ones of a field that awaits a decision; empty where none does.
    public func siblings(
        of field: ExactString, _ collection: ExactString, _ id: ExactString
    ) async throws -> [ShownSibling] {
        try await record(collection, id)?.siblings[field] ?? []
    }

    /// Decides a field that has several values beside one another: the row shows this one, and those that are here are overwritten.
    public func choose(
        _ value: Value, for field: ExactString, of collection: ExactString, _ id: ExactString
    ) async throws {
        try await write { edit in _ = try edit.choose(value, for: field, of: collection, id) }
    }

    /// Takes the client's triggers off the app's tables, for a migration that drops columns: SQLite drops none that a trigger names. The
    /// next client that is made puts them back, and compares rows and records once.
    ///
    /// Rows that the migration deletes come back then, since nobody noted that they were meant to go.
    public static func releaseTables(in db: Database) throws {
        for name in try String.fetchAll(
            db, sql: "SELECT name FROM main.sqlite_master WHERE type = 'trigger' AND name GLOB 'rejoin_*'")
        {
            try db.execute(sql: "DROP TRIGGER main.\(name.quoted)")
        }
    }

    /// Leaves the database as it was: the triggers and tables of the client are removed, and with them what was not sent. The app's rows
    /// stay as they are. The client is of no use afterwards.
    /// - Throws: `SyncFailure.runsElsewhere` while it syncs.
    public func detach() async throws {
        guard !isRunning else { throw SyncFailure.runsElsewhere }
        try await replica.detach()
    }
}

/// A row that was changed and cannot be sent as it is.
public struct UnsendableRow: Sendable, Hashable {
    /// The table's name.
    public let table: String
    /// The id of its record; nil where its key is good for none.
    public let id: ExactString?
    /// Why, for people.
    public let reason: String
}
