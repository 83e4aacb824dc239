import Causality
import MergeCore
import StrictJSON
import SyncWire
import Testing

@Suite("batches")
struct BatchTests {
    @Test(
        "edge 30: several operations on one record are serial and never in conflict with each other",
        arguments: Engine.allCases)
    func sameRecordSeveralTimes(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let answer = try await mac.send(
                mac.creating("n", ["v": 1]), .update("n", ["mac": 2], ["v": 2]), .delete("n", ["mac": 3]),
                .restore("n", ["mac": 4], ["w": 4]))
            #expect(answer.outcomes == Array(repeating: "applied", count: 4))
            for index in 0..<4 {
                #expect(answer["results", .index(index), "relation"] == "newer")
                #expect(answer["results", .index(index), "sequence"] == 1)
            }
            // The record once, as it stands after the batch.
            #expect(answer["records"]?.elements.count == 1)
            #expect(answer["records", 0, "fields"] == ["v": 2, "w": 4])
            #expect(try await mac.get("/v1/changes")["changes"]?.elements.count == 1)
            #expect(try await server.reviewer().get("/v1/conflicts")["conflicts"] == [])
        }
    }

    @Test(
        "edge 31: one bad operation refuses an atomic batch, names every problem and leaves the key free",
        arguments: Engine.allCases)
    func atomic(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let good = mac.creating("good", ["v": 1])
            let bad = mac.creating("bad", ["visits": 1, "title": 7], in: "estimates")
            let ahead = Draft.update("ahead", ["mac": 1, "ghost": 1], ["v": 1])
            let refused = try await mac.send(good, bad, ahead, key: "k")
            #expect(refused.status == 422)
            #expect(refused.code == "batch_refused")
            #expect(refused["retryable"] == false)
            let errors = refused["errors"]?.elements ?? []
            #expect(errors.map { $0["index"] } == [1, 1, 2])
            #expect(
                Set(errors.compactMap { $0["pointer"]?.text }) == [
                    "/operations/1/fields/visits", "/operations/1/fields/title", "/operations/2/clock/ghost",
                ])
            #expect(errors.first?["id"] == .string(bad.id))
            #expect(try await mac.record("good").status == 404)
            #expect(try await mac.get("/v1/changes")["changes"] == [])
            #expect(try await mac.get("/v1/batches/k").status == 404)
            #expect(try await server.reviewer().get("/v1/operations?outcome=rejected")["operations"] == [])
            let second = try await mac.send(good, key: "k")
            #expect(second.status == 200)
            #expect(second.isReplayed == false)
        }
    }

    @Test(
        "edge 31: without atomic only the bad operation is rejected, its dependants are skipped, the rest commits",
        arguments: Engine.allCases)
    func notAtomic(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let bad = mac.creating("e", ["total": "many"], in: "estimates")
            var dependant = mac.creating("child", ["v": 1])
            dependant.dependsOn = [bad.id]
            var transitive = mac.creating("grandchild", ["v": 1])
            transitive.dependsOn = [dependant.id]
            let sameRecord = Draft.update("e", ["mac": 2], ["total": 1], in: "estimates")
            let free = mac.creating("free", ["v": 1])
            let answer = try await mac.send(bad, dependant, transitive, sameRecord, free, atomic: false)
            #expect(answer.outcomes == ["rejected", "skipped", "skipped", "skipped", "applied"])
            #expect(answer["results", 1, "error", "code"] == "dependency_failed")
            #expect(answer["results", 1, "error", "retryable"] == true)

            // What was refused for good is kept with its content, what was skipped is not.
            let rejected = try await server.reviewer().get("/v1/operations?outcome=rejected&device=mac")
            #expect(rejected["operations"]?.elements.map { $0["id"] } == [.string(bad.id)])
            #expect(rejected["operations", 0, "content", "fields", "total"] == "many")
            #expect(try await mac.get("/v1/operations/\(dependant.id)").status == 404)

            // Repaired under the same id it goes through, and then so does what was skipped.
            var repaired = bad
            repaired.fields = ["total": 7]
            #expect(try await mac.send(repaired, dependant, transitive).outcomes == ["applied", "applied", "applied"])
            #expect(try await server.reviewer().get("/v1/operations?outcome=rejected")["operations"] == [])
        }
    }

    @Test("edge 31: an operation that cannot be read is rejected alone, whatever it is", arguments: Engine.allCases)
    func unreadableOperations(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let bad = [
                "7", "null", "[]", "{}", #"{"id":"x1"}"#,
                #"{"id":"","kind":"create","collection":"notes","record":"r","clock":{"mac":1},"fields":{}}"#,
                #"{"id":"x2","kind":"merge","collection":"notes","record":"r2","clock":{"mac":1},"fields":{}}"#,
                #"{"id":"x3","kind":"create","collection":"notes","record":"r3","clock":{"mac":1}}"#,
                #"{"id":"x4","kind":"delete","collection":"notes","record":"r4","clock":{"mac":1},"fields":{"v":1}}"#,
                #"{"id":"x5","kind":"create","collection":"notes","record":"r5","clock":{"mac":1},"fields":{},"at":1}"#,
                #"{"id":"x6","kind":"create","collection":"notes","record":"r6","clock":{"mac":1},"fields":[]}"#,
                #"{"id":"x7","kind":"create","collection":"notes","record":"a\nb","clock":{"mac":1},"fields":{}}"#,
                #"{"id":"x8","kind":"create","collection":"notes","record":"r8","clock":{"mac":1},"fields":{},"dependsOn":"x"}"#,
            ]
            let good = mac.creating("good", ["v": 1]).value.canonicalText
            let body = #"{"atomic":false,"operations":[\#((bad + [good]).joined(separator: ","))]}"#
            let answer = try await mac.send(body: body)
            #expect(answer.outcomes == Array(repeating: "rejected", count: bad.count) + ["applied"])
            #expect(answer["results", 0, "id"] == .null)
            #expect(answer["results"]?.elements.dropLast().allSatisfy { $0["error", "code"] != nil } == true)
            let atomic = try await mac.send(body: body.replacing("\"atomic\":false", with: "\"atomic\":true"))
            #expect(atomic.code == "batch_refused")
            #expect(
                Set(atomic["errors"]?.elements.compactMap { $0["index"]?.number } ?? []) == Set(0..<Int64(bad.count)))
        }
    }

    @Test("a batch over a limit is refused with the limit")
    func limits() async throws {
        var options = ServerOptions()
        options.limits.wire.operationsPerBatch = 3
        options.limits.wire.fieldsPerOperation = 2
        try await TestServer.run(.memory, options) { server in
            let mac = try await server.device("mac")
            let drafts = (0..<4).map { mac.creating("n\($0)", ["v": 1]) }
            let answer = try await mac.send(body: batchBody(drafts))
            #expect(answer.status == 413)
            #expect(answer.code == "batch_too_large")
            #expect(answer["limit"] == 3)
            #expect(try await mac.send(body: batchBody(Array(drafts.dropLast()))).status == 200)
            let fields = try await mac.send(mac.creating("m", ["a": 1, "b": 1, "c": 1]))
            #expect(fields["errors", 0, "pointer"] == "/operations/0/fields")
        }
    }

    @Test(
        "edge 33: whichever step of a commit fails, nothing is stored and the next attempt works",
        arguments: Engine.allCases)
    func faultAtEachStep(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            let reviewer = try await server.reviewer()
            var step = 0
            var failures = 0
            // Each round meets everything a commit can write: a record, an operation, an audit entry, an open conflict.
            while true {
                let record = "e\(step)"
                _ = try await mac.send(mac.creating(record, ["status": "mac"], in: "estimates"))
                let body = batchBody([
                    ipad.creating(record, ["status": "ipad"], in: "estimates"), ipad.creating("n\(step)", ["v": 1]),
                ])
                let before = try await mac.get("/v1/changes")
                let conflictsBefore = try await reviewer.get("/v1/conflicts?limit=500")
                server.faults.reset(failingAtStep: step)
                let failed = try await ipad.send(body: body, key: "k\(step)")
                let steps = server.faults.steps.count
                server.faults.reset()
                if failed.status != 200 {
                    failures += 1
                    #expect(failed.status == 503)
                    #expect(failed.code == "storage_unavailable")
                    #expect(failed["retryable"] == true)
                    #expect(failed.header("Retry-After") != nil)
                    #expect(try await mac.get("/v1/changes").body == before.body)
                    #expect(try await reviewer.get("/v1/conflicts?limit=500").body == conflictsBefore.body)
                    #expect(try await ipad.get("/v1/batches/k\(step)").status == 404)
                }
                let next = try await ipad.send(body: body, key: "k\(step)")
                #expect(next.status == 200)
                #expect(next.isReplayed == (failed.status == 200))
                #expect(next.outcomes == ["conflicted", "applied"])
                #expect(try await server.store.verifyAudit(of: "acme").fault == nil)
                if failed.status == 200, steps <= step { break }
                step += 1
            }
            #expect(failures > 5)
        }
    }

    @Test("edge 33: reads answer a failing store with a retryable problem", arguments: Engine.allCases)
    func faultInReads(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let reviewer = try await server.reviewer()
            _ = try await mac.send(mac.creating("n", ["v": 1]), key: "k")
            let reads = [
                "/v1/session", "/v1/changes", "/v1/records/notes/n", "/v1/records/notes/n/history", "/v1/batches/k",
                "/v1/operations/x",
            ]
            server.faults.setDown(true)
            var answers: [Answer] = []
            for uri in reads { answers.append(try await mac.get(uri)) }
            for uri in ["/v1/conflicts", "/v1/conflicts/1", "/v1/conflicts/summary", "/v1/conflicts/export"] {
                answers.append(try await reviewer.get(uri))
            }
            answers.append(try await server.send(.get, "/readyz"))
            for answer in answers {
                #expect(answer.status == 503)
                #expect(answer.code == "storage_unavailable")
                #expect(answer["retryable"] == true)
                #expect(answer.header("Retry-After") == "1")
                #expect(!answer.text.contains("injected"))
            }
            #expect(try await server.send(.get, "/healthz").status == 200)
            server.faults.setDown(false)
            #expect(try await server.send(.get, "/readyz").status == 200)
            #expect(try await mac.get("/v1/changes").status == 200)
        }
    }

    @Test("dryRun answers what would happen and commits nothing, not even the key", arguments: Engine.allCases)
    func dryRun(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            _ = try await mac.send(mac.creating("n", ["v": 1]))
            let body = batchBody([ipad.creating("n", ["v": 2]), ipad.creating("m", ["v": 1])])
            let imagined = try await ipad.send(body: body, key: "k", query: "?dryRun=true")
            #expect(imagined.status == 200)
            #expect(imagined["dryRun"] == true)
            #expect(imagined.outcomes == ["conflicted", "applied"])
            #expect(try await ipad.get("/v1/changes")["cursor"] == imagined["cursor"])
            #expect(try await ipad.get("/v1/batches/k").status == 404)
            #expect(try await ipad.record("m").status == 404)
            #expect(try await server.reviewer().get("/v1/conflicts")["conflicts"] == [])
            let real = try await ipad.send(body: body, key: "k")
            #expect(real.isReplayed == false)
            #expect(real["dryRun"] == nil)
            #expect(real["results"] == imagined["results"])
            let refused = try await ipad.send(.update("n", ["ipad": 9], ["v": 1]), query: "?dryRun=true")
            #expect(refused.code == "batch_refused")
            #expect(try await ipad.send(body: body, query: "?dryRun=1").code == "invalid_request")
        }
    }

    @Test("return=minimal leaves the records out")
    func minimal() async throws {
        try await TestServer.run(.memory) { server in
            let mac = try await server.device("mac")
            let answer = try await mac.send(mac.creating("n", ["v": 1]), query: "?return=minimal")
            #expect(answer.outcomes == ["applied"])
            #expect(answer["results", 0, "sequence"] == 1)
            #expect(answer["records"] == nil)
            #expect(try await mac.send(mac.creating("m", ["v": 1]), query: "?return=most").code == "invalid_request")
        }
    }
}
