import Causality
import EngineHarness
import HTTPTypes
import MergeCore
import StrictJSON
import SyncHTTP
import SyncWire
import Testing
import Values

@Suite("reviewers decide")
struct ResolutionTests {
    /// Two devices that have not heard of each other give one record a status each, which waits for a decision.
    private static func open(_ server: TestServer) async throws -> (mac: TestDevice, ipad: TestDevice) {
        let mac = try await server.device("mac", user: "ben")
        let ipad = try await server.device("ipad", user: "ana")
        _ = try await mac.send(
            mac.creating("e", ["status": "sent", "title": "t"], in: "estimates", at: TestClock.start - 9))
        _ = try await ipad.send(ipad.creating("e", ["status": "draft"], in: "estimates"))
        return (mac, ipad)
    }

    @Test("a decision for either side, another value or what shows reaches every device", arguments: Engine.allCases)
    func choices(engine: Engine) async throws {
        for (choice, wanted) in [
            (#""choose": "stored""#, "sent"), (#""choose": "incoming""#, "draft"), (#""choose": 0"#, "sent"),
            (#""choose": 1"#, "draft"), (#""choose": "current""#, "draft"), (#""value": "paid""#, "paid"),
            (#""choose": "winner""#, "draft"), (#""choose": "loser""#, "sent"),
        ] {
            try await TestServer.run(engine) { server in
                let (mac, _) = try await Self.open(server)
                let cursor = try #require(try await mac.get("/v1/changes")["cursor"]?.text)
                let rita = try await server.reviewer()
                let answer = try await rita.resolve(1, #"{"version": 1, "note": "as agreed", \#(choice)}"#)
                #expect(answer.status == 201, "\(choice): \(answer.text)")
                #expect(answer["resolution", "kind"] == "resolved")
                #expect(answer["resolution", "user"] == "rita")
                #expect(answer["resolution", "note"] == "as agreed")
                #expect(answer["resolution", "value"]?.text == wanted)
                #expect(answer["conflict", "status"] == "resolved")
                #expect(answer["conflict", "version"] == 2)
                #expect(answer["record", "fields", "status"]?.text == wanted)
                #expect(answer["record", "openConflicts"] == 0)
                #expect(answer["record", "siblings"] == nil)
                let pulled = try await mac.get("/v1/changes?since=\(cursor)")
                #expect(pulled["changes", 0, "fields", "status"]?.text == wanted)
                #expect(pulled["changes", 0, "clock"]?.memberNames == ["ipad", "mac", "reviewer:rita"])
                // A device goes on from there, without a conflict.
                let next = Draft.update(
                    "e", ["ipad": 1, "mac": 2, "reviewer:rita": 1], ["status": "paid"], in: "estimates")
                #expect(try await mac.send(next)["results", 0, "relation"] == "newer")
                #expect(try await server.verifiesAudit())
            }
        }
    }

    @Test(
        "edge 40: a decision on an old version is refused with the sides as they are now", arguments: Engine.allCases)
    func changedMeanwhile(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            _ = try await Self.open(server)
            let phone = try await server.device("phone", user: "cleo")
            _ = try await phone.send(phone.creating("e", ["status": "lost"], in: "estimates"))
            let rita = try await server.reviewer()
            let answer = try await rita.resolve(1, #"{"version": 1, "choose": 0}"#)
            #expect(answer.status == 412)
            #expect(answer.code == "conflict_changed")
            #expect(answer["conflict", "version"] == 2)
            let values = answer["conflict", "sides"]?.elements.map { $0["value"]?.text }
            #expect(values == ["sent", "draft", "lost"])
            #expect(try await rita.get("/v1/conflicts/1")["status"] == "open")
            // A role that two sides have names neither.
            let ambiguous = try await rita.resolve(1, #"{"version": 2, "choose": "incoming"}"#)
            #expect(ambiguous.status == 400)
            #expect(ambiguous["errors", 0, "pointer"] == "/choose")
            #expect(try await rita.resolve(1, #"{"version": 2, "choose": 2}"#).status == 201)
            #expect(try await phone.record("e", in: "estimates")["fields", "status"] == "lost")
        }
    }

    @Test(
        "edge 40: two reviewers with the same choice make one resolution; with different ones the second is refused",
        arguments: Engine.allCases)
    func twoReviewers(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let (mac, _) = try await Self.open(server)
            let rita = try await server.reviewer()
            let wim = try await server.reviewer(user: "wim")
            // Both of them send at the same time, a hundred times over.
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for person in [rita, wim, rita, wim, rita, wim] {
                    group.addTask { try await person.resolve(1, #"{"version": 1, "choose": 0}"#).status }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.sorted() == [200, 200, 200, 200, 200, 201])
            let sequence = try await mac.record("e", in: "estimates")["sequence"]
            // The same in other words.
            for same in [#"{"version": 1, "value": "sent"}"#, #"{"version": 2, "choose": "current"}"#] {
                #expect(try await wim.resolve(1, same).status == 200, "\(same)")
            }
            for other in [
                #"{"version": 1, "choose": 1}"#, #"{"version": 2, "value": "paid"}"#, #"{"version": 1, "value": null}"#,
            ] {
                let answer = try await wim.resolve(1, other)
                #expect(answer.status == 409, "\(other)")
                #expect(answer.code == "already_resolved")
                #expect(answer["conflict", "resolution", "value"] == "sent")
            }
            #expect(try await mac.record("e", in: "estimates")["sequence"] == sequence)
            let history = try await rita.get("/v1/records/estimates/e/history")
            #expect(history["history"]?.elements.count { $0["operation", "batch"]?.text == "resolution-1-2" } == 1)
            #expect(try await server.verifiesAudit())
        }
    }

    @Test(
        "edge 41: a device's write that had not seen the resolution meets it in a new conflict",
        arguments: Engine.allCases)
    func resolutionMeetsWrite(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let (mac, ipad) = try await Self.open(server)
            let rita = try await server.reviewer()
            #expect(try await rita.resolve(1, #"{"version": 1, "choose": 0}"#).status == 201)
            // The iPad is offline and writes what it had seen: both sides, but not the decision.
            let answer = try await ipad.send(
                .update("e", ["ipad": 2, "mac": 1], ["status": "late"], in: "estimates"))
            #expect(answer.outcomes == ["conflicted"])
            let id = try #require(answer["results", 0, "conflicts", 0, "id"]?.text)
            #expect(id != "1")
            let conflict = try await rita.get("/v1/conflicts/\(id)")
            #expect(conflict["status"] == "open")
            let sides = conflict["sides"]?.elements ?? []
            #expect(Set(sides.map { $0["value"]?.text }) == ["sent", "late"])
            let decided = sides.first { $0["value"] == "sent" }
            #expect(decided?["device"] == "reviewer:rita")
            #expect(decided?["user"] == "rita")
            #expect(try await rita.get("/v1/conflicts/1")["status"] == "resolved")
            #expect(try await mac.record("e", in: "estimates")["siblings", "status", 0, "value"] != nil)
        }
    }

    @Test("the losing side of what a policy decided can be brought back", arguments: Engine.allCases)
    func losingSide(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            _ = try await mac.send(mac.creating("n", ["text": "first"], at: TestClock.start - 9))
            _ = try await ipad.send(ipad.creating("n", ["text": "second"]))
            let rita = try await server.reviewer()
            #expect(try await rita.get("/v1/conflicts/1")["status"] == "automatic")
            let answer = try await rita.resolve(1, #"{"version": 1, "choose": "loser"}"#)
            #expect(answer.status == 201)
            #expect(try await mac.record("n")["fields", "text"] == "first")
            // The merge's own decision stays as it was.
            #expect(answer["conflict", "sides", 1, "won"] == true)
            #expect(answer["conflict", "resolution", "side"] == 0)
        }
    }

    @Test("a decision that has not seen what its unit went through since is refused", arguments: Engine.allCases)
    func unseenChange(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            _ = try await mac.send(mac.creating("n", ["text": "first", "other": 1], at: TestClock.start - 9))
            _ = try await ipad.send(ipad.creating("n", ["text": "second"]))
            let rita = try await server.reviewer()
            let looked = try #require(try await mac.record("n")["clock"]?.canonicalText)
            // Another field: nothing to do with the conflict.
            _ = try await mac.send(.update("n", ["mac": 2, "ipad": 1], ["other": 2]))
            let decision = #"{"version": 1, "choose": 0, "clock": \#(looked)}"#
            _ = try await mac.send(.update("n", ["mac": 3, "ipad": 1], ["text": "third"]))
            let answer = try await rita.resolve(1, decision)
            #expect(answer.status == 412)
            #expect(try await mac.record("n")["fields", "text"] == "third")
            let now = try #require(try await mac.record("n")["clock"]?.canonicalText)
            #expect(try await rita.resolve(1, #"{"version": 1, "choose": 0, "clock": \#(now)}"#).status == 201)
            #expect(try await mac.record("n")["fields"]?.canonicalText == #"{"other":2,"text":"first"}"#)
        }
    }

    @Test("between a delete and a write, either is decided for", arguments: Engine.allCases)
    func deletes(engine: Engine) async throws {
        // (collection, whose side is chosen, whether the record is there in the end)
        for (collection, chosen, isThere) in [
            ("notes", "incoming", false), ("notes", "stored", true), ("drafts", "incoming", false),
            ("drafts", "stored", true),
        ] {
            try await TestServer.run(engine) { server in
                let mac = try await server.device("mac")
                let ipad = try await server.device("ipad")
                _ = try await mac.send(mac.creating("n", ["text": "first"], in: collection))
                _ = try await mac.send(
                    .update("n", ["mac": 2], ["text": "second", "more": [1]], in: collection))
                let delete = try await ipad.send(.delete("n", ["mac": 1, "ipad": 1], in: collection))
                let id = try #require(delete["results", 0, "conflicts", 0, "id"]?.text)
                let rita = try await server.reviewer()
                let answer = try await rita.resolve(
                    try #require(Int(id)), #"{"version": 1, "choose": "\#(chosen)"}"#)
                #expect(answer.status == 201, "\(collection) \(chosen): \(answer.text)")
                let record = try await mac.record("n", in: collection)
                #expect(record["deleted"] == .boolean(!isThere), "\(collection) \(chosen)")
                if isThere { #expect(record["fields"]?.canonicalText == #"{"more":[1],"text":"second"}"#) }
                #expect(try await server.verifiesAudit())
            }
        }
    }

    @Test("a field of a record that was deleted since is decided only when the record is to come back")
    func deletedSince() async throws {
        try await TestServer.run(.memory) { server in
            let (mac, _) = try await Self.open(server)
            _ = try await mac.send(.delete("e", ["mac": 2, "ipad": 1], in: "estimates"))
            let rita = try await server.reviewer()
            let refused = try await rita.resolve(1, #"{"version": 1, "choose": 0}"#)
            #expect(refused.status == 422)
            #expect(refused.code == "record_deleted")
            let restored = try await rita.resolve(1, #"{"version": 1, "choose": 0, "restore": true}"#)
            #expect(restored.status == 201)
            #expect(try await mac.record("e", in: "estimates")["fields", "status"] == "sent")
            #expect(try await mac.record("e", in: "estimates")["fields", "title"] == "t")
        }
        try await TestServer.run(.memory) { server in
            let (mac, _) = try await Self.open(server)
            _ = try await mac.send(.delete("e", ["mac": 2, "ipad": 1], in: "estimates"))
            let rita = try await server.reviewer()
            // It stays deleted, and waits no more.
            #expect(try await rita.resolve(1, #"{"version": 1, "choose": "current"}"#).status == 201)
            #expect(try await mac.record("e", in: "estimates")["deleted"] == true)
            #expect(try await rita.get("/v1/conflicts?status=open")["conflicts"] == [])
            // Nothing waits in it unseen either: whoever restores it finds one value.
            let clock: Value = ["mac": 3, "ipad": 1, "reviewer:rita": 1]
            let back = try await mac.send(.restore("e", clock, in: "estimates"))
            #expect(back["records", 0, "fields", "status"] == "draft")
            #expect(back["records", 0, "siblings"] == nil)
            #expect(back["records", 0, "openConflicts"] == 0)
        }
    }

    @Test("decisions are held to the collection's rules")
    func rules() async throws {
        try await TestServer.run(.memory) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            _ = try await mac.send(
                mac.creating("e", ["code": "A", "title": "a", "lat": 1, "lng": 1], in: "estimates"))
            let met = try await ipad.send(
                ipad.creating("e", ["code": "B", "title": "b", "lat": 2, "lng": 2], in: "estimates"))
            let conflicts = met["results", 0, "conflicts"]?.elements ?? []
            func id(_ unit: String) -> Int {
                conflicts.first { $0["unit"]?.text == unit }?["id"]?.text.flatMap { Int($0) } ?? 0
            }
            let rita = try await server.reviewer()
            let immutable = try await rita.resolve(id("code"), #"{"version": 1, "choose": "loser"}"#)
            #expect(immutable.code == "field_immutable")
            #expect(try await rita.resolve(id("code"), #"{"version": 1, "choose": "winner"}"#).status == 201)
            let type = try await rita.resolve(id("title"), #"{"version": 1, "value": 7}"#)
            #expect(type.code == "value_invalid")
            #expect(type.status == 422)
            let part = try await rita.resolve(id("place"), #"{"version": 1, "value": {"lat": 3}}"#)
            #expect(part.code == "group_incomplete")
            for beside in ["{}", #"{"title": "x"}"#, #"{"lat": 3, "lng": 3, "title": "x"}"#] {
                let answer = try await rita.resolve(id("place"), #"{"version": 1, "value": \#(beside)}"#)
                #expect(answer.code == "group_incomplete", "\(beside)")
            }
            #expect(try await rita.resolve(id("place"), #"{"version": 1, "choose": "stored"}"#).status == 201)
            let record = try await mac.record("e", in: "estimates")
            #expect(record["fields", "lat"] == 1 && record["fields", "lng"] == 1)
            for bad in [
                "{}", #"{"version": 1}"#, #"{"choose": 0}"#, #"{"version": 1, "choose": 0, "value": 1}"#,
                #"{"version": 1, "choose": "best"}"#, #"{"version": 1, "choose": 9}"#,
                #"{"version": "1", "choose": 0}"#,
                #"{"version": 1, "choose": 0, "clock": {"mac": -1}}"#, #"{"version": 1, "choose": 0, "tenant": "x"}"#,
                #"{"version": 1, "choose": 0, "restore": 1}"#, "[]", "{",
            ] {
                #expect(try await rita.resolve(id("title"), bad).status == 400, "\(bad)")
            }
            #expect(try await rita.resolve(99, #"{"version": 1, "choose": 0}"#).status == 404)
        }
    }

    @Test(
        "edge 42: a redacted side is decided for while the record has its value, and never told",
        arguments: Engine.allCases)
    func redacted(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let secret = "078-05-1120"
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            let mine = mac.creating(
                "e", ["ssn": .string(secret + "a"), "diagnosis": .string(secret)], in: "estimates",
                at: TestClock.start - 9)
            _ = try await mac.send(mine)
            let met = try await ipad.send(
                ipad.creating("e", ["ssn": .string(secret + "b"), "diagnosis": "none"], in: "estimates"))
            let conflicts = met["results", 0, "conflicts"]?.elements ?? []
            let rita = try await server.reviewer()
            for conflict in conflicts {
                let id = try #require(conflict["id"]?.text.flatMap { Int($0) })
                let preview = try await rita.send(
                    .post, "/v1/conflicts/resolutions?dryRun=true",
                    json: #"{"conflicts": [{"id": "\#(id)", "version": 1}], "choose": "stored"}"#)
                #expect(preview["decided"] == 1)
                #expect(!preview.text.contains(secret))
                let answer = try await rita.resolve(id, #"{"version": 1, "choose": "stored"}"#)
                #expect(answer.status == 201)
                #expect(answer["resolution", "value"]?.memberNames == ["$redacted"])
                #expect(answer["conflict"]?.canonicalText.contains(secret) == false)
                #expect(try await rita.resolve(id, #"{"version": 2, "choose": 0}"#).status == 200)
            }
            #expect(try await mac.record("e", in: "estimates")["fields", "ssn"]?.text == secret + "a")
            for uri in ["/v1/conflicts", "/v1/conflicts/export", "/v1/records/estimates/e/history"] {
                #expect(try await !rita.get(uri).text.contains(secret), "\(uri)")
            }
            #expect(!server.log.text.contains(secret))
            // The value that lost is gone from the record now, and the audit has its hash only.
            let other = try await ipad.send(.update("e", ["ipad": 2, "mac": 1], ["ssn": "x"], in: "estimates"))
            let later = try #require(other["results", 0, "conflicts", 0, "id"]?.text.flatMap { Int($0) })
            _ = try await mac.send(
                .update("e", ["mac": 2, "ipad": 2, "reviewer:rita": 2], ["ssn": "y"], in: "estimates"))
            let gone = try await rita.resolve(later, #"{"version": 1, "choose": "loser"}"#)
            #expect(gone.code == "value_invalid")
        }
    }

    @Test("a storage that fails loses no decision: the same again is carried out, or recognised")
    func faults() async throws {
        try await TestServer.run(.sqlite) { server in
            let (mac, _) = try await Self.open(server)
            let rita = try await server.reviewer()
            server.faults.setDown(true)
            let down = try await rita.resolve(1, #"{"version": 1, "choose": 0}"#)
            #expect(down.status == 503)
            #expect(down["retryable"] == true)
            server.faults.setDown(false)
            #expect(try await rita.resolve(1, #"{"version": 1, "choose": 0}"#).status == 201)
            #expect(try await rita.resolve(1, #"{"version": 1, "choose": 0}"#).status == 200)
            #expect(try await mac.record("e", in: "estimates")["fields", "status"] == "sent")
        }
    }
}

extension TestPerson {
    func resolve(_ conflict: Int, _ json: String) async throws -> Answer {
        try await send(.post, "/v1/conflicts/\(conflict)/resolutions", json: json)
    }
}

extension TestServer {
    /// Whether the tenant's chain and the index over it are whole.
    func verifiesAudit(of tenant: String = "acme") async throws -> Bool {
        try await store.verifyAudit(of: .init(tenant)).fault == nil
    }
}
