import SyncEngine
import Testing

/// What is read of what comes, and what it may take while it is there.
@Suite("limits of bodies and queries")
struct BodyLimitTests {
    @Test("a form and a query are refused for too many parameters and too many bytes")
    func parameters() async throws {
        try await TestServer.run(.memory) { server in
            let mac = try await server.device("mac")
            let limits = server.server.requestLimits
            func form(_ text: String) async throws -> Int {
                try await server.send(
                    .post, "/review/sign-in", headers: [("Content-Type", "application/x-www-form-urlencoded")],
                    body: Array(text.utf8)
                ).status
            }
            #expect(try await form("code=x") == 403)
            #expect(try await form(String(repeating: "a&", count: limits.formFields + 1)) == 400)
            #expect(try await form("code=%zz") == 400)
            #expect(try await form("code=" + String(repeating: "a", count: limits.signInBytes)) == 413)
            let collections = { (count: Int) in
                (0..<count).map { "collection=c\($0)" }.joined(separator: "&")
            }
            #expect(try await mac.get("/v1/changes?" + collections(limits.queryParameters)).status == 200)
            #expect(try await mac.get("/v1/changes?" + collections(limits.queryParameters + 1)).status == 400)
            let long = try await mac.get("/v1/changes?since=" + String(repeating: "a", count: limits.queryBytes))
            #expect(long.status == 400)
            #expect(long["limit"]?.number == Int64(limits.queryBytes))
        }
    }

    @Test("a tenant holds its share of the memory and no more, and all of them no more than there is")
    func memoryBudget() {
        let memoryBudget = MemoryBudget(capacityBytes: 100, shareBytes: 40)
        #expect(memoryBudget.take(30, for: "acme"))
        #expect(!memoryBudget.take(11, for: "acme"), "over the share")
        #expect(memoryBudget.take(10, for: "acme"))
        #expect(memoryBudget.take(50, for: "globex"), "more than a share, and nothing else of the tenant")
        #expect(!memoryBudget.take(1, for: "globex"))
        #expect(!memoryBudget.take(11, for: nil), "over the whole")
        #expect(memoryBudget.take(10, for: nil))
        #expect(memoryBudget.figures.heldBytes == 100)
        memoryBudget.giveBack(40, of: "acme")
        #expect(memoryBudget.take(40, for: "initech"))
        memoryBudget.giveBack(40, of: "initech")
        memoryBudget.giveBack(50, of: "globex")
        memoryBudget.giveBack(10, of: nil)
        #expect(memoryBudget.figures.heldBytes == 0)
        #expect(memoryBudget.figures.peakBytes == 100)
        #expect(memoryBudget.figures.refusals == 3)
    }

    @Test("what a request took is given back, also where it failed")
    func givenBack() async throws {
        try await TestServer.run(.memory) { server in
            let mac = try await server.device("mac")
            _ = try await mac.send(mac.creating("n", ["v": 1]))
            _ = try await mac.send(body: "{")
            _ = try await mac.send(body: String(repeating: " ", count: 9_000_000))
            _ = try await server.send(.get, "/openapi.yaml")
            let metrics = try await server.send(.get, "/metrics").text
            #expect(metrics.contains("rejoin_memory_bytes 0\n"))
            #expect(!metrics.contains("rejoin_memory_peak_bytes 0\n"))
            #expect(metrics.contains("rejoin_problems_total{code=\"malformed_json\",status=\"400\"} 1\n"))
            #expect(metrics.contains("rejoin_problems_total{code=\"batch_too_large\",status=\"413\"} 1\n"))
        }
    }

    @Test("the bare address says what this is, to people and to programs")
    func front() async throws {
        try await TestServer.run(.memory) { server in
            let program = try await server.send(.get, "/")
            #expect(program.type == "application/json")
            #expect(program["name"]?.text == "rejoin")
            let person = try await server.send(
                .get, "/", headers: [("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")])
            #expect(person.type == "text/html")
            for link in ["/review", "/openapi.yaml"] { #expect(person.text.contains("href=\"\(link)\""), "\(link)") }
        }
    }
}
