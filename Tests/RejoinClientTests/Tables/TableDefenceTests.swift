import Causality
import Foundation
import GRDB
import MergeCore
import SyncStorage
import SyncedTables
import Testing
import Values

@testable import DeviceReplica

/// Schemas and moments in which a sync could do harm that nobody asked for.
@Suite("tables in harm's way")
struct TableDefenceTests {
    private static func with(
        _ schema: String, _ tables: [SyncedTable], rules: Schema = .open,
        _ body: @escaping @Sendable (TestServer, TableDevice, TableDevice) async throws -> Void
    ) async throws {
        try await withDirectory { directory in
            try await TestServer.run(schema: rules) { server in
                let devices = try ["ada", "ben"].map {
                    try TableDevice($0, on: server, in: directory, tables, schema: schema)
                }
                for device in devices { try await device.sync() }
                try await body(server, devices[0], devices[1])
            }
        }
    }

    @Test("a table that was made anew and is not filled yet is no mass of deletes, whatever day it is")
    func refillBeforeMissing() async throws {
        try await Self.with("CREATE TABLE t (id TEXT PRIMARY KEY, a TEXT)", [SyncedTable("t")]) { _, ada, _ in
            try await ada.sql("INSERT INTO t VALUES ('1', 'x'), ('2', 'y')")
            try await ada.sync()
            try await ada.sql("UPDATE rejoin_tables SET compared_at = 0")
            try ada.open()
            try await ada.sql("DROP TABLE t; CREATE TABLE t (id TEXT PRIMARY KEY, a TEXT)")
            try ada.open()
            try await ada.sql("UPDATE rejoin_tables SET compared_at = 0")
            try ada.open()
            expectSame(try await ada.captured(), [])
            expectSame(try await ada.rows("SELECT id FROM t"), ["\"1\"", "\"2\""])
        }
    }

    @Test("a parent whose children are checked at the end of the transaction stays while they are here")
    func deferredChildren() async throws {
        let schema = """
            CREATE TABLE p (id TEXT PRIMARY KEY, a TEXT);
            CREATE TABLE c (id TEXT PRIMARY KEY, p TEXT REFERENCES p (id) DEFERRABLE INITIALLY DEFERRED);
            CREATE TABLE mine (p TEXT REFERENCES p (id) DEFERRABLE INITIALLY DEFERRED)
            """
        try await Self.with(schema, [SyncedTable("c"), SyncedTable("p")]) { _, ada, ben in
            try await ada.sql("INSERT INTO p VALUES ('1', 'x'), ('2', 'x'), ('3', 'x')")
            for device in [ada, ben] { try await device.sync() }
            try await ben.sql("INSERT INTO c VALUES ('c', '1'); INSERT INTO mine VALUES ('2')")
            try await ada.sql("DELETE FROM p")
            for device in [ada, ben, ada] { try await device.sync() }
            expectSame(try await ben.rows("SELECT id FROM p ORDER BY id"), ["\"1\"", "\"2\""])
            #expect(try await ben.client.setAside().map(\.record.id).sorted() == ["1", "2"])
            try await ben.sql("DELETE FROM c; DELETE FROM mine")
            for device in [ben, ada, ben] { try await device.sync() }
            expectSame(try await ben.rows("SELECT id FROM p"), [])
        }
    }

    @Test("a constraint that is checked last hits the row that breaks it, and not the page")
    func lastCheck() async throws {
        let schema = """
            CREATE TABLE p (id TEXT PRIMARY KEY, code TEXT UNIQUE, note TEXT);
            CREATE TABLE mine (code TEXT REFERENCES p (code) DEFERRABLE INITIALLY DEFERRED)
            """
        try await Self.with(schema, [SyncedTable("p")]) { _, ada, ben in
            try await ada.sql("INSERT INTO p VALUES ('1', 'one', NULL), ('2', 'two', NULL)")
            for device in [ada, ben] { try await device.sync() }
            try await ben.sql("INSERT INTO mine VALUES ('one')")
            try await ada.sql("UPDATE p SET code = code || '!'; INSERT INTO p VALUES ('3', 'three', NULL)")
            for device in [ada, ben] { try await device.sync() }
            expectSame(try await ben.rows("SELECT code FROM p ORDER BY id"), ["\"one\"", "\"two!\"", "\"three\""])
            #expect(try await ben.client.setAside().map(\.record.id) == ["1"])
            // The answer to an edit brings such a record as well.
            try await ben.sql("UPDATE p SET note = 'n' WHERE id = '1'")
            try await ben.sync()
            #expect(try await ben.client.pending() == [])
            try await ben.sql("DELETE FROM mine")
            for device in [ben, ada] { try await device.sync() }
            #expect(try await ben.client.setAside() == [])
            #expect(try await ada.dump() == ben.dump())
        }
    }

