import EngineHarness
import MergeCore
import SyncWire
import Testing
import Values

@Suite("a collection that is not declared any more")
struct UndeclaredTests {
    private static let plans = Schema(declaring: [
        "plans": CollectionRules(
            fields: [
                "title": FieldRule(type: .string, merge: .fww), "code": FieldRule(type: .string, audit: .redacted),
            ], deletes: .deleteWins)
    ])

    @Test(
        "its records are told as they were written last: pulled and read, named in the answers to batches, shown to reviewers",
        arguments: Engine.allCases)
    func told(engine: Engine) async throws {
        let (base, remove) = try await engine.open()
        let store = GatedStore(base: base)
        let secret = "between us"
        let written = [
            Draft.create(
                "p", by: "mac", ["title": "first", "code": .string(secret)], in: "plans", at: TestClock.start - 9),
            Draft.create("q", by: "mac", ["title": "hidden"], in: "plans"),
        ]
        var options = ServerOptions()
        options.schema = Self.plans
        let pulled = try await TestServer.run(options, on: store) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            _ = try await mac.send(body: batchBody(written), key: "k")
            let met = try await ipad.send(
                ipad.creating("p", ["title": "second"], in: "plans"),
                .delete("q", ["mac": 1, "ipad": 1], in: "plans"))
            #expect(met["results", 0, "conflicts", 0, "unit"] == "title")
            // It arrives hidden, and without the rule of the collection it would show.
            _ = try await mac.send(.update("q", ["mac": 2], ["title": "late"], in: "plans"))
            return try await mac.get("/v1/changes")["changes"]
        }
        #expect(pulled?.elements.count == 2)
        options.schema = Schema(declaring: ["notes": CollectionRules()])
        try await TestServer.run(options, on: store) { server in
            let mac = try await server.device("mac")
            #expect(try await mac.get("/v1/changes")["changes"] == pulled)
            let read = try await mac.record("p", in: "plans")
            #expect(read["fields"] == ["title": "first", "code": .string(secret)])
            #expect(try await mac.record("q", in: "plans")["deleted"] == true)

            let both: Value = [["collection": "plans", "id": "p"], ["collection": "plans", "id": "q"]]
            let again = try await mac.send(body: batchBody(written), key: "k")
            let stored = try await mac.get("/v1/batches/k")
            let anew = try await mac.send(body: batchBody(written), key: "another")
            for answer in [again, stored, anew] {
                #expect(answer.outcomes == ["applied", "applied"], "\(answer.text)")
                #expect(answer["records"] == [])
                #expect(answer["omitted"] == both)
            }
            let refused = try await mac.send(
                .update("p", ["mac": 2, "ipad": 1], ["title": "third"], in: "plans"),
                mac.creating("never", ["title": "there"], in: "plans"), atomic: false)
            #expect(refused["results", 0, "error", "code"] == "unknown_collection")
            #expect(refused["omitted"] == [["collection": "plans", "id": "p"]])

            let rita = try await server.reviewer()
            #expect(try await rita.get("/v1/conflicts/1")["sides", 0, "value"] == "first")
            let decision = try await rita.send(
                .post, "/v1/conflicts/1/resolutions", json: #"{"version": 1, "choose": "loser"}"#)
            #expect(decision.code == "unknown_collection")
            let browser = try await server.signIn()
            let page = try await browser.get("/review/conflicts/1")
            #expect(page.status == 200)
            #expect(page.text.contains("not declared any more"))
            #expect(!page.text.contains("Nothing is left"))
            let record = try await browser.get("/review/conflicts/1/record")
            #expect(record.text.contains("title") && record.text.contains("code"))
            #expect(!record.text.contains(secret) && !page.text.contains(secret))
        }
        await store.close()
        try await remove()
    }
}
