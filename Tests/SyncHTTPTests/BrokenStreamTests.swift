import Causality
import HTTPTypes
import MergeCore
import StrictJSON
import SyncStorage
import SyncWire
import Testing
import Values

@testable import SyncHTTP

@Suite("streams that are refused midway")
struct BrokenStreamTests {
    /// What happens while the second page is on its way.
    enum Event: String, CaseIterable, Sendable, CustomTestStringConvertible {
        case retirement, expiry, fault, memory

        var testDescription: String { rawValue }

        var code: String {
            switch self {
            case .retirement: "device_retired"
            case .expiry: "token_expired"
            case .fault: "storage_unavailable"
            case .memory: "overloaded"
            }
        }

        func happen(to server: TestServer) async throws {
            switch self {
            case .retirement: _ = try await server.store.base.retire("acme", "ipad", atMilliseconds: server.clock.now)
            case .expiry: server.clock.advance(milliseconds: 3_700_000)
            case .fault: server.faults.setDown(true)
            case .memory:
                #expect(server.server.memoryBudget.take(server.server.memoryBudget.capacityBytes, for: "other"))
            }
        }

        func end(on server: TestServer) {
            switch self {
            case .retirement, .expiry: break
            case .fault: server.faults.setDown(false)
            case .memory: server.server.memoryBudget.giveBack(server.server.memoryBudget.capacityBytes, of: "other")
            }
        }
    }

    private static func lines(_ answer: Answer) throws -> [Value] {
        try answer.text.split(separator: "\n").map { try Value(json: String($0)) }
    }

    @Test(
        "a catch-up ends with the reason, behind the cursor from which it goes on", arguments: Engine.allCases,
        Event.allCases)
    func catchUp(engine: Engine, event: Event) async throws {
        let document = try ContractDocument()
        try await TestServer.run(engine) { server in
            let (mac, ipad) = (try await server.device("mac"), try await server.device("ipad"))
            let text = String(repeating: "x", count: 20_000)
            for number in 0..<10 {
                _ = try await mac.send(mac.creating("n\(number)", ["v": .string(ExactString(text))]))
            }
            let before = server.store.counts[.changes]
            await server.store.gate.onRead { method, count in
                if method == .changes, count == before + 2 { try await event.happen(to: server) }
            }
            let uri = "/v1/changes?limit=3"
            let broken = try await ipad.get(uri, accept: "application/x-ndjson")
            await server.store.gate.onRead(nil)
            event.end(on: server)
            #expect(broken.status == 200)
            let lines = try Self.lines(broken)
            let (cursor, problem) = (lines.dropLast().last, try #require(lines.last))
            #expect(cursor?["cursor"] != nil && cursor?["more"] == true, "\(lines.count)")
            #expect(problem["problem", "code"] == .string(event.code))
            #expect(problem["problem", "requestId"]?.text == broken.header("X-Request-Id"))
            #expect((problem["retryAfter"] != nil) == (event == .fault || event == .memory))
            let schema = document.root["components", "schemas", "StreamProblem"] ?? .null
            #expect(SchemaChecker(document: document).faults(in: problem, under: schema) == [])
            let metrics = try await server.send(.get, "/metrics").text
            #expect(metrics.contains(#"rejoin_problems_total{code="\#(event.code)","#))
            #expect(!metrics.contains(#"rejoin_problems_total{code="\#(event.code)",status="200"#))

            // Whoever does what the code says has everything in the end, nothing of it twice.
            let device = event == .retirement ? try await server.device("ipad-2") : try await server.device("ipad")
            let since = cursor?["cursor"]?.text ?? ""
            let rest = try Self.lines(try await device.get(uri + "&since=\(since)", accept: "application/x-ndjson"))
            #expect(rest.last?["more"] == false)
            let names = (lines + rest).compactMap { $0["id"]?.text }
            #expect(names == (0..<10).map { "n\($0)" })
            #expect(await server.server.engine.load().openReaders == 0)
        }
    }

    @Test("a refusal before the first page is a problem document; behind the head it is the only line")
    func first() async throws {
        try await TestServer.run(.sqlite) { server in
            let mac = try await server.device("mac")
            let text = String(repeating: "x", count: 40_000)
            _ = try await mac.send(mac.creating("n", ["v": .string(ExactString(text))]))
            await server.store.gate.onRead { method, _ in
                if method == .changes { try await Event.memory.happen(to: server) }
            }
            let lines = try Self.lines(try await mac.get("/v1/changes", accept: "application/x-ndjson"))
            #expect(lines.map { $0["problem", "code"] } == ["overloaded"])
            await server.store.gate.onRead(nil)
            Event.memory.end(on: server)
            server.faults.setDown(true)
            let refused = try await mac.get("/v1/changes", accept: "application/x-ndjson")
            #expect(refused.status == 503 && refused.type == "application/problem+json")
        }
    }

    @Test("an export in lines says why it is not whole", arguments: Engine.allCases)
    func export(engine: Engine) async throws {
        var options = ServerOptions()
        options.limits.entriesPerPage = 2
        try await TestServer.run(engine, options) { server in
            for number in 0..<6 { try await server.makeConflict("e\(number)") }
            let rita = try await server.reviewer()
            let before = server.store.counts[.conflicts]
            await server.store.gate.onRead { method, count in
                if method == .conflicts, count == before + 2 { server.faults.setDown(true) }
            }
            let lines = try Self.lines(try await rita.get("/v1/conflicts/export", accept: "application/x-ndjson"))
            server.faults.setDown(false)
            #expect(lines.count == 3)
            #expect(lines.dropLast().allSatisfy { $0["sides"] != nil })
            #expect(lines.last?["problem", "code"] == "storage_unavailable")
            #expect(lines.last?["problem", "retryable"] == true)
        }
    }
}
