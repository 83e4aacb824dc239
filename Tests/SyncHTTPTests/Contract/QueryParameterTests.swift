import HTTPTypes
import MergeCore
import SyncHTTP
import SyncWire
import Testing

@Suite("what is not asked for is not passed over")
struct QueryParameterTests {
    /// Ways to misspell a parameter, and names that a route never has.
    private func misspelt(_ names: Set<String>) -> Set<String> {
        var wrong: Set = ["dryrun", "DryRun", "colection", "Since", "q", "tenant", "%64ryrun", ""]
        for name in names {
            wrong.formUnion([name.uppercased(), name + "s", String(name.dropLast()), " " + name, name + "[]"])
            wrong.insert(name.prefix(1).uppercased() + name.dropFirst())
        }
        return wrong.subtracting(names)
    }

    private func query(_ name: String) -> String {
        "?" + name.replacing(" ", with: "%20").replacing("[]", with: "%5B%5D") + "=true"
    }

    @Test("the document and the routes name the same query parameters")
    func document() async throws {
        let document = try ContractDocument()
        try await TestServer.run(.memory) { server in
            for route in server.server.routes {
                let operation = try #require(
                    document.operations.first {
                        $0.path == route.path && $0.method == route.method.rawValue.lowercased()
                    })
                let parameters = (operation.content["parameters"]?.elements ?? []).map(document.resolved(_:))
                let described = parameters.filter { $0["in"] == "query" }.compactMap { $0["name"]?.text }
                #expect(Set(described) == route.query, "\(route.method) \(route.path)")
                #expect(described.count == route.query.count, "\(route.method) \(route.path)")
            }
        }
    }

    @Test("a misspelt parameter is refused by its name on every route, before anything is done")
    func routes() async throws {
        var options = ServerOptions()
        options.limits.requestsPerSecondPerDevice = 1_000
        try await TestServer.run(.memory, options) { server in
            let token = try await server.token(device: "mac", roles: ["device", "reviewer", "admin"])
            try await server.makeConflict("e")
            let head = try await server.store.head(of: "acme")
            for route in server.server.routes {
                let path = route.path.replacing(/\{[a-z]+\}/, with: "1")
                for name in misspelt(route.query) {
                    let answer = try await server.send(
                        route.method, path + query(name), token: token,
                        headers: [("Content-Type", "application/json"), ("Idempotency-Key", "k")],
                        body: Array(#"{"operations":[],"id":"tv","choose":"winner","text":"x","user":null}"#.utf8))
                    #expect(answer.status == 400, "\(route.method) \(path): \(name)")
                    #expect(answer.code == "invalid_request", "\(route.method) \(path): \(name)")
                    let named = name == "%64ryrun" ? "dryrun" : name
                    #expect(
                        named == "tenant" || answer["detail"]?.text?.contains("'\(named)'") == true,
                        "\(route.method) \(path): \(name)")
                }
            }
            #expect(try await server.store.head(of: "acme") == head)
            #expect(try await server.store.devices("acme").map(\.device.name.text) == ["ipad", "mac"])
        }
    }

    @Test("a misspelt parameter is refused at every address of the reviewers' pages, forms too")
    func pages() async throws {
        try await TestServer.run(.memory) { server in
            try await server.makeConflict("e")
            let session = try await server.signIn()
            let head = try await server.store.head(of: "acme")
            for address in server.server.reviewAddresses {
                let path = address.path.replacing("{id}", with: "1")
                // Every page is drawn anew, which takes its time: a share of the misspellings, another one at each address.
                for name in misspelt(address.query).sorted().enumerated().filter({ ($0.offset + path.count) % 5 == 0 })
                    .map(\.element)
                {
                    let answer =
                        address.method == .get
                        ? try await session.get(path + query(name))
                        : try await session.post(
                            path + query(name), [("choose", "0"), ("version", "1"), ("text", "x"), ("conflict", "1:1")])
                    #expect(answer.status == 400, "\(address.method) \(path): \(name)")
                }
            }
            #expect(try await server.store.head(of: "acme") == head)
            #expect(try await session.get("/review").status == 200)
            for filter in [
                "status=opn", "kind=x", "order=up", "assignee=all", "assignee=named", "since=yesterday",
                "until=2026-13-01",
                "status=open&status=all",
            ] {
                for path in ["/review", "/review/bulk", "/review/conflicts/1"] {
                    let answer = try await session.get(path + "?" + filter)
                    #expect(answer.status == 400, "\(path)?\(filter)")
                    #expect(answer.text.contains("Nothing was changed"))
                }
            }
        }
    }

    @Test("values are read as they are described and not otherwise")
    func values() async throws {
        try await TestServer.run(.memory) { server in
            let token = try await server.token(device: "mac", roles: ["device", "reviewer", "admin"])
            for uri in [
                "/v1/changes?limit=%2B5", "/v1/changes?limit=", "/v1/changes?limit=5.0", "/v1/changes?limit=0x5",
                "/v1/changes?wait=true", "/v1/changes?wait=-0.0", "/v1/changes?since=", "/v1/changes?collection=",
                "/v1/conflicts?status=Open", "/v1/conflicts?since=today", "/v1/conflicts?unassigned=1",
                "/v1/conflicts?order=Newest", "/v1/conflicts?limit=1&limit=1", "/v1/conflicts?page=",
                "/v1/operations?outcome=Rejected", "/v1/operations?outcome=rejected&device=",
                "/v1/changes?limit=%zz", "/v1/changes?collection=%ff", "/v1/changes?collection=a%00",
            ] {
                #expect(try await server.send(.get, uri, token: token).status == 400, "\(uri)")
            }
            for query in ["dryRun", "dryRun=", "dryRun=True", "dryRun=1", "return=none", "dryRun=true&dryRun=false"] {
                let mac = try await server.device("mac")
                #expect(try await mac.send(mac.creating("n", ["v": 1]), query: "?" + query).status == 400, "\(query)")
            }
            #expect(try await server.store.head(of: "acme").sequence == 0)
        }
    }

    @Test("a misspelt option of a batch, of an operation or of a decision is refused by its name")
    func members() async throws {
        try await TestServer.run(.memory) { server in
            let mac = try await server.device("mac")
            let operation = { (more: String) in
                #"{"id":"o","kind":"create","collection":"notes","record":"n","clock":{"mac":1},"fields":{"v":1}\#(more)}"#
            }
            for option in ["atomik", "Atomic", "sentat", "SentAt", "dryRun", "return", "Device", "operation"] {
                let answer = try await mac.send(
                    body: #"{"operations":[\#(operation(""))],"\#(option)":false}"#)
                #expect(answer.status == 400 && answer.code == "invalid_request", "\(option)")
                #expect(answer["errors", 0, "pointer"] == .string("/" + option))
            }
            for member in ["dependson", "depends_on", "At", "time", "field", "Fields", "tenant"] {
                let answer = try await mac.send(body: #"{"operations":[\#(operation(",\"\(member)\":[]"))]}"#)
                #expect(answer.code == "batch_refused", "\(member)")
                #expect(answer["errors", 0, "code"] == "invalid_request")
                #expect(answer["errors", 0, "pointer"] == .string("/operations/0/" + member))
            }
            #expect(try await server.store.head(of: "acme").sequence == 0)
            let own = try await mac.send(
                body: #"{"x-attempt":3,"operations":[\#(operation(",\"x-screen\":\"list\""))]}"#)
            #expect(own["results", 0, "outcome"] == "applied")

            try await server.makeConflict("e")
            let reviewer = try await server.reviewer()
            for (path, body) in [
                ("1/resolutions", #"{"version":1,"choose":0,"notes":"why"}"#),
                ("1/resolutions", #"{"version":1,"choose":0,"Restore":true}"#),
                ("resolutions?collection=estimates", #"{"choose":"winner","conflict":[]}"#),
            ] {
                let answer = try await reviewer.send(.post, "/v1/conflicts/\(path)", json: body)
                #expect(answer.status == 400 && answer.code == "invalid_request", "\(body)")
            }
            #expect(try await reviewer.get("/v1/conflicts/1")["version"] == 1)
        }
    }
}
