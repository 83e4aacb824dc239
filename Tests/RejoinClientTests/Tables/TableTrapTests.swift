import Causality
import Foundation
import GRDB
import MergeCore
import SyncedTables
import Testing
import Values

@testable import DeviceReplica

/// What SQL can do to a table that other sync products miss.
@Suite("traps of tables")
struct TableTrapTests {
    private static let schema = """
        CREATE TABLE items (id TEXT PRIMARY KEY, code TEXT UNIQUE COLLATE NOCASE, price NUMERIC);
        CREATE TABLE pairs (a TEXT, b INTEGER, text TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
        CREATE TABLE folders (id INTEGER PRIMARY KEY, name TEXT, parent INTEGER REFERENCES folders (id) ON DELETE CASCADE);
        CREATE TABLE files (
            id BLOB PRIMARY KEY, folder INTEGER REFERENCES folders (id) ON DELETE CASCADE, body BLOB,
            size INTEGER GENERATED ALWAYS AS (length(body)) STORED);
        CREATE TABLE left_sides (id TEXT PRIMARY KEY, other TEXT REFERENCES right_sides (id) DEFERRABLE INITIALLY DEFERRED);
        CREATE TABLE right_sides (id TEXT PRIMARY KEY, other TEXT REFERENCES left_sides (id) DEFERRABLE INITIALLY DEFERRED);
        CREATE TABLE mine (id INTEGER PRIMARY KEY, item TEXT REFERENCES items (id) ON DELETE CASCADE);
        """
    private static let tables = ["files", "items", "pairs", "folders", "left_sides", "right_sides"].map {
        SyncedTable($0)
    }

    private static func with(_ body: @escaping @Sendable (TestServer, [TableDevice]) async throws -> Void) async throws
    {
        try await withDirectory { directory in
            try await TestServer.run(schema: .open) { server in
                let devices = try ["ada", "ben"].map {
                    try TableDevice($0, on: server, in: directory, Self.tables, schema: Self.schema)
                }
                for device in devices { try await device.sync() }
                try await body(server, devices)
            }
        }
    }

    private static func syncBoth(_ devices: [TableDevice]) async throws {
        for device in devices + devices { try await device.sync() }
        #expect(try await devices[0].dump() == devices[1].dump())
    }

