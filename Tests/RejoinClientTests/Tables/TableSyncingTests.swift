import RejoinProcesses
import Causality
import EngineHarness
import Foundation
import GRDB
import SyncedTables
import Synchronization
import Testing
import Values

@testable import DeviceReplica

/// The app writes SQL, and its tables are in sync.
@Suite("tables")
struct TableSyncingTests {
    @Test("rows that are there already go into sync, and everything that is written after")
    func wholeWay() async throws {
        let rows = [
            "ada": "INSERT INTO estimates (id, title, visits, tags, lat) VALUES ('e1', 'Roof', 2, '[\"a\"]', 1.5)"
        ]
        try await withTables(rows: rows) { _, devices in
            let (ada, ben) = (devices[0], devices[1])
            try await ada.sync()
            try await ben.sync()
            expectSame(
                try await ben.rows("SELECT id, title, visits, tags, lat, lng FROM estimates"),
                ["\"e1\" | \"Roof\" | 2 | \"[\\\"a\\\"]\" | 1.5 | NULL"])
            try await ben.sql("UPDATE estimates SET title = 'Roof 2', visits = visits + 3 WHERE id = 'e1'")
            try await ada.sql(
                "UPDATE estimates SET visits = visits + 1, tags = '[\"a\",\"b\"]', lng = 2 WHERE id = 'e1'")
            try await ben.sql("INSERT INTO drafts (id, text, estimate) VALUES (7, 'x', 'e1')")
            for device in [ada, ben, ada] { try await device.sync() }
            let expected = ["\"e1\" | \"Roof 2\" | 6 | \"[\\\"a\\\",\\\"b\\\"]\" | 1.5 | 2.0"]
            expectSame(try await ada.rows("SELECT id, title, visits, tags, lat, lng FROM estimates"), expected)
            expectSame(try await ada.rows("SELECT * FROM drafts"), ["7 | \"x\" | \"e1\""])
            try await ada.sql("DELETE FROM estimates WHERE id = 'e1'")
            for device in [ada, ben] { try await device.sync() }
            expectSame(try await ben.rows("SELECT id FROM estimates UNION ALL SELECT id FROM drafts"), [])
            #expect(try await ada.dump() == ben.dump())
        }
    }

