import Causality
import EngineHarness
import Foundation
import GRDB
import MergeCore
import Synchronization
import Testing
import Values

@testable import DeviceReplica
@testable import SyncedTables

/// A device of a test whose app keeps tables of its own.
final class TableDevice: Sendable {
    let name: DeviceID
    let directory: URL
    let connection: any ServerConnection
    let clock: TestDeviceClock?
    let token: @Sendable (DeviceID) async throws -> String
    private let tables: [SyncedTable]
    private let opened = Mutex<(pool: DatabasePool, client: RejoinClient)?>(nil)
    let changes = Mutex<[SyncedChanges]>([])

    /// A device of a server in this process, whose time it shares.
    /// - Parameters:
    ///   - schema: the app's migration. It is run once.
    ///   - rows: what is there before the client is made.
    convenience init(
        _ name: String, on server: TestServer, in directory: URL, _ tables: [SyncedTable], schema: String,
        rows: String = "", connection: (any ServerConnection)? = nil, clock: TestDeviceClock? = nil
    ) throws {
        try self.init(
            name, in: directory, tables, schema: schema + ";" + rows,
            connection: connection ?? RouterConnection(server: server), clock: clock ?? TestDeviceClock(server.time)
        ) { device in try await server.token(device: device) }
    }

    /// - Parameter clock: nil for the machine's own.
    init(
        _ name: String, in directory: URL, _ tables: [SyncedTable], schema: String, connection: any ServerConnection,
        clock: TestDeviceClock? = nil, token: @escaping @Sendable (DeviceID) async throws -> String
    ) throws {
        self.name = DeviceID(name)
        self.tables = tables
        self.connection = connection
        self.clock = clock
        self.token = token
        self.directory = directory.appendingPathComponent(name, isDirectory: true)
        try FileManager.default.createDirectory(at: self.directory, withIntermediateDirectories: true)
        let pool = try DatabasePool(path: path)
        try pool.write { try $0.execute(sql: schema) }
        try pool.close()
        try open()
    }

    var path: String { directory.appendingPathComponent("app.sqlite").path }
    var client: RejoinClient {
        guard let client = opened.withLock({ $0?.client }) else { preconditionFailure("the device is not open") }
        return client
    }
    var pool: DatabasePool {
        guard let pool = opened.withLock({ $0?.pool }) else { preconditionFailure("the device is not open") }
        return pool
    }

    /// Opens the database, as an app does that was started again.
    func open(_ others: [SyncedTable]? = nil) throws {
        var options = ClientOptions()
        options.device = name
        options.installationMark = directory.appendingPathComponent("mark.installation")
        if let clock { options.clock = clock.clock }
        opened.withLock { $0 = nil }
        // Other processes write the same file in some tests.
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        let pool = try DatabasePool(path: path, configuration: configuration)
        let client = try RejoinClient(
            database: pool, tables: others ?? tables, connection: connection, options: options,
            afterSync: { [weak self] changes in self?.changes.withLock { $0.append(changes) } }, token: token)
        opened.withLock { $0 = (pool, client) }
    }

    func sync() async throws { try await client.syncNow() }

    func sql(_ text: String) async throws { try await pool.write { try $0.execute(sql: text) } }

    /// The rows of a query, each as texts that say type and value.
    func rows(_ query: String) async throws -> [String] {
        try await pool.read { db in
            try Row.fetchAll(db, sql: query).map { row in
                row.databaseValues.map(\.description).joined(separator: " | ")
            }
        }
    }

    /// Everything in the app's tables. A set has no order, and none at all is one without elements.
    func dump() async throws -> String {
        try await pool.read { db in
            let names = try String.fetchAll(
                db,
                sql: """
                    SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'rejoin_*' AND name NOT GLOB 'sqlite_*'
                    ORDER BY name
                    """)
            return try names.map { name in
                let rows = try Row.fetchAll(db, sql: "SELECT * FROM \"\(name)\"").map { row in
                    row.map { column, stored in
                        guard column == "tags" else { return "\(column):\(stored)" }
                        return "tags:\([String](json: String.fromDatabaseValue(stored) ?? "[]").sorted())"
                    }.joined(separator: " ")
                }.sorted()
                return ([name] + rows).joined(separator: "\n")
            }.joined(separator: "\n")
        }
    }

    /// Makes edits of what was noted, without the network.
    func capture() async throws -> [PendingEdit] {
        try await client.replica.noteRows()
        return try await client.pending()
    }
}

extension TableDevice {
    /// The edits that are made of what was noted, and what cannot be one, as texts.
    func captured() async throws -> [String] {
        let edits = try await capture().map(\.text)
        return edits + (try await client.unsendable().map { "\($0.table) \($0.id?.text ?? "?"): \($0.reason)" })
    }
}

/// Expects two lists to be the same, and shows both where they are not.
func expectSame(
    _ found: [String], _ expected: [String], _ comment: String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(found == expected, "\(comment)", sourceLocation: sourceLocation)
}

extension PendingEdit {
    /// What it does, as one text.
    var text: String { "\(kind.rawValue) \(record.collection)/\(record.id) \(Value.object(fields).canonicalText)" }
}

/// The app of most tests: the tables for the collections of `Schema.field`.
enum FieldApp {
    static let schema = """
        CREATE TABLE estimates (
            id TEXT PRIMARY KEY, title TEXT NOT NULL DEFAULT '', notes TEXT, best INTEGER, visits INTEGER, tags TEXT,
            status TEXT, number TEXT, lat REAL, lng REAL);
        CREATE TABLE sheets (id TEXT PRIMARY KEY NOT NULL, a TEXT, b TEXT) WITHOUT ROWID;
        CREATE TABLE drafts (id INTEGER PRIMARY KEY, text TEXT, estimate TEXT REFERENCES estimates (id) ON DELETE CASCADE);
        CREATE TABLE notes (place TEXT, number INTEGER, text TEXT, PRIMARY KEY (place, number));
        """
    static let tables = ["estimates", "sheets", "drafts", "notes"].map { SyncedTable($0) }
}

/// Runs the body with devices of the app.
func withTables(
    _ names: [String] = ["ada", "ben"], schema: String = FieldApp.schema, _ tables: [SyncedTable] = FieldApp.tables,
    rows: [String: String] = [:],
    _ body: @escaping @Sendable (TestServer, [TableDevice]) async throws -> Void
) async throws {
    try await withDirectory { directory in
        try await TestServer.run { server in
            let devices = try names.map { name in
                try TableDevice(name, on: server, in: directory, tables, schema: schema, rows: rows[name] ?? "")
            }
            try await body(server, devices)
        }
    }
}
