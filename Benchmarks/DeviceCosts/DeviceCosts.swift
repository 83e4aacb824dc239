import DeviceReplica
import Foundation
import GRDB
import SyncWire
import Values

/// What the device's side costs, beside what it stands on: plain SQLite through GRDB, on the same disk in the same run.
@main
enum DeviceCosts {
    static func main() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rejoin-device-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        print("what                                                  client      plain      ratio")
        try await edits(folder)
        try await firstPull(folder)
        try await pending(folder)
        try await TableCosts(folder: folder).measure()
    }

    private static func client(_ name: String, _ folder: URL, _ server: CannedServer) throws -> RejoinClient {
        var options = ClientOptions()
        options.device = "device"
        options.installationMark = folder.appendingPathComponent(name + ".installation")
        return try RejoinClient(
            database: DatabasePool(path: folder.appendingPathComponent(name + ".sqlite").path), connection: server,
            options: options
        ) { _ in "token" }
    }

    static func row(_ what: String, _ client: Duration, _ plain: Duration, per count: Int) {
        func micros(_ duration: Duration) -> Double { duration / .microseconds(1) / Double(count) }
        let text = [micros(client), micros(plain)].map { String(format: "%8.1f µs", $0) }.joined(separator: " ")
        print(what.padding(toLength: 50, withPad: " ", startingAt: 0), text, String(format: "%8.2f", client / plain))
    }

    /// One edit in a transaction of its own, beside one row that an app would write instead.
    private static func edits(_ folder: URL) async throws {
        let count = 5_000
        let client = try client("edits", folder, CannedServer(records: 0))
        try await client.syncNow()
        let clock = ContinuousClock()
        let made = try await clock.measure {
            for index in 0..<count {
                try await client.write { edit in
                    try edit.create(
                        "notes", CannedServer.key(index).id,
                        ["title": .string("number \(index)"), "position": .integer(Int64(index))])
                }
            }
        }
        let changed = try await clock.measure {
            for index in 0..<count {
                try await client.write { edit in
                    try edit.update("notes", CannedServer.key(index).id, ["title": .string("other \(index)")])
                }
            }
        }
        let plain = try DatabasePool(path: folder.appendingPathComponent("plain.sqlite").path)
        try await plain.write {
            try $0.execute(sql: "CREATE TABLE notes (id TEXT PRIMARY KEY, title TEXT, position INTEGER)")
        }
        let inserted = try await clock.measure {
            for index in 0..<count {
                try await plain.write { db in
                    try db.cachedStatement(sql: "INSERT INTO notes VALUES (?, ?, ?)").execute(
                        arguments: ["record-\(index)", "number \(index)", index])
                }
            }
        }
        let updated = try await clock.measure {
            for index in 0..<count {
                try await plain.write { db in
                    try db.cachedStatement(sql: "UPDATE notes SET title = ? WHERE id = ?").execute(
                        arguments: ["other \(index)", "record-\(index)"])
                }
            }
        }
        row("an edit that makes a record, of \(count)", made, inserted, per: count)
        row("an edit that joins one not sent yet, of \(count)", changed, updated, per: count)
        let sent = try await clock.measure { try await client.syncNow() }
        row("sending and settling \(count) edits, beside the inserts", sent, inserted, per: count)
    }

    /// A first pull, beside a copy of the same rows out of another file, and beside inserting them one by one.
    private static func firstPull(_ folder: URL) async throws {
        let count = 100_000
        let client = try client("pull", folder, CannedServer(records: count))
        let clock = ContinuousClock()
        let pulled = try await clock.measure { try await client.syncNow() }
        let source = folder.appendingPathComponent("pull.sqlite").path
        let copy = try DatabasePool(path: folder.appendingPathComponent("copy.sqlite").path)
        try await copy.writeWithoutTransaction { db in
            try db.execute(sql: "ATTACH ? AS source", arguments: [source])
            try db.execute(
                sql:
                    "CREATE TABLE records (collection TEXT, id TEXT, clock TEXT, fields TEXT, PRIMARY KEY (collection, id)) WITHOUT ROWID"
            )
        }
        let copied = try await clock.measure {
            try await copy.write { db in
                try db.execute(
                    sql: "INSERT INTO records SELECT collection, id, clock, fields FROM source.rejoin_records")
            }
        }
        let single = try DatabasePool(path: folder.appendingPathComponent("single.sqlite").path)
        try await single.write { db in
            try db.execute(
                sql:
                    "CREATE TABLE records (collection TEXT, id TEXT, clock TEXT, fields TEXT, PRIMARY KEY (collection, id)) WITHOUT ROWID"
            )
        }
        let inserted = try await clock.measure {
            for start in stride(from: 0, to: count, by: 500) {
                try await single.write { db in
                    let statement = try db.cachedStatement(sql: "INSERT INTO records VALUES (?, ?, ?, ?)")
                    for index in start..<(start + 500) {
                        try statement.execute(
                            arguments: ["notes", "record-\(index)", #"{"office":1}"#, CannedServer.fields(index)])
                    }
                }
            }
        }
        row("a first pull of \(count), beside inserts in pages", pulled, inserted, per: count)
        row("a first pull of \(count), beside INSERT … SELECT", pulled, copied, per: count)
    }

    /// Many edits that wait, and the memory that they take.
    private static func pending(_ folder: URL) async throws {
        let count = 50_000
        let before = residentMiB()
        let client = try client("pending", folder, CannedServer(records: 0))
        try await client.syncNow()
        for start in stride(from: 0, to: count, by: 500) {
            try await client.write { edit in
                for index in start..<(start + 500) {
                    try edit.create("notes", CannedServer.key(index).id, ["title": .string("number \(index)")])
                }
            }
        }
        let waiting = residentMiB()
        try await client.syncNow()
        let left = try await client.metrics().pending
        print(
            "\(count) pending edits: \(waiting - before) MiB more while they wait, \(residentMiB() - before) MiB more after they were sent; \(left) left"
        )
    }

    /// The memory that the process has now, in MiB.
    private static func residentMiB() -> Int {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
            let kilobytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { return 0 }
        return kilobytes / 1_024
    }
}
