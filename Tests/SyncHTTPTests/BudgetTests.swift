import Causality
import HTTPTypes
import MergeCore
import SyncHTTP
import SyncStorage
import SyncWire
import Testing
import Values

@Suite("budgets of requests")
struct BudgetTests {
    private static func options(_ requestsPerSecond: Int) -> ServerOptions {
        var options = ServerOptions()
        options.limits.requestsPerSecondPerDevice = requestsPerSecond
        return options
    }

    @Test("every route that needs a token has a budget, that of the device or of the user")
    func everyRoute() async throws {
        try await TestServer.run(.memory, Self.options(1)) { server in
            for (number, route) in server.server.routes.filter({ $0.access != .open }).enumerated() {
                let uri = route.path.replacing(/\{[a-z]+\}/, with: "1") + route.endingQuery
                for device in [nil, "device-\(number)"] {
                    if device == nil, route.access == .device { continue }
                    let token = try await server.token(
                        device: device, roles: ["device", "reviewer", "admin"], user: "user-\(number)")
                    let ask = {
                        try await server.send(
                            route.method, uri, token: token,
                            headers: [("Content-Type", "application/json"), ("Idempotency-Key", "k")], body: [])
                    }
                    for _ in 0..<10 { #expect(try await ask().status != 429, "\(route.method) \(uri)") }
                    let over = try await ask()
                    #expect(over.status == 429, "\(route.method) \(uri) \(device ?? "without a device")")
                    #expect(over.code == "rate_limited")
                    #expect(over.header("Retry-After") == "1")
                }
            }
        }
    }

    @Test("who is over the budget is told before the body is read")
    func beforeTheBody() async throws {
        try await TestServer.run(.memory, Self.options(1)) { server in
            let mac = try await server.device("mac")
            let admin = try await server.admin()
            for _ in 0..<10 {
                _ = try await mac.get("/v1/session")
                _ = try await admin.get("/v1/session")
            }
            // The body is too large by far, which its reader would find out.
            let large = [UInt8](repeating: 0x20, count: RequestLimits().bodyBytes + 1)
            #expect(try await mac.send(bytes: large).status == 429)
            let registering = try await server.send(
                .post, "/v1/devices", token: admin.token, headers: [("Content-Type", "application/json")], body: large)
            #expect(registering.status == 429)
        }
    }

    @Test("edge 9: a replay gives back what was taken for it", arguments: Engine.allCases)
    func replaysAreFree(engine: Engine) async throws {
        try await TestServer.run(engine, Self.options(1)) { server in
            let mac = try await server.device("mac")
            let body = batchBody([mac.creating("n", ["v": 1])])
            _ = try await mac.send(body: body, key: "k")
            for _ in 0..<30 { #expect(try await mac.send(body: body, key: "k").isReplayed == true) }
            for _ in 0..<9 { #expect(try await mac.get("/v1/session").status == 200) }
            #expect(try await mac.get("/v1/session").status == 429)
        }
    }

    @Test(
        "what batches cost is waited for, however few requests they are; a replay costs nothing",
        arguments: Engine.allCases)
    func bytes(engine: Engine) async throws {
        var options = ServerOptions()
        options.limits.bytesPerSecondPerDevice = 10_000
        try await TestServer.run(engine, options) { server in
            let mac = try await server.device("mac")
            // 60 kB of body, twice that of rows, and as much again of answer, of a budget of 100 kB.
            let value = Value.string(String(repeating: "x", count: 60_000))
            let large = batchBody([mac.creating("large", ["v": value])])
            #expect(try await mac.send(body: large, key: "large").status == 200)
            let over = try await mac.send(body: batchBody([mac.creating("small", ["v": 1])]), key: "small")
            #expect(over.status == 429)
            #expect(over.code == "rate_limited")
            let wait = try #require(over.header("Retry-After").flatMap(Int.init))
            #expect((14...30).contains(wait), "\(wait) s for a debt of about 150 to 200 kB")
            #expect(try await mac.send(body: large, key: "large").isReplayed == true)
            #expect(try await server.device("phone").send(body: batchBody([]), key: "k").status != 429)
            server.clock.advance(milliseconds: Int64(wait) * 1_000)
            #expect(try await mac.send(body: batchBody([mac.creating("small", ["v": 1])]), key: "small").status == 200)
        }
    }

    @Test("nonsense costs its bytes too")
    func nonsense() async throws {
        var options = ServerOptions()
        options.limits.bytesPerSecondPerDevice = 10_000
        try await TestServer.run(.memory, options) { server in
            let mac = try await server.device("mac")
            let nonsense = [UInt8](repeating: 0x5B, count: 200_000)
            #expect(try await mac.send(bytes: nonsense).status == 400)
            #expect(try await mac.send(bytes: nonsense).status == 429)
        }
    }

    @Test("one edit of a large record costs what it makes the server write")
    func amplified() async throws {
        var options = ServerOptions()
        options.limits.bytesPerSecondPerDevice = 100_000
        try await TestServer.run(.memory, options) { server in
            let mac = try await server.device("mac")
            let large = mac.creating("large", ["v": .string(String(repeating: "x", count: 200_000))])
            #expect(try await mac.send(body: batchBody([large])).status == 200)
            var accepted = 0
            var clock: Int64 = 1
            repeat {
                clock += 1
                let edit = Draft.update("large", ["mac": .integer(clock)], ["n": .integer(clock)])
                guard try await mac.send(body: batchBody([edit])).status == 200 else { break }
                accepted += 1
            } while accepted < 50
            #expect((1...4).contains(accepted), "an edit of 200 bytes writes and answers 400 kB, of a million")
        }
    }

    @Test("a reviewer's pages are in the reviewer's budget")
    func pages() async throws {
        try await TestServer.run(.memory, Self.options(1)) { server in
            let browser = try await server.signIn()
            var statuses: [Int] = []
            for _ in 0..<12 { statuses.append(try await browser.get("/review").status) }
            #expect(statuses.first == 200)
            #expect(statuses.last == 429)
            #expect(try await browser.get("/review/pulse").status == 429)
        }
    }
}