    @Test("a column that the server does not declare has its default, and is sent once it is declared")
    func undeclared() async throws {
        let schema = "CREATE TABLE t (id TEXT PRIMARY KEY, a TEXT, flag INTEGER NOT NULL DEFAULT 7)"
        let (old, new) = (
            CollectionRules(fields: ["a": FieldRule(type: .string)]),
            CollectionRules(fields: ["a": FieldRule(type: .string), "flag": FieldRule(type: .integer)])
        )
        let store = InMemoryStore()
        try await withDirectory { directory in
            try await TestServer.run(on: store, schema: Schema(declaring: ["t": old])) { server in
                let ada = try TableDevice("ada", on: server, in: directory, [SyncedTable("t")], schema: schema)
                let ben = try TableDevice("ben", on: server, in: directory, [SyncedTable("t")], schema: schema)
                for device in [ada, ben] { try await device.sync() }
                try await ada.sql("INSERT INTO t VALUES ('1', 'x', 1)")
                for device in [ada, ben] { try await device.sync() }
                expectSame(try await ben.rows("SELECT * FROM t"), [#""1" | "x" | 7"#])
            }
            try await TestServer.run(on: store, schema: Schema(declaring: ["t": new])) { server in
                let ada = try TableDevice("ada", on: server, in: directory, [SyncedTable("t")], schema: "SELECT 1")
                let ben = try TableDevice("ben", on: server, in: directory, [SyncedTable("t")], schema: "SELECT 1")
                for device in [ada, ada, ben, ben] { try await device.sync() }
                expectSame(try await ben.rows("SELECT * FROM t"), [#""1" | "x" | 1"#])
            }
        }
    }

    @Test("keys that differ in case are two records, and never one row that is overwritten or deleted")
    func collations() async throws {
        let schema = "CREATE TABLE t (id TEXT PRIMARY KEY COLLATE NOCASE, a TEXT)"
        try await Self.with(schema, [SyncedTable("t")]) { _, ada, ben in
            try await ada.sql("INSERT INTO t VALUES ('a', 'x')")
            for device in [ada, ben] { try await device.sync() }
            try await ada.sql("UPDATE t SET id = 'A'")
            for device in [ada, ben, ada] { try await device.sync() }
            expectSame(try await ben.rows("SELECT * FROM t"), [#""A" | "x""#])
            for device in [ada, ben] {
                expectSame(try await device.captured(), [])
                #expect(try await device.client.setAside() == [])
            }
        }
    }

    @Test("a row that is kept here by its condition is not overwritten by a record of the same id")
    func privateRows() async throws {
        let schema = "CREATE TABLE t (id TEXT PRIMARY KEY, a TEXT, meta TEXT)"
        let table = SyncedTable("t", push: .where("json_extract(meta, '$.private') IS NOT 1"))
        try await Self.with(schema, [table]) { _, ada, ben in
            try await ada.sql(#"INSERT INTO t VALUES ('1', 'hers', NULL), ('2', 'x', NULL)"#)
            try await ben.sql(#"INSERT INTO t VALUES ('1', 'mine', '{"private":1}'), ('3', 'broken', '{')"#)
            for device in [ben, ada, ben] { try await device.sync() }
            expectSame(try await ben.rows("SELECT a FROM t ORDER BY id"), ["\"mine\"", "\"x\"", "\"broken\""])
            #expect(try await ben.client.setAside().map(\.record.id) == ["1"])
            #expect(try await ben.client.unsendable().map(\.id) == ["3"])
        }
    }

    @Test("conflict clauses and triggers of the app's schema take no rows away")
    func conflictClauses() async throws {
        let schema = """
            CREATE TABLE t (id TEXT PRIMARY KEY, a TEXT UNIQUE ON CONFLICT REPLACE);
            CREATE TABLE "select ""x"" from" ("group by" TEXT PRIMARY KEY, "a""b" TEXT DEFAULT word);
            CREATE TABLE parent (id TEXT PRIMARY KEY, up TEXT REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)
            """
        let tables = [SyncedTable("t"), SyncedTable("select \"x\" from"), SyncedTable("parent")]
        try await Self.with(schema, tables) { _, ada, ben in
            try await ada.sql("INSERT INTO t VALUES ('1', 'same')")
            try await ben.sql("INSERT INTO t VALUES ('2', 'same')")
            try await ada.sql(
                #"INSERT INTO "select ""x"" from" VALUES ('k', 'v'); INSERT INTO parent VALUES ('1', NULL), ('2', '1')"#
            )
            for device in [ada, ben, ada] { try await device.sync() }
            expectSame(try await ben.rows("SELECT id FROM t"), ["\"2\""])
            #expect(try await ben.client.setAside().map(\.record.id) == ["1"])
            expectSame(try await ben.rows(#"SELECT * FROM "select ""x"" from""#), [#""k" | "v""#])
            expectSame(try await ben.rows("SELECT id FROM parent ORDER BY id"), ["\"1\"", "\"2\""])
            try await ben.client.detach()
            expectSame(try await ben.rows("SELECT name FROM sqlite_master WHERE name GLOB 'rejoin*'"), [])
        }
    }

    @Test("rows that are yet to go into sync are not forgotten by whoever opens the file without their table")
    func adoptionOfOthers() async throws {
        try await withDirectory { directory in
            try await TestServer.run(schema: .open) { server in
                let ada = try TableDevice(
                    "ada", on: server, in: directory, [SyncedTable("a"), SyncedTable("b")],
                    schema: """
                        CREATE TABLE a (id TEXT PRIMARY KEY, x TEXT); CREATE TABLE b (id TEXT PRIMARY KEY, x TEXT);
                        INSERT INTO a VALUES ('1', 'x'); INSERT INTO b VALUES ('1', 'x')
                        """)
                try ada.open([SyncedTable("b")])
                try await ada.sync()
                #expect(try await server.record("a", "1") == nil)
                try ada.open()
                try await ada.sync()
                #expect(try await server.record("a", "1") != nil)
                #expect(try await server.record("b", "1") != nil)
            }
        }
    }

    @Test("a table that was renamed is the same collection, and nothing is sent anew")
    func renamed() async throws {
        try await Self.with("CREATE TABLE t (id TEXT PRIMARY KEY, a TEXT)", [SyncedTable("t")]) { _, ada, ben in
            try await ada.sql("INSERT INTO t VALUES ('1', 'x')")
            try await ada.sync()
            try await ada.sql("ALTER TABLE t RENAME TO others; UPDATE others SET a = 'y'")
            try ada.open([SyncedTable("others", collection: "t")])
            expectSame(try await ada.captured(), [#"update t/1 {"a":"y"}"#])
            for device in [ada, ben] { try await device.sync() }
            expectSame(try await ben.rows("SELECT * FROM t"), [#""1" | "y""#])
            // Under its own name it is another collection from now on.
            try await ben.sql("ALTER TABLE t RENAME TO mine")
            try ben.open([SyncedTable("mine")])
            expectSame(try await ben.captured(), [#"create mine/1 {"a":"y"}"#])
        }
    }

    @Test("keys with no text in them and rows without a key end in a word, and in no spin", .timeLimit(.minutes(1)))
    func keysThatAreNone() async throws {
        let schema = """
            CREATE TABLE t (id TEXT PRIMARY KEY, a TEXT); CREATE TABLE pairs (a TEXT, b TEXT, PRIMARY KEY (a, b));
            INSERT INTO t VALUES (NULL, 'x'); INSERT INTO pairs VALUES ('x', NULL)
            """
        try await Self.with(schema, [SyncedTable("t"), SyncedTable("pairs")]) { _, ada, _ in
            try await ada.sql(
                "INSERT INTO t VALUES (CAST(x'ff41' AS TEXT), 'bytes'), ('a' || char(0) || 'b', 'zero'), ('good', 'y')")
            try await ada.sync()
            #expect(try await ada.client.unsendable().count >= 4)
            #expect(try await ada.client.record("t", "good") != nil)
        }
    }

    @Test(
        "whoever opens the file with fewer tables takes nothing from the others; a table that was only read is compared"
    )
    func otherLists() async throws {
        let schema = "CREATE TABLE a (id TEXT PRIMARY KEY, x TEXT); CREATE TABLE b (id TEXT PRIMARY KEY, x TEXT)"
        try await Self.with(schema, [SyncedTable("a"), SyncedTable("b", mode: .readOnly)]) { _, ada, _ in
            try ada.open([SyncedTable("b", mode: .readOnly)])
            try await ada.sql("INSERT INTO a VALUES ('1', 'seen all the same')")
            try ada.open()
            expectSame(try await ada.captured(), [#"create a/1 {"x":"seen all the same"}"#])
            try await ada.sql(
                "UPDATE rejoin_applying SET applying = 1; INSERT INTO b VALUES ('1', 'before'); UPDATE rejoin_applying SET applying = 0"
            )
            try ada.open([SyncedTable("a"), SyncedTable("b")])
            expectSame(
                try await ada.captured().sorted(),
                [#"create a/1 {"x":"seen all the same"}"#, #"create b/1 {"x":"before"}"#])
        }
    }
}
