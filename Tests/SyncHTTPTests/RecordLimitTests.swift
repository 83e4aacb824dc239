import Causality
import EngineHarness
import Foundation
import MergeCore
import StrictJSON
import SyncEngine
import SyncHTTP
import SyncWire
import Testing
import Values

@Suite("what grows has a bound")
struct RecordLimitTests {
    private static func options(_ change: (inout EngineLimits) -> Void) -> ServerOptions {
        var options = ServerOptions()
        change(&options.limits)
        return options
    }

    @Test(
        "what would make a record too large is refused with its field, in atomic batches and others; less of it goes through",
        arguments: Engine.allCases)
    func recordFull(engine: Engine) async throws {
        try await TestServer.run(engine, Self.options { $0.merge.recordBytes = 5_000 }) { server in
            let mac = try await server.device("mac")
            let long = Value.string(String(repeating: "x", count: 6_000))
            _ = try await mac.send(.create("n", by: "mac", ["title": "short"]))
            let large = Draft.update("n", ["mac": 2], ["title": "still short", "body": long])
            let refused = try await mac.send(large, .create("other", by: "mac", ["title": "t"]), atomic: true)
            #expect(refused.status == 422)
            #expect(refused["errors", 0, "code"] == "record_full")
            #expect(refused["errors", 0, "pointer"] == "/operations/0/fields/body")
            let rejected = try await mac.send(large, .create("other", by: "mac", ["title": "t"]), atomic: false)
            #expect(rejected["results", 0, "outcome"] == "rejected")
            #expect(rejected["results", 0, "error", "code"] == "record_full")
            #expect(rejected["results", 0, "error", "retryable"] == false)
            #expect(rejected["results", 1, "outcome"] == "applied")
            // The advice is to shorten: the device does, with the same counter.
            let shorter = try await mac.send(.update("n", ["mac": 2], ["body": "short enough"]))
            #expect(shorter["results", 0, "outcome"] == "applied")
            let session = try await mac.get("/v1/session")
            #expect(session["limits", "recordBytes"] == 5_000)
            #expect(session["limits", "fieldsPerRecord"] == 1_000)
            #expect(try await server.verifiesAudit())
        }
    }

    @Test(
        "so many comments and assignments, and no more; the conflict can still be decided", arguments: Engine.allCases)
    func conflictFull(engine: Engine) async throws {
        try await TestServer.run(engine, Self.options { $0.commentsPerConflict = 3 }) { server in
            try await server.makeConflict("e-1")
            let rita = try await server.reviewer()
            let comment = { (text: String) in
                try await rita.send(.post, "/v1/conflicts/1/comments", json: #"{"text":"\#(text)"}"#)
            }
            let assign = { (user: String) in
                try await rita.send(.put, "/v1/conflicts/1/assignee", json: #"{"user":"\#(user)"}"#)
            }
            #expect(try await comment("one").status == 201)
            #expect(try await assign("wim").status == 200)
            #expect(try await comment("two").status == 201)
            for refused in [try await comment("three"), try await assign("rita")] {
                #expect(refused.status == 422)
                #expect(refused.code == "conflict_full")
            }
            // What was said already is told again.
            #expect(try await comment("two").status == 200)
            #expect(try await assign("wim").status == 200)
            let shown = try await rita.get("/v1/conflicts/1")
            #expect(shown["comments"]?.elements.count == 2 && shown["assignee"] == "wim")
            let decided = try await rita.resolve(1, #"{"version": 1, "choose": 0, "note": "enough was said"}"#)
            #expect(decided.status == 201)
            #expect(try await server.verifiesAudit())
        }
    }

    @Test("a conflict that has its last entry ends, and a new one goes on with every side", arguments: Engine.allCases)
    func longConflict(engine: Engine) async throws {
        try await TestServer.run(engine, Self.options { $0.merge.entriesPerConflict = 3 }) { server in
            for (index, name) in ["a", "b", "c", "d", "e", "f"].enumerated() {
                let device = try await server.device(name)
                let draft = Draft.create(
                    "e", by: name, ["status": .string(name)], in: "estimates", at: TestClock.start - Int64(index))
                #expect(
                    try await device.send(draft)["results", 0, "outcome"] == (index == 0 ? "applied" : "conflicted"))
            }
            let rita = try await server.reviewer()
            let all = try await rita.get("/v1/conflicts?order=oldest")["conflicts"]?.elements ?? []
            #expect(all.map { $0["status"] } == ["superseded", "open"])
            #expect(all.map { $0["version"] } == [4, 2])
            #expect(all.map { $0["sides"]?.elements.count } == [4, 6])
            let id = try #require(all.last?["id"]?.text.flatMap { Int($0) })
            #expect(try await rita.resolve(id, #"{"version": 2, "choose": 0}"#).status == 201)
            #expect(try await server.verifiesAudit())
        }
    }

    @Test("the page shows the beginning of what is long; all of it is a link away, for those who are signed in")
    func texts() async throws {
        try await TestServer.run(.sqlite) { server in
            let long = String(repeating: "<b>'word'</b> ", count: 10_000)
            let mac = try await server.device("mac", user: "ben")
            let ipad = try await server.device("ipad", user: "ana")
            for (device, name, word) in [(mac, "mac", "sent"), (ipad, "ipad", "draft")] {
                _ = try await device.send(
                    .create(
                        "e", by: name,
                        ["status": .string(long + word), "ssn": .string("secret " + word)], in: "estimates"))
            }
            let browser = try await server.signIn()
            let list = try await browser.get("/review?status=open")
            #expect(list.text.utf8.count < 50_000)
            let rita = try await server.reviewer()
            let conflicts = try await rita.get("/v1/conflicts")["conflicts"]?.elements ?? []
            #expect(conflicts.map { $0["unit"]?.text }.sorted { $0 ?? "" < $1 ?? "" } == ["ssn", "status"])
            for conflict in conflicts {
                let id = try #require(conflict["id"]?.text)
                let page = try await browser.get("/review/conflicts/\(id)")
                #expect(page.status == 200 && page.text.utf8.count < 150_000)
                let path = "/review/conflicts/\(id)/sides/1"
                #expect(page.text.contains(path) == (conflict["unit"] == "status"))
                let text = try await browser.get(path)
                #expect(text.status == 200 && text.header("Content-Type") == "text/plain; charset=utf-8")
                #expect(text.header("X-Content-Type-Options") == "nosniff")
                #expect(text.text == conflict["sides", 1, "value"]?.canonicalText)
                #expect(!text.text.contains("secret"))
                let record = try await browser.get("/review/conflicts/\(id)/record")
                #expect(record.text.contains("word") && !record.text.contains("secret"))
                #expect(try await browser.get("/review/conflicts/\(id)/now").status == 200)
                for missing in ["sides/2", "sides/-1", "sides/x", "comments/0", "resolution"] {
                    #expect(try await browser.get("/review/conflicts/\(id)/\(missing)").status == 404, "\(missing)")
                }
                #expect(try await server.send(.get, path).status == 401)
                let stranger = try await server.signIn(tenant: "other")
                #expect(try await stranger.get(path).status == 404)
            }
            let comment = String(repeating: "a long comment ", count: 500)
            let sent = try await browser.post("/review/conflicts/1/comment", [("text", comment)])
            #expect(sent.status == 303, "\(sent.text)")
            let read = try await browser.get("/review/conflicts/1/comments/0")
            #expect(read.text == comment, "\(read.status): \(read.text.prefix(40))… \(read.text.utf8.count)")
        }
    }
}
