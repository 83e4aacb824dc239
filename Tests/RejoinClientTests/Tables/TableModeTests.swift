import Causality
import Foundation
import GRDB
import MergeCore
import SyncStorage
import SyncedTables
import Testing
import Values

@testable import DeviceReplica

/// How a table can be kept: one way, to be tried first, in part, and not any more.
@Suite("modes of tables")
struct TableModeTests {
    private static let schema = "CREATE TABLE notes (id TEXT PRIMARY KEY, text TEXT, state TEXT);"

    @Test("a table that is only read refuses what is written to it, where it is written")
    func readOnly() async throws {
        try await withDirectory { directory in
            try await TestServer.run { server in
                let ada = try TableDevice("ada", on: server, in: directory, [SyncedTable("notes")], schema: Self.schema)
                let ben = try TableDevice(
                    "ben", on: server, in: directory, [SyncedTable("notes", mode: .readOnly)], schema: Self.schema)
                try await ada.sql("INSERT INTO notes VALUES ('1', 'a', NULL)")
                for device in [ada, ben] { try await device.sync() }
                expectSame(try await ben.rows("SELECT id, text FROM notes"), [#""1" | "a""#])
                for sql in [
                    "INSERT INTO notes VALUES ('2', 'b', NULL)", "UPDATE notes SET text = 'b'", "DELETE FROM notes",
                ] {
                    let error = await #expect(throws: DatabaseError.self) { try await ben.sql(sql) }
                    #expect(error?.message?.contains("'notes' is read-only here") == true)
                }
                try await ada.sql("UPDATE notes SET text = 'c'")
                for device in [ada, ben] { try await device.sync() }
                expectSame(try await ben.rows("SELECT text FROM notes"), ["\"c\""])
            }
        }
    }

    @Test("what is only observed is told, and neither sent nor changed")
    func observe() async throws {
        try await withDirectory { directory in
            try await TestServer.run { server in
                let rows = "INSERT INTO notes VALUES ('1', 'mine', NULL)"
                let ada = try TableDevice("ada", on: server, in: directory, [SyncedTable("notes")], schema: Self.schema)
                let ben = try TableDevice(
                    "ben", on: server, in: directory, [SyncedTable("notes", mode: .observe)], schema: Self.schema,
                    rows: rows)
                try await ada.sql("INSERT INTO notes VALUES ('1', 'hers', NULL), ('2', 'x', NULL)")
                for device in [ada, ben] { try await device.sync() }
                try await ben.sql("INSERT INTO notes VALUES ('3', 'new', NULL)")
                try await ben.sync()
                expectSame(try await ben.rows("SELECT text FROM notes ORDER BY id"), ["\"mine\"", "\"new\""])
                for _ in 0..<2 {
                    expectSame(
                        try await ben.client.observed().map(\.text),
                        [#"create notes/1 {"text":"mine"}"#, #"create notes/3 {"text":"new"}"#])
                }
                #expect(try await ben.client.pending() == [])
                // From now on it is meant.
                try ben.open([SyncedTable("notes")])
                for device in [ben, ada, ben] { try await device.sync() }
                #expect(try await ada.dump() == ben.dump())
                #expect(try await server.conflicts().count == 1, "nobody had seen the other's row")
            }
        }
    }

    @Test("rows that the condition keeps here stay here, and go once it lets them")
    func pushFilter() async throws {
        try await withDirectory { directory in
            try await TestServer.run { server in
                let table = SyncedTable("notes", push: .where("state IS NOT 'private'"))
                let (ada, ben) = (
                    try TableDevice("ada", on: server, in: directory, [table], schema: Self.schema),
                    try TableDevice("ben", on: server, in: directory, [table], schema: Self.schema)
                )
                try await ada.sql("INSERT INTO notes VALUES ('1', 'secret', 'private'), ('2', 'open', NULL)")
                for device in [ada, ben] { try await device.sync() }
                expectSame(try await ben.rows("SELECT id FROM notes"), ["\"2\""])
                try await ada.sql("UPDATE notes SET state = 'shared' WHERE id = '1'")
                try await ada.sql("UPDATE notes SET state = 'private', text = 'not yet' WHERE id = '2'")
                try await ben.sql("UPDATE notes SET text = 'by ben' WHERE id = '2'")
                for device in [ada, ben, ada] { try await device.sync() }
                expectSame(
                    try await ben.rows("SELECT id, text FROM notes ORDER BY id"),
                    [#""1" | "secret""#, #""2" | "by ben""#])
                // What was changed here and is kept here is not overwritten.
                expectSame(try await ada.rows("SELECT text FROM notes WHERE id = '2'"), ["\"not yet\""])
                #expect(try await ada.client.setAside().count == 1)
                try await ada.sql("UPDATE notes SET state = NULL WHERE id = '2'")
                for device in [ada, ben, ada] { try await device.sync() }
                #expect(try await ada.dump() == ben.dump())
                #expect(try await server.conflicts().count == 1)
                #expect(try await ada.client.setAside() == [])
            }
        }
    }

    @Test("of a table on demand those rows are kept that were asked for or written here")
    func onDemand() async throws {
        try await withDirectory { directory in
            try await TestServer.run { server in
                let ada = try TableDevice("ada", on: server, in: directory, [SyncedTable("notes")], schema: Self.schema)
                let ben = try TableDevice(
                    "ben", on: server, in: directory, [SyncedTable("notes", mode: .onDemand)], schema: Self.schema)
                try await ada.sql("INSERT INTO notes VALUES ('1', 'a', NULL), ('2', 'b', NULL), ('3', 'c', NULL)")
                try await ben.sql("INSERT INTO notes VALUES ('4', 'd', NULL)")
                for device in [ada, ben, ada] { try await device.sync() }
                expectSame(try await ben.rows("SELECT id FROM notes"), ["\"4\""])
                try await ben.client.want("notes", ["2"])
                try await ben.sync()
                expectSame(
                    try await ben.rows("SELECT id, text FROM notes ORDER BY id"), [#""2" | "b""#, #""4" | "d""#])
                try await ada.sql("UPDATE notes SET text = text || '!'")
                for device in [ada, ben] { try await device.sync() }
                expectSame(try await ben.rows("SELECT text FROM notes ORDER BY id"), ["\"b!\"", "\"d!\""])
                try await ben.sql("UPDATE notes SET text = 'last word' WHERE id = '2'")
                try await ben.client.unwant("notes", ["2", "4"])
                expectSame(try await ben.rows("SELECT id FROM notes"), ["\"2\""], "what is not sent yet stays")
                try await ben.sync()
                try await ben.sync()
                expectSame(try await ben.rows("SELECT id FROM notes"), [])
                expectSame(try await ben.captured(), [])
                try await ada.sync()
                expectSame(
                    try await ada.rows("SELECT text FROM notes ORDER BY id"),
                    ["\"a!\"", "\"last word\"", "\"c!\"", "\"d!\""])
                try ben.open()
                try await ben.sync()
                expectSame(try await ben.rows("SELECT id FROM notes"), [])
            }
        }
    }

    @Test("a database that is detached is as it was")
    func detach() async throws {
        try await withTables(["ada"]) { _, devices in
            let ada = devices[0]
            try await ada.sql("INSERT INTO estimates (id, title) VALUES ('e1', 'Roof')")
            try await ada.sync()
            try await ada.client.detach()
            expectSame(
                try await ada.rows("SELECT name FROM sqlite_master WHERE name GLOB '*rejoin*' OR sql GLOB '*rejoin*'"),
                [])
            try await ada.sql("UPDATE estimates SET title = 'x'; DELETE FROM estimates")
            #expect(!FileManager.default.fileExists(atPath: ada.directory.path + "/mark.installation"))
        }
    }

    @Test("a table with one row, columns under other names, columns of the device's own")
    func mapping() async throws {
        let rules = Schema(declaring: [
            "settings": CollectionRules(
                fields: [
                    "logo": FieldRule(type: .string), "since": FieldRule(type: .timestamp),
                    "on": FieldRule(type: .boolean),
                ],
                key: .singleton)
        ])
        try await withDirectory { directory in
            try await TestServer.run(schema: rules) { server in
                let ada = try TableDevice(
                    "ada", on: server, in: directory,
                    [
                        SyncedTable(
                            "app_settings", collection: "settings", key: .singleton,
                            columns: [.column("picture", field: "logo"), "since", "on"])
                    ],
                    schema:
                        "CREATE TABLE app_settings (picture TEXT, since DATETIME, \"on\" BOOLEAN NOT NULL DEFAULT 0, window TEXT)"
                )
                let ben = try TableDevice(
                    "ben", on: server, in: directory,
                    [
                        SyncedTable(
                            "settings", key: .singleton, columns: ["logo", .column("since", times: .unixSeconds), "on"])
                    ],
                    schema: "CREATE TABLE settings (id INTEGER PRIMARY KEY, logo TEXT, since INTEGER, \"on\" INTEGER)")
                try await ada.sql("INSERT INTO app_settings VALUES ('a.png', '2026-11-28 06:30:00.000', 1, 'big')")
                for device in [ada, ben] { try await device.sync() }
                expectSame(
                    try await ben.rows("SELECT logo, since, \"on\" FROM settings"), [#""a.png" | 1795847400 | 1"#])
                try await ben.sql("UPDATE settings SET logo = 'b.png', since = since + 1, \"on\" = 0")
                for device in [ben, ada] { try await device.sync() }
                expectSame(
                    try await ada.rows("SELECT * FROM app_settings"),
                    [#""b.png" | "2026-11-28 06:30:01.000" | 0 | "big""#])
                try await ada.sql("UPDATE app_settings SET window = 'small'")
                expectSame(try await ada.captured(), [])
            }
        }
    }

    @Test("a field that awaits a decision has its values beside one another, and a choice shows in the row")
    func siblings() async throws {
        try await withTables { _, devices in
            let (ada, ben) = (devices[0], devices[1])
            try await ada.sql("INSERT INTO estimates (id, title, status) VALUES ('e1', 'Roof', 'new')")
            for device in [ada, ben] { try await device.sync() }
            try await ada.sql("UPDATE estimates SET status = 'sent'")
            try await ben.sql("UPDATE estimates SET status = 'lost'")
            for device in [ada, ben, ada] { try await device.sync() }
            let shown = try await ben.rows("SELECT status FROM estimates")
            let siblings = try await ben.client.siblings(of: "status", "estimates", "e1")
            #expect(Set(shown + siblings.map { $0.value.canonicalText }) == ["\"sent\"", "\"lost\""])
            #expect(try await ben.client.conflicts().first?.own["status"] == "lost")
            try await ben.client.choose("agreed", for: "status", of: "estimates", "e1")
            expectSame(try await ben.rows("SELECT status FROM estimates"), ["\"agreed\""])
            for device in [ben, ada] { try await device.sync() }
            expectSame(try await ada.rows("SELECT status FROM estimates"), ["\"agreed\""])
            #expect(try await ada.client.siblings(of: "status", "estimates", "e1") == [])
        }
    }

    @Test("app and server of different ages: what one does not know yet survives, and is filled in when it does")
    func ages() async throws {
        let (old, new) = (
            CollectionRules(fields: ["text": FieldRule(type: .string)]),
            CollectionRules(fields: ["text": FieldRule(type: .string), "more": FieldRule(type: .integer)])
        )
        try await withDirectory { directory in
            let store = InMemoryStore()
            let (ada, ben) = try await TestServer.run(on: store, schema: Schema(declaring: ["notes": old])) { server in
                let ada = try TableDevice(
                    "ada", on: server, in: directory, [SyncedTable("notes")],
                    schema: "CREATE TABLE notes (id TEXT PRIMARY KEY, text TEXT, more INTEGER)")
                let ben = try TableDevice(
                    "ben", on: server, in: directory, [SyncedTable("notes")],
                    schema: "CREATE TABLE notes (id TEXT PRIMARY KEY, text TEXT)")
                // The app is newer than the server: what the server does not declare stays here, and hinders nothing.
                try await ada.sql("INSERT INTO notes VALUES ('1', 'a', 5)")
                for device in [ada, ben] { try await device.sync() }
                expectSame(try await ben.rows("SELECT * FROM notes"), [#""1" | "a""#])
                return (ada.path, ben.path)
            }
            #expect(ada != ben)
            try await TestServer.run(on: store, schema: Schema(declaring: ["notes": new])) { server in
                let tables = [SyncedTable("notes")]
                let ada = try TableDevice("ada", on: server, in: directory, tables, schema: "SELECT 1")
                let ben = try TableDevice("ben", on: server, in: directory, tables, schema: "SELECT 1")
                for device in [ada, ada, ben] { try await device.sync() }
                // The older app has no column for it, writes the row, and takes nothing away.
                try await ben.sql("UPDATE notes SET text = 'b'")
                try await ben.sync()
                #expect(try await server.record("notes", "1")?.fields == #"{"more":5,"text":"b"}"#)
                try await ben.sql("ALTER TABLE notes ADD COLUMN more INTEGER DEFAULT 0")
                try ben.open()
                for device in [ben, ada] { try await device.sync() }
                expectSame(try await ben.rows("SELECT * FROM notes"), [#""1" | "b" | 5"#])
                // A column that goes takes nothing with it either; one that is renamed is another field.
                try await ada.pool.write { db in
                    try RejoinClient.releaseTables(in: db)
                    try db.execute(sql: "ALTER TABLE notes DROP COLUMN more")
                }
                try ada.open()
                try await ada.sql("UPDATE notes SET text = 'c'")
                for device in [ada, ben] { try await device.sync() }
                expectSame(try await ben.rows("SELECT * FROM notes"), [#""1" | "c" | 5"#])
                try await ben.sql("ALTER TABLE notes RENAME COLUMN more TO amount")
                try ben.open([SyncedTable("notes", columns: ["text", .column("amount", field: "more")])])
                expectSame(try await ben.captured(), [])
                try await ben.sql("UPDATE notes SET amount = 6")
                expectSame(try await ben.captured(), [#"update notes/1 {"more":6}"#])
            }
        }
    }

    @Test(
        "what cannot be synced is refused at the start, in one sentence",
        arguments: [
            ("CREATE TABLE t (a TEXT)", SyncedTable("t"), "has no primary key"),
            ("CREATE TABLE t (id REAL PRIMARY KEY)", SyncedTable("t"), "is declared 'REAL'"),
            ("CREATE TABLE t (id TEXT PRIMARY KEY)", SyncedTable("u"), "There is no table 'u'"),
            ("CREATE VIEW t AS SELECT 1 AS id", SyncedTable("t"), "is a view"),
            ("CREATE VIRTUAL TABLE t USING fts5(body)", SyncedTable("t"), "is a virtual"),
            ("CREATE TABLE t (id TEXT PRIMARY KEY, a TEXT)", SyncedTable("t", columns: ["b"]), "has no column 'b'"),
            ("CREATE TABLE t (id TEXT PRIMARY KEY, a TEXT)", SyncedTable("t", columns: ["id"]), "is its key"),
            (
                "CREATE TABLE t (id TEXT PRIMARY KEY, a, b GENERATED ALWAYS AS (a))", SyncedTable("t", columns: ["b"]),
                "is generated"
            ),
            (
                "CREATE TABLE t (id TEXT PRIMARY KEY, a TEXT)", SyncedTable("t", push: .where("c = 1")),
                "is no SQL expression"
            ),
            (
                "CREATE TABLE t (id TEXT PRIMARY KEY, a TEXT, b TEXT)",
                SyncedTable("t", columns: ["a", .column("b", field: "a")]), "are the field 'a'"
            ),
        ])
    func refusals(schema: String, table: SyncedTable, reason: String) async throws {
        try await withDirectory { directory in
            try await TestServer.run { server in
                let refusal = #expect(throws: TableRefusal.self) {
                    _ = try TableDevice("ada", on: server, in: directory, [table], schema: schema)
                }
                #expect(refusal?.description.contains(reason) == true, "\(refusal?.description ?? "")")
                let pool = try DatabasePool(path: directory.path + "/ada/app.sqlite")
                let left = try await pool.read {
                    try String.fetchAll($0, sql: "SELECT name FROM sqlite_master WHERE name GLOB 'rejoin*'")
                }
                #expect(left == [], "a refusal leaves nothing behind")
            }
        }
    }
}