    @Test("an edit names what was changed, and nothing is said twice")
    func intent() async throws {
        try await withTables(["ada"]) { _, devices in
            let ada = devices[0]
            try await ada.sync()
            try await ada.sql(
                "INSERT INTO estimates (id, title, visits, tags) VALUES ('e1', 'Roof', 2, '[\"a\",\"b\"]')")
            expectSame(
                try await ada.captured(),
                [
                    #"create estimates/e1 {"tags":{"$add":["a","b"]},"title":"Roof","visits":{"$increment":2}}"#
                ])
            try await ada.sync()
            #expect(try await ada.capture() == [])
            #expect(try await ada.client.status().pending == 0)
            try await ada.sql("UPDATE estimates SET title = 'Roof'")
            try await ada.sql("UPDATE estimates SET title = 'x'; UPDATE estimates SET title = 'Roof'")
            try await ada.sql("UPDATE estimates SET tags = '[ \"b\", \"a\" ]'")
            #expect(try await ada.capture() == [], "a write that changes nothing sends nothing")
            try await ada.sql(
                "INSERT INTO drafts (id, text) VALUES (1, 'x'); DELETE FROM drafts; UPDATE sheets SET a = 'b'")
            try await ada.sql("UPDATE estimates SET notes = 'n'")
            #expect(try await ada.client.status().pending == 2, "what no sync has looked at yet waits too")
            try await ada.sql("UPDATE estimates SET notes = NULL")
            try await ada.sql("UPDATE estimates SET visits = visits - 1, tags = '[\"b\",\"c\"]', lat = 1")
            expectSame(
                try await ada.captured(),
                [
                    #"update estimates/e1 {"lat":1,"lng":null,"tags":{"$add":["c"],"$remove":["a"]},"visits":{"$increment":-1}}"#
                ])
            try await ada.sync()
            try await ada.sql("UPDATE estimates SET lng = 2")
            expectSame(
                try await ada.captured(), [#"update estimates/e1 {"lat":1,"lng":2}"#],
                "what wins or loses together is sent together")
            try await ada.sql("INSERT INTO sheets VALUES ('s1', 'a', 'b')")
            try await ada.sync()
            try await ada.sql("UPDATE sheets SET a = 'c'")
            expectSame(try await ada.captured(), [#"update sheets/s1 {"a":"c","b":"b"}"#])
        }
    }

    @Test("what comes from the server is not sent back, and is told")
    func echo() async throws {
        try await withTables { _, devices in
            let (ada, ben) = (devices[0], devices[1])
            try await ada.sql("INSERT INTO estimates (id, title) VALUES ('e1', 'Roof'), ('e2', 'Wall')")
            try await ada.sync()
            try await ben.sync()
            #expect(try await ben.capture() == [])
            #expect(ben.changes.withLock { $0 }.map { $0.inserted["estimates"] } == [["e1", "e2"]])
            try await ada.sql("UPDATE estimates SET title = 'x' WHERE id = 'e1'; DELETE FROM estimates WHERE id = 'e2'")
            try await ada.sync()
            #expect(ada.changes.withLock { $0 } == [], "a row that says it already is not touched")
            ben.changes.withLock { $0 = [] }
            try await ben.sync()
            #expect(ben.changes.withLock { $0 }.map { $0.updated["estimates"] } == [["e1"]])
            #expect(ben.changes.withLock { $0 }.map { $0.deleted["estimates"] } == [["e2"]])
            #expect(try await ben.capture() == [])
        }
    }

    @Test("a pull does not overwrite what was written and not yet looked at")
    func writtenBeforeThePull() async throws {
        try await withTables { server, devices in
            let (ada, ben) = (devices[0], devices[1])
            try await ada.sql("INSERT INTO estimates (id, title, status) VALUES ('e1', 'Roof', 'new')")
            try await ada.sync()
            try await ben.sync()
            try await ada.sql("UPDATE estimates SET title = 'by ada', status = 'sent'")
            try await ada.sync()
            // Nobody has made an edit of it when the page comes.
            try await ben.sql("UPDATE estimates SET title = 'by ben', notes = 'n'")
            try await ben.pullOnly()
            expectSame(try await ben.rows("SELECT title, status, notes FROM estimates"), [#""by ben" | "sent" | "n""#])
            try await ben.sync()
            try await ada.sync()
            let conflicts = try await server.conflicts()
            #expect(conflicts.count == 1)
            #expect(Set(conflicts.flatMap { $0.sides.map(\.value) }) == [#""by ada""#, #""by ben""#])
            #expect(try await ada.dump() == ben.dump())
        }
    }
}

extension ClientProcessTests {
    @Suite("tables that others write")
    struct OtherProcessTests {
        @Test("writes of other processes are seen, and sent without anybody's word")
        func otherProcesses() async throws {
            try await withTables { server, devices in
                let (ada, ben) = (devices[0], devices[1])
                let running = [ada, ben].map { device in Task { try await device.client.run() } }
                defer { for task in running { task.cancel() } }
                let shell = try await runFound(
                    "sqlite3", "-cmd", ".timeout 20000", ada.path,
                    "INSERT INTO estimates (id, title) VALUES ('e1', 'from the shell')")
                #expect(shell.exit == .code(0))
                try await eventually(server.time) {
                    try await ben.rows("SELECT title FROM estimates") == ["\"from the shell\""]
                }
                // The same process tells at once.
                try await ben.sql("UPDATE estimates SET title = 'back'")
                try await eventually(server.time) { try await ada.rows("SELECT title FROM estimates") == ["\"back\""] }
            }
        }
    }
}

extension TableDevice {
    /// Pulls without sending, and without looking at what was written.
    func pullOnly() async throws {
        let calls = ServerCalls(
            connection: connection, time: client.replica.time, log: SyncLogger { _, _ in }, timeout: .seconds(60))
        let token = try await token(try await client.device())
        while true {
            let cursor = try await client.replica.read { try $0.cursor() }
            let collections = client.replica.options.collections
            guard
                case .document(let page) = await calls.ask(
                    .changes(since: cursor, collections: collections), as: .init(token: token)
                ).0
            else { throw Unexpected("no page") }
            try await client.replica.write { try $0.take(page) }
            if !page.end.hasMore { return }
        }
    }
}

/// Waits until something holds, for half a minute, in which the devices' time passes too: who found the database locked tries again.
func eventually(_ time: TestClock, _ condition: () async throws -> Bool) async throws {
    for _ in 0..<300 {
        time.advance(milliseconds: 100)
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(100))
    }
    Issue.record("it never came to hold")
}
