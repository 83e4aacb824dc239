import Causality
import EngineHarness
import MergeCore
import SyncStorage
import SyncWire
import Testing
import Values

@Suite("deletes")
struct DeleteTests {
    @Test(
        "edge 18: a delete and a concurrent update end in the same state in both orders, with one conflict and the whole record kept",
        arguments: Engine.allCases, ["notes", "drafts"])
    func deleteAgainstUpdate(engine: Engine, collection: String) async throws {
        let deleteWins = collection == "drafts"
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            var ends: [Answer] = []
            for (record, deleteFirst) in [("a", true), ("b", false)] {
                _ = try await mac.send(mac.creating(record, ["title": "t", "body": "b"], in: collection))
                let delete = Draft.delete(record, ["mac": 2], in: collection)
                let update = Draft.update(record, ["mac": 1, "ipad": 1], ["title": "new"], in: collection)
                if deleteFirst { _ = try await mac.send(delete) }
                #expect(try await ipad.send(update).status == 200)
                if !deleteFirst { _ = try await mac.send(delete) }
                let conflicts = try await server.reviewer().get("/v1/conflicts?record=\(record)")
                #expect(conflicts["conflicts"]?.elements.count == 1)
                #expect(conflicts["conflicts", 0, "kind"] == "delete_write")
                #expect(conflicts["conflicts", 0, "unit"] == "$record")
                #expect(conflicts["conflicts", 0, "sides"]?.elements.count == 2)
                ends.append(try await mac.record(record, in: collection))
            }
            for end in ends {
                #expect(end["deleted"] == .boolean(deleteWins))
                #expect(end["fields"] == (deleteWins ? nil : ["title": "new", "body": "b"]))
                #expect(end["clock"] == ["mac": 2, "ipad": 1])
            }
            #expect(ends[0]["dots"] == ends[1]["dots"])
            if deleteWins {
                let back = try await mac.send(.restore("a", ["mac": 3, "ipad": 1], in: collection))
                #expect(back["records", 0, "fields"] == ["title": "new", "body": "b"])
            }
        }
    }

    @Test(
        "edge 19: an update that has seen the delete is refused, and a restore brings the fields back",
        arguments: Engine.allCases)
    func updateAfterDelete(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            _ = try await mac.send(mac.creating("n", ["a": 1, "b": 1]), .delete("n", ["mac": 2]))
            let update = try await ipad.send(.update("n", ["mac": 2, "ipad": 1], ["a": 2]))
            #expect(update.status == 422)
            #expect(update["errors", 0, "code"] == "record_deleted")
            let create = try await ipad.send(
                Draft(kind: "create", record: "n", clock: ["mac": 2, "ipad": 1], fields: ["a": 2]))
            #expect(create["errors", 0, "code"] == "clock_invalid")
            let restore = try await ipad.send(.restore("n", ["mac": 2, "ipad": 1], ["b": 2]))
            #expect(restore.outcomes == ["applied"])
            #expect(restore["records", 0, "fields"] == ["a": 1, "b": 2])
        }
    }

    @Test("edge 19: an increment that the delete had not seen counts as a write", arguments: Engine.allCases)
    func unseenIncrement(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            _ = try await mac.send(mac.creating("e", ["visits": ["$increment": 1]], in: "estimates"))
            let increment = { (clock: Value) in
                Draft.update("e", clock, ["visits": ["$increment": 10]], in: "estimates")
            }
            _ = try await ipad.send(increment(["mac": 1, "ipad": 1]))
            _ = try await ipad.send(increment(["mac": 1, "ipad": 2]))
            let delete = try await mac.send(.delete("e", ["mac": 2, "ipad": 1], in: "estimates"))
            #expect(delete.outcomes == ["conflicted"])
            #expect(delete["records", 0, "deleted"] == false)
            #expect(delete["records", 0, "fields", "visits"] == 21)
            #expect(delete["results", 0, "conflicts", 0, "winner"] == "stored")
        }
    }

    @Test("edge 20: two deletes converge, and a delete of nothing changes nothing", arguments: Engine.allCases)
    func deleteAgainstDelete(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            _ = try await mac.send(mac.creating("n", ["a": 1]))
            _ = try await mac.send(.delete("n", ["mac": 2]))
            let second = try await ipad.send(.delete("n", ["mac": 1, "ipad": 1]))
            #expect(second.outcomes == ["merged"])
            #expect(second["results", 0, "conflicts"] == [])
            #expect(second["records", 0, "deleted"] == true)
            #expect(second["records", 0, "fields"] == nil)

            let before = try await mac.get("/v1/changes")
            let nothing = try await mac.send(.delete("unknown", ["mac": 1]))
            #expect(nothing.outcomes == ["applied"])
            #expect(nothing["records", 0] == nil)
            #expect(nothing["results", 0, "sequence"] == nil)
            let ahead = try await mac.send(.delete("unknown-2", ["mac": 1, "ipad": 1]))
            #expect(ahead["errors", 0, "code"] == "clock_ahead")
            #expect(try await mac.get("/v1/changes").body == before.body)
            #expect(try await server.reviewer().get("/v1/conflicts")["conflicts"] == [])
        }
    }

    @Test("edge 21: a write to a purged record is refused and never creates it silently", arguments: Engine.allCases)
    func purged(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            _ = try await mac.send(mac.creating("n", ["a": 1]))
            let cursor = try #require(try await mac.get("/v1/changes")["cursor"]?.text)
            _ = try await mac.send(.delete("n", ["mac": 2]), mac.creating("m", ["a": 1]))
            try await server.purge("n")

            for draft: Draft in [
                .update("n", ["mac": 2, "ipad": 1], ["a": 2]), ipad.creating("n", ["a": 2]),
                .restore("n", ["mac": 2, "ipad": 1]),
            ] {
                let answer = try await ipad.send(draft, atomic: false)
                #expect(answer.outcomes == ["rejected"])
                #expect(answer["results", 0, "error", "code"] == "record_purged")
                #expect(answer["results", 0, "error", "retryable"] == false)
            }
            #expect(try await ipad.record("n").status == 404)
            let all = try await ipad.get("/v1/changes")
            #expect(all["changes"]?.elements.map { $0["id"] } == ["m"])
            let old = try await mac.get("/v1/changes?since=\(cursor)")
            #expect(old.status == 410)
            #expect(old.code == "resync_required")
            #expect(old["reason"] == "expired")
            // What is pending still goes through.
            #expect(try await mac.send(.update("m", ["mac": 2], ["a": 2])).outcomes == ["applied"])
        }
    }

    @Test("edge 22: two creates of one id merge by field", arguments: Engine.allCases)
    func createAgainstCreate(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            _ = try await mac.send(mac.creating("n", ["a": "mac", "same": 1], at: TestClock.start - 2))
            let second = try await ipad.send(
                ipad.creating("n", ["b": "ipad", "same": 1], at: TestClock.start - 1))
            #expect(second.outcomes == ["merged"])
            #expect(second["records", 0, "fields"] == ["a": "mac", "b": "ipad", "same": 1])
            let third = try await server.device("tv").send(
                .create("n", by: "tv", ["a": "tv"], at: TestClock.start))
            #expect(third.outcomes == ["conflicted"])
            #expect(third["records", 0, "fields", "a"] == "tv")
        }
    }
}
