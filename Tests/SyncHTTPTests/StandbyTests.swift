import Causality
import EngineHarness
import MergeCore
import PostgreSQLCluster
import PostgreSQLStorage
import SyncHTTP
import SyncStorage
import SyncWire
import Testing

@testable import SyncEngine

@Suite("a server on a standby")
struct StandbyTests {
    @Test(
        "what it does not have yet is waited for, and only what is lost for good asks for a resync",
        .timeLimit(.minutes(5)))
    func behind() async throws {
        try await PostgreSQLCluster.withCluster { primary in
            let database = try await primary.makeDatabase()
            let writing = GatedStore(base: try await PostgreSQLStore.open(Conninfo(database.ownerConninfo)))
            let standby = try await primary.makeStandby()
            // What was committed is applied there too, so that nothing has to be waited for.
            try await primary.set(["synchronous_commit": "remote_apply"])
            let conninfo = PostgreSQLCluster.conninfo(
                of: [standby], database: database.name, user: PostgreSQLCluster.ownerRole, targetSession: .any)
            let reading = GatedStore(base: try await PostgreSQLStore.open(Conninfo(conninfo)))
            try await TestServer.run(on: writing) { here in
                let mac = try await here.device("mac")
                _ = try await mac.send(mac.creating("a", ["v": 1]))
                // From here on the standby stands still, and commits do not wait for it to apply them.
                try await primary.set(["synchronous_commit": "on"])
                try await standby.psql("SELECT pg_wal_replay_pause()")
                try await eventually("the replay stands still") {
                    try await standby.psql("SELECT pg_get_wal_replay_pause_state()") == "paused"
                }
                _ = try await mac.send(mac.creating("b", ["v": 1]), mac.creating("c", ["v": 1]))
                let cursor = try await mac.get("/v1/changes")["cursor"]?.text ?? ""
                _ = try await mac.send(mac.creating("d", ["v": 1]))
                try await TestServer.run(on: reading) { there in
                    try await Self.follow(there, from: cursor, standby: standby)
                }
            }
            await reading.close()
            await writing.close()
            try await standby.remove()
        }
    }

    /// - Parameter cursor: of a place that the standby is not at yet.
    private static func follow(_ server: TestServer, from cursor: String, standby: PostgreSQLCluster) async throws {
        let mac = try await server.device("mac")
        let early = try await mac.get("/v1/changes?since=\(cursor)")
        #expect(early.status == 200, "not there yet is not lost")
        #expect(early["changes"] == [])
        #expect(early["more"] == false)
        #expect(early["cursor"]?.text == cursor, "a cursor never goes back")
        let lines = try await mac.get("/v1/changes?since=\(cursor)", accept: "application/x-ndjson")
        #expect(lines.text.split(separator: "\n").count == 1)

        // Nobody tells a standby of anything: those who wait look for themselves, once each time that they are told to.
        async let held = mac.get("/v1/changes?wait=60&since=\(cursor)")
        try await eventually("it waits") { await server.server.engine.load().waitingReaders == 1 }
        let reads = server.store.counts[.changes]
        for number in 1...3 {
            server.server.engine.notifier.wakeAll()
            try await eventually("it looked") { server.store.counts[.changes] == reads + number }
            try await eventually("it waits") { await server.server.engine.load().waitingReaders == 1 }
        }
        #expect(server.store.counts[.changes] == reads + 3)
        let whole = try await mac.get("/v1/changes")
        #expect(whole["changes"]?.elements.map { $0["id"] } == ["a"])

        // Records by their ids are never older than the cursor that comes with the question.
        let ask = { (since: String) in
            try await TestPerson(server: server, token: mac.token).send(
                .post, "/v1/records/query", json: #"{\#(since)"records":{"notes":["a","b"]}}"#)
        }
        #expect(try await ask("")["records"]?.elements.map { $0["id"] } == ["a"])
        let behind = try await ask(#""since":"\#(cursor)","#)
        #expect(behind.code == "storage_unavailable" && behind.header("Retry-After") == "1")

        try await standby.psql("SELECT pg_wal_replay_resume()")
        try await eventually("the rows are there") {
            try await mac.get("/v1/changes")["changes"]?.elements.count == 4
        }
        #expect(try await ask(#""since":"\#(cursor)","#)["records"]?.elements.count == 2)
        server.server.engine.notifier.wakeAll()
        let late = try await held
        #expect(late.status == 200)
        #expect(late["changes"]?.elements.map { $0["id"] } == ["d"])
    }
}
