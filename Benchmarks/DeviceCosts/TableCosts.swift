import DeviceReplica
import Foundation
import GRDB
import SyncedTables

/// What it costs that an app's own tables are synced, beside the same writes into the same tables that are not.
struct TableCosts {
    let folder: URL
    private let clock = ContinuousClock()

    private static let schema = """
        CREATE TABLE notes (
            id TEXT PRIMARY KEY, title TEXT, customer TEXT, notes TEXT, done BOOLEAN, position INTEGER) WITHOUT ROWID
        """

    init(folder: URL) { self.folder = folder }

    func measure() async throws {
        try await writes(perTransaction: 1, of: 5_000)
        try await writes(perTransaction: 500, of: 50_000)
        try await firstSync(100_000)
        try await idle(1_000_000)
    }

    private func pool(_ name: String) async throws -> DatabasePool {
        let pool = try DatabasePool(path: folder.appendingPathComponent(name + ".sqlite").path)
        try await pool.write { try $0.execute(sql: Self.schema) }
        return pool
    }

    private func client(_ name: String, _ pool: DatabasePool, _ server: CannedServer) throws -> RejoinClient {
        var options = ClientOptions()
        options.device = "device"
        options.installationMark = folder.appendingPathComponent(name + ".installation")
        return try RejoinClient(
            database: pool, tables: [SyncedTable("notes")], connection: server, options: options
        ) { _ in "token" }
    }

    /// The same writes with triggers and without.
    private func writes(perTransaction: Int, of count: Int) async throws {
        let plain = try await pool("plain-\(perTransaction)")
        let noted = try await pool("noted-\(perTransaction)")
        let client = try client("noted-\(perTransaction)", noted, CannedServer(records: 0))
        let cases: [(String, String, @Sendable (Int) -> StatementArguments)] = [
            (
                "inserts", "INSERT INTO notes (id, title, customer, notes, done, position) VALUES (?, ?, ?, ?, 0, ?)",
                {
                    [
                        "record-\($0)", "number \($0)", "customer \($0 % 977)",
                        String(repeating: "lorem ipsum ", count: 10), $0,
                    ]
                }
            ),
            ("updates", "UPDATE notes SET title = ? WHERE id = ?", { ["other \($0)", "record-\($0)"] }),
            ("deletes", "DELETE FROM notes WHERE id = ?", { ["record-\($0)"] }),
        ]
        for (what, sql, arguments) in cases {
            let without = try await run(plain, sql, count, perTransaction, arguments)
            let with = try await run(noted, sql, count, perTransaction, arguments)
            DeviceCosts.row("\(what) into a synced table, \(perTransaction) a commit", with, without, per: count)
            // What was noted becomes edits, as it does beside a running sync.
            try await client.syncNow()
        }
    }

    private func run(
        _ pool: DatabasePool, _ sql: String, _ count: Int, _ perTransaction: Int,
        _ arguments: @escaping @Sendable (Int) -> StatementArguments
    ) async throws -> Duration {
        try await clock.measure {
            for start in stride(from: 0, to: count, by: perTransaction) {
                try await pool.write { db in
                    let statement = try db.cachedStatement(sql: sql)
                    for index in start..<(start + perTransaction) { try statement.execute(arguments: arguments(index)) }
                }
            }
        }
    }

    /// The first sync of a table, beside inserting the rows out of a local file of JSON lines, in transactions of the same size.
    private func firstSync(_ count: Int) async throws {
        let synced = try await pool("first")
        let client = try client("first", synced, CannedServer(records: count))
        let pulled = try await clock.measure { try await client.syncNow() }
        let file = folder.appendingPathComponent("rows.ndjson")
        let lines = (0..<count).map { #"{"id":"record-\#($0)","fields":"# + CannedServer.fields($0) + "}" }
        try lines.joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
        let plain = try await pool("from-file")
        let inserted = try await clock.measure {
            let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
            for start in stride(from: 0, to: count, by: 500) {
                try await plain.write { db in
                    let statement = try db.cachedStatement(
                        sql: """
                            INSERT INTO notes (id, title, customer, notes, done, position) SELECT value ->> '$.id', value ->> '$.fields.title',
                                value ->> '$.fields.customer', value ->> '$.fields.notes', value ->> '$.fields.done',
                                value ->> '$.fields.position' FROM (SELECT ? AS value)
                            """)
                    for line in lines[start..<(start + 500)] { try statement.execute(arguments: [String(line)]) }
                }
            }
        }
        DeviceCosts.row("a first sync of \(count) rows, beside a file", pulled, inserted, per: count)
        let rows = try await synced.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM notes") }
        precondition(rows == count, "\(rows ?? 0) rows arrived")
    }

    /// What a sync costs that finds nothing to do beside many rows, and one beside few.
    private func idle(_ count: Int) async throws {
        func costs(_ count: Int) async throws -> Duration {
            let pool = try await pool("idle-\(count)")
            let client = try client("idle-\(count)", pool, CannedServer(records: count, perPage: 2_000))
            try await client.syncNow()
            return try await clock.measure { for _ in 0..<20 { try await client.syncNow() } }
        }
        DeviceCosts.row(
            "a sync without news, beside \(count) rows and beside 1,000", try await costs(count),
            try await costs(1_000), per: 20)
    }
}
