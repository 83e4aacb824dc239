import EngineHarness
import Foundation
import MergeCore
import SyncWire
import Testing

@Suite("retries and identity")
struct RetryTests {
    @Test(
        "edge 1: an operation that comes again in another batch has its first result and no second effect",
        arguments: Engine.allCases)
    func operationInAnotherBatch(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            _ = try await mac.send(mac.creating("n", ["title": "old"]))
            _ = try await mac.send(.update("n", ["mac": 2], ["title": "mac"]))
            let edit = Draft.update("n", ["mac": 1, "ipad": 1], ["title": "ipad"])
            let first = try await ipad.send(edit)
            #expect(first.outcomes == ["conflicted"])
            let third = try await mac.send(.update("n", ["mac": 3, "ipad": 1], ["title": "later"]))
            #expect(third.outcomes == ["applied"])

            let again = try await ipad.send(edit)
            #expect(again.status == 200)
            #expect(again.isReplayed == false)
            #expect(again["results", 0, "replayed"] == true)
            for member: Step in ["outcome", "relation", "sequence", "conflicts"] {
                #expect(again["results", 0, member] == first["results", 0, member])
            }
            #expect(again["records", 0, "fields", "title"] == "later")
            #expect(again["cursor"] == third["cursor"])
            let conflicts = try await server.reviewer().get("/v1/conflicts")
            #expect(conflicts["conflicts"]?.elements.count == 1)
        }
    }

    @Test("edge 2: an operation id with other content is refused and its siblings are not", arguments: Engine.allCases)
    func operationIDReused(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let first = mac.creating("n", ["title": "one"])
            _ = try await mac.send(first)
            var other = mac.creating("n", ["title": "two"])
            other.id = first.id
            let answer = try await mac.send(other, mac.creating("sibling", ["title": "s"]), atomic: false)
            #expect(answer.outcomes == ["rejected", "applied"])
            #expect(answer["results", 0, "error", "code"] == "operation_id_reused")
            #expect(try await mac.record("n")["fields", "title"] == "one")
            #expect(try await mac.get("/v1/operations/\(first.id)")["outcome"] == "applied")
        }
    }

    @Test(
        "edge 2: of two operations with one id in a batch an identical one is replayed and another one refused",
        arguments: Engine.allCases)
    func operationIDTwiceInOneBatch(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let same = mac.creating("same", ["title": "one"])
            let twice = try await mac.send(same, same, atomic: false)
            #expect(twice.outcomes == ["applied", "applied"])
            #expect(twice["results", 0, "replayed"] == false)
            #expect(twice["results", 1, "replayed"] == true)

            let first = mac.creating("other", ["title": "one"])
            var second = Draft.update("other", ["mac": 2], ["title": "two"])
            second.id = first.id
            let different = try await mac.send(first, second, atomic: false)
            #expect(different.outcomes == ["applied", "rejected"])
            #expect(different["results", 1, "error", "code"] == "operation_id_reused")
        }
    }

    @Test(
        "edge 3: the same key with the same body in other words gets the stored results, byte for byte",
        arguments: Engine.allCases)
    func sameBodyInOtherWords(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let body = """
                {"operations":[{"id":"o1","kind":"create","collection":"notes","record":"n","clock":{"mac":1},\
                "at":"2026-11-20T21:58:12.123Z","fields":{"a":1,"b":"x"}}],"atomic":true}
                """
            let reordered = """
                { "atomic" : true,
                  "operations" : [ { "fields" : { "b" : "\\u0078", "a" : 1.0 }, "at" : "2026-11-20T21:58:12.123Z",
                    "clock" : { "mac" : 1 }, "record" : "n", "collection" : "notes", "kind" : "create", "id" : "o1" } ] }
                """
            let first = try await mac.send(body: body, key: "k")
            #expect(first.status == 200)
            #expect(first.isReplayed == false)
            server.clock.advance(milliseconds: 5000)
            #expect(first["replayed"] == false)
            let later = try await mac.send(.update("n", ["mac": 2], ["b": "later"]))
            let again = try await mac.send(body: reordered, key: "k")
            #expect(again.status == 200)
            #expect(again.isReplayed == true)
            #expect(again["replayed"] == true)
            #expect(again.resultsText == first.resultsText)
            // The record is told as it stands now: a retry never sets its device back.
            #expect(again["records"] == later["records"])
            #expect(again["cursor"] == later["cursor"])
            let asked = try await mac.get("/v1/batches/k")
            #expect(asked.resultsText == first.resultsText)
            #expect(asked["records"] == later["records"])
            #expect(asked.isReplayed == true)
            let minimal = try await mac.send(body: reordered, key: "k", query: "?return=minimal")
            #expect(minimal["results"] == first["results"])
            #expect(minimal["records"] == nil)
        }
    }

    @Test("edge 3: the same key with another body is refused and nothing is done", arguments: Engine.allCases)
    func sameKeyOtherBody(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let first = try await mac.send(mac.creating("n", ["a": 1]), key: "k")
            let other = try await mac.send(mac.creating("m", ["a": 1]), key: "k")
            #expect(other.status == 422)
            #expect(other.code == "idempotency_key_reused")
            #expect(other["retryable"] == false)
            #expect(try await mac.record("m").status == 404)
            #expect(try await mac.get("/v1/batches/k").resultsText == first.resultsText)
        }
    }

    @Test(
        "edge 4: the same key and the same operation id of another device or tenant are independent",
        arguments: Engine.allCases)
    func keysAreTheDevicesOwn(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad", user: "bob")
            let stranger = try await server.device("mac", tenant: "globex")
            var drafts = [mac.creating("a", ["v": 1]), ipad.creating("b", ["v": 2]), stranger.creating("c", ["v": 3])]
            for index in drafts.indices { drafts[index].id = "shared" }
            for (device, draft) in zip([mac, ipad, stranger], drafts) {
                let answer = try await device.send(draft, key: "k")
                #expect(answer.outcomes == ["applied"])
                #expect(answer.isReplayed == false)
                #expect(answer["results", 0, "replayed"] == false)
            }
            #expect(try await stranger.get("/v1/operations/shared")["record"] == "c")
            #expect(try await mac.get("/v1/operations/shared")["record"] == "a")
            let reviewer = try await server.reviewer()
            #expect(try await reviewer.get("/v1/operations/shared?device=ipad")["record"] == "b")
            #expect(try await reviewer.get("/v1/operations/shared").code == "invalid_request")
        }
    }

    @Test("edge 5: two identical requests in flight have one effect and the same answer", arguments: Engine.allCases)
    func identicalRequestsInFlight(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let body = batchBody([mac.creating("n", ["v": 1])])
            await server.store.gate.close()
            // One after the other: two that come together leave the queue together.
            async let first = mac.send(body: body, key: "k")
            try await eventually("one commit is held") { await server.store.gate.waitingCount == 1 }
            async let second = mac.send(body: body, key: "k")
            try await eventually("one batch waits") { await server.server.engine.load().waitingBatches == 1 }
            await server.store.gate.open()
            let answers = try await [first, second]
            #expect(answers[0].resultsText == answers[1].resultsText)
            #expect(answers.map(\.status) == [200, 200])
            #expect(Set(answers.map(\.isReplayed)) == [false, true])
            #expect(try await mac.get("/v1/changes")["changes"]?.elements.count == 1)
        }
    }

    @Test(
        "edge 6: the same operations in flight under many keys have one effect, and all others see replays",
        arguments: Engine.allCases)
    func sameOperationsUnderManyKeys(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            _ = try await mac.send(mac.creating("counted", ["visits": ["$increment": 1]], in: "estimates"))
            let drafts = (2...6).map { counter in
                Draft.update(
                    "counted", ["mac": .integer(Int64(counter))], ["visits": ["$increment": 1]], in: "estimates")
            }
            let body = batchBody(drafts)
            let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
                for index in 0..<12 { group.addTask { try await mac.send(body: body, key: "k\(index)") } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.allSatisfy { $0.status == 200 })
            let fresh = answers.filter { $0["results", 0, "replayed"] == false }
            #expect(fresh.count == 1)
            for answer in answers {
                #expect(answer.outcomes == Array(repeating: "applied", count: 5))
                #expect(answer["results", 4, "sequence"] == fresh.first?["results", 4, "sequence"])
            }
            #expect(try await mac.record("counted", in: "estimates")["fields", "visits"] == 6)
        }
    }

    @Test("edge 7: after a commit whose answer was lost the retry gets the stored answer", arguments: Engine.allCases)
    func answerLostAfterCommit(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let body = batchBody([mac.creating("n", ["visits": ["$increment": 5]], in: "estimates")])
            await server.store.gate.loseAnswers(1)
            let lost = try await mac.send(body: body, key: "k")
            #expect(lost.status == 503)
            #expect(lost.code == "storage_unavailable")
            #expect(lost["retryable"] == true)
            let retry = try await mac.send(body: body, key: "k")
            #expect(retry.status == 200)
            #expect(retry.isReplayed == true)
            #expect(retry["results", 0, "replayed"] == false)
            #expect(try await mac.record("n", in: "estimates")["fields", "visits"] == 5)
        }
    }

    @Test("edge 8: a transient failure is not stored, and the retry executes", arguments: Engine.allCases)
    func transientFailure(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let body = batchBody([mac.creating("n", ["v": 1])])
            server.faults.setDown(true)
            let failed = try await mac.send(body: body, key: "k")
            #expect(failed.status == 503)
            #expect(failed.code == "storage_unavailable")
            #expect(failed.header("Retry-After") == "1")
            server.faults.setDown(false)
            #expect(try await mac.get("/v1/batches/k").status == 404)
            let retry = try await mac.send(body: body, key: "k")
            #expect(retry.status == 200)
            #expect(retry.isReplayed == false)
            #expect(retry.outcomes == ["applied"])
        }
    }

    @Test("edge 9: a replay for a device over its quota succeeds and costs nothing", arguments: Engine.allCases)
    func replayOverQuota(engine: Engine) async throws {
        var options = ServerOptions()
        options.limits.requestsPerSecondPerDevice = 1
        try await TestServer.run(engine, options) { server in
            let mac = try await server.device("mac")
            let body = batchBody([mac.creating("n", ["v": 1])])
            let first = try await mac.send(body: body, key: "k")
            for _ in 0..<9 { #expect(try await mac.get("/v1/session").status == 200) }
            let over = try await mac.get("/v1/session")
            #expect(over.status == 429)
            #expect(over.code == "rate_limited")
            #expect(over["retryable"] == true)
            #expect(over.header("Retry-After") == "1")
            let refused = try await mac.send(mac.creating("m", ["v": 1]))
            #expect(refused.status == 429)

            for _ in 0..<3 {
                let replay = try await mac.send(body: body, key: "k")
                #expect(replay.status == 200)
                #expect(replay.isReplayed == true)
                #expect(replay.resultsText == first.resultsText)
            }
            server.clock.advance(milliseconds: 1000)
            #expect(try await mac.send(mac.creating("m", ["v": 1])).status == 200)
            // Another device has a budget of its own.
            #expect(try await server.device("ipad").get("/v1/session").status == 200)
        }
    }

    @Test("edge 10: a key that is missing, empty, too long, not visible or sent twice is refused")
    func malformedKeys() async throws {
        try await TestServer.run(.memory) { server in
            let mac = try await server.device("mac")
            let body = Array(batchBody([mac.creating("n", ["v": 1])]).utf8)
            let long = String(repeating: "k", count: 256)
            let cases: [([String], String)] = [
                ([], "idempotency_key_missing"),
                ([""], "idempotency_key_invalid"),
                (["\"\""], "idempotency_key_invalid"),
                ([long], "idempotency_key_invalid"),
                (["\"\(long)\""], "idempotency_key_invalid"),
                (["a b"], "idempotency_key_invalid"),
                (["a\tb"], "idempotency_key_invalid"),
                (["\"a\u{1}b\""], "idempotency_key_invalid"),
                (["\"open"], "idempotency_key_invalid"),
                (["a\"b"], "idempotency_key_invalid"),
                (["\"a\";p=1"], "idempotency_key_invalid"),
                (["ключ"], "idempotency_key_invalid"),
                (["one", "two"], "idempotency_key_invalid"),
                (["one", "one"], "idempotency_key_invalid"),
            ]
            for (keys, code) in cases {
                let answer = try await server.send(
                    .post, "/v1/batches", token: mac.token,
                    headers: [("Content-Type", "application/json")] + keys.map { ("Idempotency-Key", $0) }, body: body)
                #expect(answer.status == 400, "\(keys)")
                #expect(answer.code == code, "\(keys)")
                #expect(answer["retryable"] == false)
            }
            #expect(try await mac.record("n").status == 404)
        }
    }

    @Test(
        "edge 10: the quoted and the unquoted form are one key, and 255 characters are allowed",
        arguments: Engine.allCases)
    func quotedAndUnquoted(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let body = batchBody([mac.creating("n", ["v": 1])])
            let key = String(repeating: "k", count: 255)
            let first = try await mac.send(body: body, key: "\"\(key)\"")
            #expect(first.status == 200)
            #expect(first["batch"] == .string(key))
            let again = try await mac.send(body: body, key: key)
            #expect(again.isReplayed == true)
            #expect(again.resultsText == first.resultsText)

            let awkward = try await mac.send(mac.creating("m", ["v": 1]), key: #""a/b%\"?\\""#)
            #expect(awkward.status == 200)
            #expect(try await mac.get("/v1/batches/%22a%2Fb%25%5C%22%3F%5C%5C%22").resultsText == awkward.resultsText)
        }
    }
}