    @Test("a row that REPLACE removed, of which no trigger hears, is a delete; UPSERT is an edit")
    func replace() async throws {
        try await Self.with { _, devices in
            let ada = devices[0]
            try await ada.sql("INSERT INTO items VALUES ('1', 'a', 1), ('2', 'b', 2), ('3', 'c', 3)")
            try await Self.syncBoth(devices)
            try await ada.sql("INSERT OR REPLACE INTO items VALUES ('4', 'A', 4)")
            try await ada.sql("UPDATE OR REPLACE items SET code = 'c' WHERE id = '2'")
            try await ada.sql("INSERT INTO items VALUES ('4', 'd', 9) ON CONFLICT (id) DO UPDATE SET price = 5.25")
            try await ada.sql("INSERT OR IGNORE INTO items VALUES ('9', 'a', 1)")
            try await ada.sql("REPLACE INTO pairs VALUES ('x', 1, 'once')")
            try await ada.sql("REPLACE INTO pairs VALUES ('x', 1, 'twice')")
            expectSame(
                try await ada.captured().sorted(),
                [
                    #"create items/4 {"code":"A","price":5.25}"#, #"create pairs/["x",1] {"text":"twice"}"#,
                    "delete items/1 {}",
                    "delete items/3 {}", #"update items/2 {"code":"c"}"#,
                ])
            try await Self.syncBoth(devices)
            // Only the letters change, which the column's collation takes for the same.
            try await ada.sql("UPDATE items SET code = 'C' WHERE id = '2'")
            expectSame(try await ada.captured(), [#"update items/2 {"code":"C"}"#])
            try await Self.syncBoth(devices)
        }
    }

    @Test("what no trigger saw is found when rows and records are compared")
    func comparing() async throws {
        try await Self.with { _, devices in
            let (ada, ben) = (devices[0], devices[1])
            try await ada.sql("INSERT INTO items VALUES ('1', 'a', 1), ('2', 'b', 2), ('3', 'c', 3)")
            try await Self.syncBoth(devices)
            // A day has passed, and somebody wrote around the triggers.
            try await ada.sql(
                """
                UPDATE rejoin_tables SET compared_at = 0; UPDATE rejoin_applying SET applying = 1;
                DELETE FROM items WHERE id = '1'; UPDATE rejoin_applying SET applying = 0
                """)
            try ada.open()
            expectSame(try await ada.captured(), ["delete items/1 {}"])
            // A migration that makes the table anew takes the triggers with it.
            try await ada.sql(
                """
                CREATE TABLE anew (id TEXT PRIMARY KEY, code TEXT UNIQUE, price NUMERIC, more TEXT DEFAULT 'm');
                INSERT INTO anew (id, code, price) SELECT id, code, price FROM items WHERE id <> '3';
                UPDATE anew SET price = 20 WHERE id = '2'; INSERT INTO anew VALUES ('5', 'e', 5, 'm');
                DROP TABLE items; ALTER TABLE anew RENAME TO items
                """)
            try ada.open()
            expectSame(
                try await ada.captured(),
                [
                    "delete items/1 {}", #"update items/2 {"price":20}"#,
                    #"create items/5 {"code":"e","more":"m","price":5}"#,
                ])
            // What is missing afterwards was nobody's wish to delete.
            expectSame(
                try await ada.rows("SELECT id, more FROM items ORDER BY id"),
                [#""2" | "m""#, #""3" | "m""#, #""5" | "m""#])
            for device in devices + devices { try await device.sync() }
            let query = "SELECT id, code, price FROM items ORDER BY id"
            expectSame(try await ben.rows(query), try await ada.rows(query))
        }
    }

    @Test("keys that change, that are composite, that are integers or bytes, and deletes that are none")
    func keys() async throws {
        try await Self.with { _, devices in
            let (ada, ben) = (devices[0], devices[1])
            try await ada.sql("INSERT INTO pairs VALUES ('x', 1, 'one'), ('ü\"', -5, 'two')")
            try await ada.sql("INSERT INTO folders VALUES (9007199254740993, 'big', NULL)")
            try await ada.sql("INSERT INTO files (id, body) VALUES (x'00112233445566778899aabbccddeeff', x'00ff10')")
            try await Self.syncBoth(devices)
            expectSame(try await ben.rows("SELECT text FROM pairs ORDER BY b"), ["\"two\"", "\"one\""])
            expectSame(
                try await ben.rows("SELECT hex(id), hex(body), size FROM files"),
                [#""00112233445566778899AABBCCDDEEFF" | "00FF10" | 3"#])
            try await ben.sql("UPDATE pairs SET b = 2, text = 'moved' WHERE a = 'x'")
            try await ben.sql("UPDATE folders SET id = 7")
            expectSame(
                try await ben.captured().sorted(),
                [
                    #"create folders/7 {"name":"big"}"#, #"create pairs/["x",2] {"text":"moved"}"#,
                    "delete folders/9007199254740993 {}", #"delete pairs/["x",1] {}"#,
                ])
            try await Self.syncBoth(devices)
            try await ada.pool.write { db in
                try db.execute(sql: "DELETE FROM pairs WHERE a = 'x'")
                try db.execute(sql: "INSERT INTO pairs VALUES ('x', 2, 'anew')")
            }
            expectSame(try await ada.captured(), [#"update pairs/["x",2] {"text":"anew"}"#])
            try await ada.sql("DELETE FROM pairs WHERE a = 'x'")
            try await Self.syncBoth(devices)
            try await ben.sql("INSERT INTO pairs (a, b) VALUES ('x', 2)")
            try await Self.syncBoth(devices)
            expectSame(try await ada.rows("SELECT text FROM pairs WHERE a = 'x'"), ["NULL"])
        }
    }

    @Test("rows that refer to one another come in any order, also in a circle, and a child waits for its parent")
    func references() async throws {
        try await Self.with { server, devices in
            let (ada, ben) = (devices[0], devices[1])
            try await ada.pool.write { db in
                try db.execute(
                    sql: """
                        PRAGMA defer_foreign_keys = ON;
                        INSERT INTO folders VALUES (3, 'c', 2), (2, 'b', 1), (1, 'a', NULL);
                        INSERT INTO files (id, folder) VALUES (x'00112233445566778899aabbccddee01', 3);
                        INSERT INTO left_sides VALUES ('l', 'r'); INSERT INTO right_sides VALUES ('r', 'l');
                        """)
            }
            try await Self.syncBoth(devices)
            #expect(try await ben.client.setAside() == [])
            // A child whose parent nobody has sent.
            try await ada.sql("INSERT INTO folders VALUES (20, 'parent', NULL), (21, 'child', 20)")
            try await ada.sql("DELETE FROM rejoin_notes WHERE key = 20")
            try await ada.sync()
            try await ben.sync()
            #expect(try await ben.client.setAside().map(\.record.id) == ["21"])
            #expect(try await ben.client.setAside().first?.reason.contains("refers to a row") == true)
            try await ada.sql("UPDATE folders SET name = 'now' WHERE id = 20")
            try await Self.syncBoth(devices)
            #expect(try await ben.client.setAside() == [])
            // A child that the deleting device has not seen is not taken along.
            try await ada.sql("DELETE FROM folders WHERE id = 1")
            try await ben.sql("INSERT INTO folders VALUES (4, 'new', 3)")
            for device in [ada, ben, ada] { try await device.sync() }
            expectSame(try await ben.rows("SELECT id FROM folders WHERE id < 5 ORDER BY id"), ["1", "2", "3", "4"])
            #expect(try await ben.client.setAside().map(\.record.id).sorted() == ["1", "2", "3"])
            #expect(try await ada.client.setAside().map(\.record.id) == ["4"])
            try await ben.sql("DELETE FROM folders WHERE id = 4")
            try await Self.syncBoth(devices)
            #expect(try await ben.client.setAside() == [])
            expectSame(try await ben.rows("SELECT id FROM folders"), ["20", "21"])
        }
    }

    @Test(
        "a row that the app's constraints refuse waits with its reason, the others arrive, and nothing is overwritten")
    func constraints() async throws {
        try await Self.with { _, devices in
            let (ada, ben) = (devices[0], devices[1])
            try await ada.sql("INSERT INTO items VALUES ('1', 'same', 1)")
            try await ben.sql("INSERT INTO items VALUES ('2', 'SAME', 2)")
            for device in [ada, ben, ada] { try await device.sync() }
            expectSame(try await ben.rows("SELECT id FROM items"), ["\"2\""])
            let waiting = try await ben.client.setAside()
            #expect(waiting.map(\.record.id) == ["1"])
            #expect(waiting.first?.reason.contains("UNIQUE") == true)
            try await ben.sql("UPDATE items SET code = 'other' WHERE id = '2'")
            try await Self.syncBoth(devices)
            expectSame(
                try await ada.rows("SELECT id, code FROM items ORDER BY id"), [#""1" | "same""#, #""2" | "other""#])
            for device in devices { #expect(try await device.client.setAside() == []) }
        }
    }

    @Test("what a column or a key cannot say is told, kept, and sent when it is mended")
    func unsendable() async throws {
        try await Self.with { _, devices in
            let ada = devices[0]
            try await ada.sql("INSERT INTO items VALUES (NULL, 'no key', 1), ('1', 'a', 9e999), ('2', x'01', 1)")
            try await ada.sql("INSERT INTO files (id) VALUES (x'01')")
            expectSame(
                try await ada.captured().sorted(),
                [
                    "files ?: The key in 'id' has 1 bytes, and a UUID has 16.",
                    "items 1: Column 'price': The number is infinite.",
                    "items 2: Column 'code': It holds bytes, which the field has no form for.",
                    "items ?: A row has no key: 'id' is null.",
                ])
            try await ada.sync()
            try await ada.sql(
                "UPDATE items SET price = 3 WHERE id = '1'; DELETE FROM items WHERE id IS NOT '1'; DELETE FROM files")
            try await Self.syncBoth(devices)
            #expect(try await ada.client.unsendable() == [])
            expectSame(try await devices[1].rows("SELECT * FROM items"), [#""1" | "a" | 3"#])
        }
    }

    @Test("temporary tables that have the names of others, and the app's own triggers, do no harm")
    func shadows() async throws {
        try await Self.with { _, devices in
            let (ada, ben) = (devices[0], devices[1])
            try await ben.sql(
                """
                CREATE TEMP TABLE items (id, code, price); CREATE TEMP TABLE rejoin_notes (x); CREATE TEMP TABLE rejoin_applying (applying);
                CREATE TABLE log (line); CREATE TRIGGER app AFTER INSERT ON pairs BEGIN INSERT INTO log VALUES (NEW.text);
                UPDATE pairs SET text = NEW.text || '!' WHERE a = NEW.a AND b = NEW.b; END
                """)
            try await ada.sql("INSERT INTO items VALUES ('1', 'a', 1); INSERT INTO pairs VALUES ('x', 1, 'one')")
            try await ada.sync()
            try await ben.sync()
            expectSame(try await ben.rows("SELECT id FROM main.items"), ["\"1\""])
            expectSame(try await ben.rows("SELECT * FROM log"), ["\"one\""])
            expectSame(
                try await ben.captured(), [], "what the app's trigger made of the server's row is the device's own")
            try await ben.sql("INSERT INTO pairs VALUES ('y', 1, 'two')")
            expectSame(try await ben.captured(), [#"create pairs/["y",1] {"text":"two!"}"#])
        }
    }
}
