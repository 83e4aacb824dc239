import Causality
import EngineHarness
import MergeCore
import SyncEngine
import SyncHTTP
import SyncStorage
import SyncWire
import Testing
import Values

/// What a request costs, in visits to the store: each is a way to another thread or to another machine, and back.
@Suite("visits to the store")
struct VisitTests {
    /// How often the store is visited by what the body does.
    private static func visits(_ server: TestServer, _ body: () async throws -> Answer) async throws -> Int {
        let before = server.store.counts.visits
        let answer = try await body()
        #expect(answer.status == 200)
        return server.store.counts.visits - before
    }

    private static func cursor(_ device: TestDevice) async throws -> String {
        try await device.get("/v1/changes")["cursor"]?.text ?? ""
    }

    @Test(
        "an empty poll asks nobody on the embedded engine, and once where others may commit", arguments: Engine.allCases
    )
    func emptyPoll(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            _ = try await mac.send(mac.creating("n", ["v": 1]))
            let since = try await Self.cursor(mac)
            for query in ["", "&collection=drafts", "&limit=1"] {
                let visits = try await Self.visits(server) { try await mac.get("/v1/changes?since=\(since)\(query)") }
                #expect(visits == (engine == .sqlite ? 0 : 1), "\(query)")
            }
            // What is known of the access is as old as it may be.
            for _ in 0..<2 {
                server.clock.advance(milliseconds: 5_000)
                let visits = try await Self.visits(server) { try await mac.get("/v1/changes?since=\(since)") }
                #expect(visits == 1)
            }
        }
    }

    @Test("a page is one visit, whether the access of its device is known or not", arguments: Engine.allCases)
    func page(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let (mac, ipad) = (try await server.device("mac"), try await server.device("ipad"))
            var since = try await Self.cursor(mac)
            for number in 0..<4 {
                _ = try await ipad.send(ipad.creating("n\(number)", ["v": 1]))
                if number > 1 { server.clock.advance(milliseconds: 5_000) }
                var found: Answer?
                let visits = try await Self.visits(server) {
                    let answer = try await mac.get("/v1/changes?since=\(since)")
                    found = answer
                    return answer
                }
                #expect(visits == 1)
                #expect(found?["changes"]?.elements.map { $0["id"] } == [.string(.init("n\(number)"))])
                since = found?["cursor"]?.text ?? ""
            }
        }
    }

    @Test(
        "who asks again and again is looked up once in five seconds, and nothing else is read",
        arguments: Engine.allCases)
    func others(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            _ = try await mac.send(mac.creating("n", ["v": 1]), key: "b")
            _ = try await mac.get("/v1/session")
            for (path, expected) in [
                ("/v1/session", 0), ("/v1/collections", 0), ("/v1/records/notes/n", 1), ("/v1/changes", 1),
                ("/v1/batches/b", 1),
            ] {
                let visits = try await Self.visits(server) { try await mac.get(path) }
                #expect(visits == expected, "\(path)")
                server.clock.advance(milliseconds: 5_000)
                // The first of them looks the device up; the feed does it on the way.
                let later = try await Self.visits(server) { try await mac.get(path) }
                #expect(later == (path == "/v1/changes" ? 1 : expected + 1), "\(path), later")
            }
        }
    }

    @Test(
        "a long poll that ends without news visits once for its last look, and not before", arguments: Engine.allCases)
    func longPoll(engine: Engine) async throws {
        var options = ServerOptions()
        options.hasTimeouts = false
        try await TestServer.run(engine, options) { server in
            let mac = try await server.device("mac")
            _ = try await mac.send(mac.creating("n", ["v": 1]))
            let since = try await Self.cursor(mac)
            let visits = try await Self.visits(server) {
                async let answer = mac.get("/v1/changes?since=\(since)&wait=1")
                try await eventually("it waits") { await server.server.engine.load().waitingReaders == 1 }
                server.clock.endWaits()
                return try await answer
            }
            #expect(visits == (engine == .sqlite ? 1 : 2))
        }
    }

    @Test("what is wrong with a request is told to those alone who have access", arguments: Engine.allCases)
    func refused(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let stranger = try await server.device("mac", tenant: "globex")
            let (own, other) = (try await Self.cursor(mac), try await Self.cursor(stranger))
            let wrong = [
                "/v1/changes?since=\(other)", "/v1/changes?limit=0", "/v1/changes?tenant=globex",
                "/v1/changes?since=x&wait=1",
            ]
            for path in wrong { #expect(try await mac.get(path).status == 400, "\(path)") }
            try await server.store.base.end(
                "acme", .tokens(of: "ada", issuedBeforeMilliseconds: .max), nowMilliseconds: server.clock.now)
            server.clock.advance(milliseconds: 5_000)
            for path in wrong + ["/v1/changes?since=\(own)", "/v1/changes"] {
                #expect(try await mac.get(path).code == "unauthenticated", "\(path)")
                // What one request has found out is not what makes the next one answer so.
                server.clock.advance(milliseconds: 5_000)
            }
            #expect(try await stranger.get("/v1/changes?since=\(other)").status == 200)
        }
    }
}
