import Causality
import HTTPTypes
import MergeCore
import StrictJSON
import SyncHTTP
import SyncWire
import Testing
import Values

@Suite("reviewers decide many at once, comment and assign")
struct BulkReviewTests {
    /// Records with an open conflict each; every third has a third side too.
    private static func fill(_ server: TestServer, records: Int) async throws -> TestDevice {
        let devices = [
            try await server.device("mac"), try await server.device("ipad"), try await server.device("phone"),
        ]
        for (index, device) in devices.enumerated() {
            let numbers = (0..<records).filter { index < 2 || $0 % 3 == 0 }
            let body = batchBody(
                numbers.map { device.creating("r\($0)", ["status": .string("\(device.id) \($0)")], in: "estimates") })
            #expect(try await device.send(body: body).status == 200)
        }
        return devices[0]
    }

    private static func page(_ person: TestPerson, _ query: String) async throws -> [Value] {
        try await person.get("/v1/conflicts?\(query)&limit=500")["conflicts"]?.elements ?? []
    }

    @Test("a preview tells what a decision does, and the decision does that", arguments: Engine.allCases)
    func preview(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await Self.fill(server, records: 12)
            let rita = try await server.reviewer()
            let uri = "/v1/conflicts/resolutions?status=open&collection=estimates"
            let preview = try await rita.send(.post, uri + "&dryRun=true", json: #"{"choose": "stored"}"#)
            #expect(preview.status == 200)
            #expect(preview["dryRun"] == true)
            #expect(preview["decided"] == 12)
            #expect(preview["results", 0, "before", "value"] == "phone 0")
            #expect(preview["results", 0, "after", "value"] == "mac 0")
            #expect(try await Self.page(rita, "status=open").count == 12)
            #expect(try await mac.record("r0", in: "estimates")["fields", "status"] == "phone 0")

            // Three sides: two of them did not show, so that 'loser' names neither.
            let loser = try await rita.send(.post, uri + "&dryRun=true", json: #"{"choose": "loser"}"#)
            #expect(loser["decided"] == 8)
            #expect(loser["refused"] == 4)

            // Meanwhile one of them gains a side.
            let tv = try await server.device("tv")
            _ = try await tv.send(tv.creating("r1", ["status": "tv"], in: "estimates"))
            let listed = preview["results"]?.elements.map {
                #"{"id": "\#($0["conflict"]?.text ?? "")", "version": \#(($0["version"]?.number ?? 0) - 1)}"#
            }
            let conflicts = (listed ?? []).joined(separator: ",")
            let decided = try await rita.send(
                .post, "/v1/conflicts/resolutions",
                json: #"{"conflicts": [\#(conflicts)], "choose": "stored", "note": "all of them"}"#)
            #expect(decided["decided"] == 11)
            #expect(decided["refused"] == 1)
            let refused = decided["results"]?.elements.first { $0["outcome"] == "refused" }
            #expect(refused?["error", "code"] == "conflict_changed")
            #expect(refused?["error", "conflict", "record"] == "r1")
            let left = try await Self.page(rita, "status=open")
            #expect(left.map { $0["record"]?.text } == ["r1"])
            #expect(try await mac.record("r0", in: "estimates")["fields", "status"] == "mac 0")
            let resolved = try await Self.page(rita, "status=resolved")
            #expect(resolved.allSatisfy { $0["resolution", "note"] == "all of them" })

            // The same again does nothing, and says so.
            let again = try await rita.send(
                .post, "/v1/conflicts/resolutions", json: #"{"conflicts": [\#(conflicts)], "choose": "stored"}"#)
            #expect(again["results"]?.elements.count { $0["outcome"] == "repeated" } == 11)
            #expect(try await server.verifiesAudit())
        }
    }

    @Test("more than one call takes are decided call by call", arguments: Engine.allCases)
    func pages(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            _ = try await Self.fill(server, records: 25)
            let rita = try await server.reviewer()
            var page = ""
            var decided: Int64 = 0
            var calls = 0
            while true {
                let answer = try await rita.send(
                    .post, "/v1/conflicts/resolutions?status=open&limit=10\(page)", json: #"{"choose": "current"}"#)
                decided += answer["decided"]?.number ?? 0
                calls += 1
                guard let next = answer["next"]?.text else { break }
                page = "&page=\(next)"
            }
            #expect(decided == 25)
            #expect(calls == 3)
            #expect(try await Self.page(rita, "status=open").isEmpty)
        }
    }

    @Test("two conflicts of one unit in one call: the decision on the first ends the second")
    func overlapping() async throws {
        try await TestServer.run(.memory) { server in
            let devices = [
                try await server.device("a"), try await server.device("b"), try await server.device("c"),
            ]
            for device in devices { _ = try await device.send(device.creating("n", ["text": .string(device.id)])) }
            let rita = try await server.reviewer()
            let answer = try await rita.send(
                .post, "/v1/conflicts/resolutions?collection=notes", json: #"{"choose": "stored"}"#)
            // Each of the two conflicts a policy decided: both can be decided, one after the other.
            #expect(answer["decided"] == 2)
            #expect(try await devices[0].record("n")["fields", "text"] == "b")
        }
    }

    @Test("what is asked for wrongly is refused as a whole")
    func wrong() async throws {
        try await TestServer.run(.memory) { server in
            _ = try await Self.fill(server, records: 3)
            let rita = try await server.reviewer()
            for (query, body) in [
                ("", #"{"choose": "current"}"#), ("?status=none", #"{"choose": "current"}"#), ("?status=open", "{}"),
                ("?status=open&limit=501", #"{"choose": "current"}"#),
                ("", #"{"conflicts": [{"id": 1}], "choose": "current"}"#),
                ("", #"{"conflicts": [{"id": "1", "version": 1}, {"id": "1", "version": 1}], "choose": "current"}"#),
                ("?assignee=x&unassigned=true", #"{"choose": "current"}"#),
            ] {
                let answer = try await rita.send(.post, "/v1/conflicts/resolutions\(query)", json: body)
                #expect(answer.status == 400, "\(query) \(body): \(answer.text)")
            }
            #expect(try await Self.page(rita, "status=open").count == 3)
            let mac = try await server.device("mac")
            let forbidden = try await TestPerson(server: server, token: mac.token)
                .send(.post, "/v1/conflicts/resolutions?status=open", json: #"{"choose": "current"}"#)
            #expect(forbidden.status == 403)
        }
    }

    @Test("comments and assignments stand in the audit, and a retry doubles neither", arguments: Engine.allCases)
    func commentsAndAssignments(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            _ = try await Self.fill(server, records: 2)
            let rita = try await server.reviewer()
            let wim = try await server.reviewer(user: "wim")
            let comment = { (person: TestPerson, text: String) in
                try await person.send(
                    .post, "/v1/conflicts/1/comments", json: Value.object([("text", .string(text))]).canonicalText)
            }
            #expect(try await comment(rita, "which?").status == 201)
            #expect(try await comment(rita, "which?").status == 200)
            #expect(try await comment(wim, "which?").status == 201)
            #expect(try await comment(rita, "<b>\u{202E}mine</b>").status == 201)
            let long = String(repeating: "é", count: 4_097)
            #expect(try await comment(rita, long).status == 400)
            #expect(try await comment(rita, "").status == 400)
            let shown = try await rita.get("/v1/conflicts/1")
            #expect(
                shown["comments"]?.elements.map { $0["text"]?.text } == ["which?", "which?", "<b>\u{202E}mine</b>"])
            #expect(shown["comments"]?.elements.map { $0["user"]?.text } == ["rita", "wim", "rita"])
            #expect(shown["version"] == 2)

            let assign = { (user: String) in
                try await rita.send(.put, "/v1/conflicts/1/assignee", json: #"{"user": \#(user)}"#)
            }
            #expect(try await assign(#""wim""#)["assignee"] == "wim")
            #expect(try await assign(#""wim""#).status == 200)
            #expect(try await Self.page(rita, "assignee=wim").count == 1)
            #expect(try await Self.page(rita, "unassigned=true").count == 1)
            #expect(try await assign("null")["assignee"] == .null)
            #expect(try await Self.page(rita, "assignee=wim").isEmpty)
            #expect(try await assign("7").status == 400)
            #expect(try await assign(#""""#).status == 400)
            // A decision at the version that was looked at is not disturbed by what was said since.
            #expect(try await wim.resolve(1, #"{"version": 2, "choose": 0}"#).status == 201)
            #expect(try await comment(wim, "done").status == 201)
            #expect(try await server.verifiesAudit())
            let entries = try await server.store.auditEntries("acme", after: .min, limit: 100)
            let types = entries.filter { $0.conflict == 1 }.map(\.type)
            #expect(
                types == [
                    "opened", "sides_changed", "commented", "commented", "commented", "assigned", "assigned",
                    "resolved",
                    "commented",
                ])
        }
    }
}
