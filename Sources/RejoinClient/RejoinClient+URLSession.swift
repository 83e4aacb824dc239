import Causality
@_exported import DeviceReplica
import Foundation
import GRDB
@_exported import SyncedTables

extension RejoinClient {
    /// Opens the device's side.
    /// - Parameters:
    ///   - database: the app's own `DatabasePool` or `DatabaseQueue`, or one for the client alone.
    ///   - server: the server's address, without a path.
    ///   - options: what is kept here, and how.
    ///   - token: gives a token of the user for a device id. It is asked before the first request, and again when the server does not
    ///     take the token any more. When it throws, the sync pauses until `wake()`; nothing is lost.
    /// - Throws: `ReplicaError` and GRDB's errors, where the tables cannot be opened.
    public convenience init(
        database: any DatabaseWriter, server: URL, options: ClientOptions = ClientOptions(),
        token: @escaping @Sendable (_ device: DeviceID) async throws -> String
    ) throws {
        try self.init(
            database: database, connection: URLSessionConnection(server: server), options: options, token: token)
    }

    /// Opens a database file of the client's own, in WAL mode.
    public static func open(
        path: String, server: URL, options: ClientOptions = ClientOptions(),
        token: @escaping @Sendable (_ device: DeviceID) async throws -> String
    ) throws -> RejoinClient {
        try RejoinClient(database: DatabasePool(path: path), server: server, options: options, token: token)
    }

    /// Opens the device's side on the app's own tables.
    /// - Parameters:
    ///   - database: the app's own `DatabasePool` or `DatabaseQueue`, after its migrations.
    ///   - tables: what is synced.
    ///   - server: the server's address, without a path.
    ///   - options: what is kept here, and how.
    ///   - afterSync: called after each transaction that has changed rows, with their ids, on the queue of the database: what has to
    ///     wait for the database goes into a task of its own.
    ///   - token: gives a token of the user for a device id.
    /// - Throws: `TableRefusal` where a table cannot be synced as declared; `ReplicaError` and GRDB's errors.
    public convenience init(
        database: any DatabaseWriter, tables: [SyncedTable], server: URL, options: ClientOptions = ClientOptions(),
        afterSync: @escaping @Sendable (SyncedChanges) -> Void = { _ in },
        token: @escaping @Sendable (_ device: DeviceID) async throws -> String
    ) throws {
        try self.init(
            database: database, tables: tables, connection: URLSessionConnection(server: server), options: options,
            afterSync: afterSync, token: token)
    }
}
