import HTTPTypes
import MergeCore
import StrictJSON
import SyncEngine
import SyncHTTP
import SyncWire
import Testing
import Values

@Suite("the contract")
struct ContractTests {
    @Test("the document and the routes name the same methods of the same paths")
    func routes() async throws {
        let document = try ContractDocument()
        try await TestServer.run(.memory) { server in
            let served = Set(server.server.routes.map { "\($0.method.rawValue) \($0.path)" })
            let described = Set(document.operations.map { "\($0.method.uppercased()) \($0.path)" })
            #expect(served.subtracting(described) == [])
            #expect(described.subtracting(served) == [])
            #expect(described.count == document.operations.count)
        }
    }

    @Test("the document says of each route whether it needs a token, and describes what follows from that")
    func security() async throws {
        let document = try ContractDocument()
        try await TestServer.run(.memory) { server in
            for route in server.server.routes {
                let operation = try #require(
                    document.operations.first {
                        $0.path == route.path && $0.method == route.method.rawValue.lowercased()
                    })
                let statuses = Set(operation.content["responses"]?.memberNames ?? [])
                #expect((operation.content["security"] == []) == (route.access == .open), "\(route.path)")
                #expect(statuses.contains("401") == (route.access != .open), "\(route.path)")
                #expect(statuses.isSuperset(of: ["400", "405", "500"]), "\(route.path)")
                #expect((operation.content["operationId"]?.text ?? "").isEmpty == false)
            }
        }
    }

    @Test("the problem codes, outcomes and other words of the document are those of the code")
    func words() throws {
        let document = try ContractDocument()
        let words = { (schema: Step, path: [Step]) -> Set<String> in
            let start = document.root["components", "schemas", schema]
            return Set(path.reduce(start) { $0?[$1] }?["enum"]?.elements.compactMap(\.text) ?? [])
        }
        #expect(words("ProblemCode", []) == Set(ProblemCode.allCases.map(\.rawValue)))
        #expect(words("Outcome", []) == Set(OutcomeKind.allCases.map(\.rawValue)))
        #expect(words("Relation", []) == Set(Relation.allCases.map(\.rawValue)))
        #expect(words("ConflictStatus", []) == Set(ConflictStatus.allCases.map(\.rawValue)))
        #expect(words("ConflictKind", []) == Set(ConflictKind.allCases.map(\.rawValue)))
        #expect(
            words("Policy", [])
                == Set(MergePolicy.allCases.map(\.rawValue) + DeletePolicy.allCases.map(\.rawValue)))
        #expect(words("Operation", ["properties", "kind"]) == Set(OperationKind.allCases.map(\.rawValue)))
        #expect(words("Session", ["properties", "roles", "items"]) == Set(Caller.Role.allCases.map(\.rawValue)))
        let described = document.root["components", "schemas", "ProblemCode", "description"]?.text ?? ""
        for code in ProblemCode.allCases { #expect(described.contains("| `\(code.rawValue)` |"), "\(code.rawValue)") }
    }

    @Test("the checker of schemas finds what does not conform")
    func checker() throws {
        let document = try ContractDocument()
        let checker = SchemaChecker(document: document)
        let faults = { (value: Value, name: String) in
            checker.faults(in: value, under: ["$ref": .string("#/components/schemas/\(name)")])
        }
        #expect(faults(["name": "x"], "Counts").count == 1)
        #expect(faults([["name": "x", "count": 1]], "Counts") == [])
        #expect(faults([["name": 7, "count": 0]], "Counts").count == 2)
        #expect(faults([["count": 1]], "Counts") == ["/0: has no name"])
        #expect(faults("lost", "Outcome") == [": is not in the enum"])
        #expect(faults("yesterday", "Time") == [": is no time"])
        #expect(faults(["mac": 1, "ipad": 0], "Clock") == ["/ipad: is too small"])
        #expect(faults(["cursor": "x", "more": 1, "serverTime": "2026-11-20T22:00:00Z"], "ChangeEnd").count == 1)
        #expect(
            faults(["history": [["type": "operation"]], "next": .null], "HistoryPage") == [
                "/history/0: 0 of oneOf match"
            ])
        #expect(faults(["history": [], "next": 7], "HistoryPage").count == 1)
        #expect(faults(["type": "urn:x", "code": "forbidden"], "Problem").count == 6)
    }

    @Test("every example in the document conforms to its schema")
    func examples() throws {
        let document = try ContractDocument()
        let checker = SchemaChecker(document: document)
        var count = 0
        func visit(_ value: Value, _ place: String) {
            switch value {
            case .array(let elements): for element in elements { visit(element, place) }
            case .object(let object):
                if let schema = object["schema"] {
                    let named = object["examples"].map { examples in
                        examples.memberNames.compactMap { examples[.name($0)].map(document.resolved(_:))?["value"] }
                    }
                    for example in (named ?? []) + [object["example"]].compactMap({ $0 }) {
                        count += 1
                        #expect(checker.faults(in: example, under: schema) == [], "\(place)")
                    }
                }
                for member in object.members { visit(member.value, "\(place)/\(member.name)") }
            case .null, .boolean, .integer, .double, .string: break
            }
        }
        visit(document.root["paths"] ?? .null, "")
        visit(document.root["components"] ?? .null, "")
        #expect(count > 30)
    }

    @Test(
        "what the server answers conforms to the document: status, media type, headers and body",
        arguments: Engine.allCases)
    func answers(engine: Engine) async throws {
        let document = try ContractDocument()
        var options = ServerOptions()
        options.limits.wire.operationsPerBatch = 50
        try await TestServer.run(engine, options) { server in
            try await conversation(ContractWitness(document: document, server: server))
        }
    }

    /// Something of everything that the server can answer.
    private func conversation(_ witness: ContractWitness) async throws {
        let server = witness.server
        let all = try await server.token(device: "mac", roles: ["device", "reviewer", "admin"], user: "ada")
        let other = try await server.token(device: "ipad", roles: ["device"], user: "bob")
        let send = { (token: String, drafts: [Draft], key: String, atomic: Bool) in
            try await witness.ask(
                .post, "/v1/batches", token: token, key: key, body: batchBody(drafts, atomic: atomic))
        }
        let mac = try await server.device("mac")
        let ipad = try await server.device("ipad")
        let first = mac.creating(
            "e",
            [
                "title": "t", "status": "a", "total": 1, "visits": ["$increment": 1], "tags": ["$add": ["x"]],
                "ssn": "1", "lat": 1, "lng": 2,
            ], in: "estimates")
        _ = try await send(all, [first], "k", true)
        _ = try await send(all, [first], "k", true)
        _ = try await send(
            other, [ipad.creating("e", ["title": "u", "status": "b", "ssn": "2"], in: "estimates")], "k", true)
        _ = try await send(all, [.delete("e", ["mac": 2], in: "estimates")], "k2", true)
        _ = try await send(other, [.update("e", ["ipad": 9], ["title": "x"], in: "estimates")], "k3", true)
        let bad = Draft.update("e", ["ipad": 2], ["total": "x"], in: "estimates")
        _ = try await send(other, [bad, .update("e", ["ipad": 3], ["total": 1], in: "estimates")], "k4", false)
        _ = try await send(other, (0..<51).map { ipad.creating("n\($0)", ["v": 1]) }, "k5", true)
        _ = try await send(other, [], "k", true)
        _ = try await send(all, [.update("e", ["mac": 3, "ipad": 1], ["status": "c"], in: "estimates")], "k6", true)
        _ = try await send(all, [mac.creating("gone", ["v": 1]), .delete("gone", ["mac": 2])], "k7", true)
        for body in ["{", "[]", #"{"operations":[7]}"#] {
            _ = try await witness.ask(.post, "/v1/batches", token: all, key: Fresh.id(), body: body)
        }
        _ = try await witness.ask(.post, "/v1/batches", token: all, body: "{}")
        _ = try await witness.ask(.post, "/v1/batches?dryRun=true", token: all, key: "dry", body: #"{"operations":[]}"#)
        for id in ["tv", "tv", "", "reviewer:x"] {
            _ = try await witness.ask(.post, "/v1/devices", token: all, body: "{\"id\":\"\(id)\"}")
        }
        _ = try await witness.ask(.post, "/v1/devices", token: other, body: #"{"id":"tv"}"#)
        _ = try await witness.ask(.post, "/v1/devices", token: all, type: "text/plain", body: "x")
        for uri in [
            "/v1/session", "/v1/collections", "/v1/batches/k", "/v1/batches/none", "/v1/operations/\(first.id)",
            "/v1/operations/\(bad.id)?device=ipad", "/v1/operations/none", "/v1/operations?outcome=rejected",
            "/v1/operations?outcome=rejected&limit=1", "/v1/operations", "/v1/changes", "/v1/changes?limit=1",
            "/v1/changes?since=x", "/v1/changes?limit=x", "/v1/records/estimates/e", "/v1/records/notes/gone",
            "/v1/records/notes/none", "/v1/records/estimates/e/history", "/v1/records/estimates/e/history?limit=1",
            "/v1/records/notes/none/history", "/v1/conflicts", "/v1/conflicts?limit=1", "/v1/conflicts?page=x",
            "/v1/conflicts/summary", "/v1/conflicts/export", "/v1/conflicts/1", "/v1/conflicts/99", "/v1/devices",
            "/healthz", "/readyz", "/metrics", "/openapi.yaml", "/v1/session?tenant=x",
        ] {
            _ = try await witness.ask(.get, uri, token: all)
            _ = try await witness.ask(.get, uri, token: other)
            _ = try await witness.ask(.get, uri, token: nil)
            _ = try await witness.ask(.put, uri, token: all)
        }
        for body in [
            "{}", #"{"only":{"notes":["gone"]},"limit":1}"#, #"{"only":{"notes":[7]}}"#, #"{"since":"x"}"#, "{",
            #"{"records":{"notes":["gone","none"]}}"#, #"{"records":7}"#,
            #"{"only":{"notes":[\#((0..<1_001).map { "\"\($0)\"" }.joined(separator: ","))]}}"#,
        ] {
            for path in ["/v1/changes/query", "/v1/records/query"] {
                _ = try await witness.ask(.post, path, token: all, body: body)
                _ = try await witness.ask(.post, path, token: all, accept: "application/x-ndjson", body: body)
            }
        }
        _ = try await witness.ask(.post, "/v1/changes/query", token: nil, body: "{}")
        _ = try await witness.ask(.post, "/v1/records/query", token: all, type: "text/plain", body: "{}")
        try await review(witness, token: all)
        for (uri, accept) in [
            ("/v1/changes", "application/x-ndjson"), ("/v1/changes", "image/png"), ("/v1/conflicts/export", "text/csv"),
            ("/v1/conflicts/export", "image/png"),
        ] {
            _ = try await witness.ask(.get, uri, token: all, accept: accept)
        }
        server.faults.setDown(true)
        for uri in ["/v1/session", "/v1/changes", "/v1/conflicts", "/readyz", "/v1/devices"] {
            _ = try await witness.ask(.get, uri, token: all)
        }
        _ = try await send(all, [mac.creating("down", ["v": 1])], "down", true)
        server.faults.setDown(false)
        _ = try await witness.ask(.delete, "/v1/devices/none", token: all)
        _ = try await witness.ask(.delete, "/v1/devices/ipad", token: all)
        _ = try await witness.ask(.get, "/v1/changes", token: other)
        _ = try await witness.ask(.get, "/v1/devices", token: all)
    }
}

extension ContractTests {
    /// Everything that a reviewer can be answered.
    private func review(_ witness: ContractWitness, token: String) async throws {
        for (uri, body) in [
            ("1/resolutions", #"{"version": 9, "choose": 0}"#), ("1/resolutions", #"{"version": 2, "value": 7}"#),
            ("1/resolutions", #"{"version": 1, "choose": "loser"}"#),
            ("99/resolutions", #"{"version": 1, "choose": 0}"#),
            ("2/resolutions", #"{"version": 1, "choose": "loser"}"#),
            ("2/resolutions", #"{"version": 1, "choose": "loser"}"#),
            ("2/resolutions", #"{"version": 1, "choose": "winner"}"#), ("2/resolutions", "{}"), ("2/resolutions", "{"),
            ("3/resolutions", #"{"version": 1, "value": {"x": 1}}"#),
            ("resolutions?collection=estimates&dryRun=true", #"{"choose": "winner"}"#),
            ("resolutions", #"{"choose": 0}"#),
            ("resolutions?status=automatic", #"{"choose": "current"}"#), ("1/comments", #"{"text": "why?"}"#),
            ("1/comments", #"{"text": "why?"}"#), ("1/comments", "{}"), ("99/comments", #"{"text": "why?"}"#),
        ] {
            _ = try await witness.ask(.post, "/v1/conflicts/\(uri)", token: token, body: body)
        }
        for body in [#"{"user": "rita"}"#, #"{"user": null}"#, "{}"] {
            _ = try await witness.ask(.put, "/v1/conflicts/1/assignee", token: token, body: body)
        }
        _ = try await witness.ask(
            .post, "/v1/conflicts/1/comments", token: token, type: "text/plain", body: #"{"text": "why?"}"#)
        _ = try await witness.ask(.get, "/v1/conflicts", token: token)
    }
}

/// Asks a server and holds each answer against the document.
struct ContractWitness: Sendable {
    let document: ContractDocument
    let server: TestServer

    func ask(
        _ method: HTTPRequest.Method, _ uri: String, token: String?, key: String? = nil, accept: String? = nil,
        type: String = "application/json", body: String? = nil
    ) async throws -> Answer {
        var headers: [(String, String)] = []
        if let key { headers.append(("Idempotency-Key", key)) }
        if let accept { headers.append(("Accept", accept)) }
        if body != nil { headers.append(("Content-Type", type)) }
        let answer = try await server.send(
            method, uri, token: token, headers: headers, body: body.map { Array($0.utf8) })
        try check(answer, method, uri)
        return answer
    }

    private func check(_ answer: Answer, _ method: HTTPRequest.Method, _ uri: String) throws {
        let comment = Comment(rawValue: "\(method) \(uri): \(answer.status) \(answer.text.prefix(400))")
        let path = uri.prefix { $0 != "?" }
        // The most specific path: the one with the fewest parameters.
        let candidates = document.operations.filter { operation in
            let parts = operation.path.split(separator: "/")
            let asked = path.split(separator: "/")
            return parts.count == asked.count
                && zip(parts, asked).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }.sorted { $0.path.count { $0 == "{" } < $1.path.count { $0 == "{" } }
        let best = try #require(candidates.first?.path, comment)
        // Another method is described, as 405, at each of the path's own.
        let operation = try #require(
            candidates.first { $0.path == best && (answer.status == 405 || $0.method == method.rawValue.lowercased()) },
            comment)
        let described = try #require(operation.content["responses", .name("\(answer.status)")], comment)
        let response = document.resolved(described)
        for name in response["headers"]?.memberNames ?? [] {
            let header = response["headers", .name(name)].map(document.resolved(_:))
            guard let text = answer.header(name) else {
                #expect(header?["required"] != true, "\(comment): \(name)")
                continue
            }
            let schema = header?["schema"] ?? .null
            let value: Value = schema["type"] == "integer" ? Int64(text).map { .integer($0) } ?? .null : .string(text)
            #expect(SchemaChecker(document: document).faults(in: value, under: schema) == [], comment)
        }
        guard let content = response["content"] else {
            #expect(answer.body.isEmpty, comment)
            return
        }
        let media = try #require(content[.name(answer.type ?? "")], comment)
        if answer.type?.hasSuffix("json") == true, answer.type != "application/x-ndjson" {
            let body = try #require(answer.json, comment)
            let faults = SchemaChecker(document: document).faults(in: body, under: media["schema"] ?? .null)
            #expect(faults == [], comment)
        }
        if answer.type == "application/x-ndjson" {
            let isFeed = best.hasPrefix("/v1/changes")
            let checker = SchemaChecker(document: document)
            for line in answer.text.split(separator: "\n") {
                let value = try Value(json: String(line))
                let name: Step =
                    value["problem"] != nil
                    ? "StreamProblem" : isFeed ? (value["more"] == nil ? "Record" : "ChangeEnd") : "Conflict"
                let schema = document.root["components", "schemas", name] ?? .null
                #expect(checker.faults(in: value, under: schema) == [], comment)
            }
        }
    }
}
