import Causality
import EngineHarness
import HTTPTypes
import HummingbirdTesting
import MergeCore
import SyncHTTP
import SyncWire
import Testing
import Values

@Suite("answers that are compressed")
struct CompressionTests {
    private func withRecords(
        _ count: Int, setup: TestingSetup = .router,
        _ body: @escaping @Sendable (TestServer, TestDevice) async throws -> Void
    ) async throws {
        var options = ServerOptions()
        options.setup = setup
        try await TestServer.run(.memory, options) { server in
            let mac = try await server.device("mac")
            let drafts = (0..<count).map { mac.creating("n\($0)", ["title": "Kitchen and bath", "total": 1_280]) }
            for start in stride(from: 0, to: count, by: 500) {
                _ = try await mac.send(body: batchBody(Array(drafts[start..<min(start + 500, count)])))
                server.clock.advance(milliseconds: 10_000)
            }
            try await body(server, mac)
        }
    }

    private func ask(
        _ device: TestDevice, _ uri: String = "/v1/changes?limit=5000", method: HTTPRequest.Method = .get,
        encoding: String?, accept: String? = nil
    ) async throws -> Answer {
        try await device.server.send(
            method, uri, token: device.token,
            headers: [("Accept-Encoding", encoding), ("Accept", accept)].compactMap { name, value in
                value.map { (name, $0) }
            })
    }

    private static let setups: [TestingSetup] = [.router, .live]

    @Test("a page is the same with gzip and without, and says so; HEAD says what GET does", arguments: [0, 1])
    func page(setup: Int) async throws {
        try await withRecords(1_000, setup: Self.setups[setup]) { _, mac in
            let plain = try await ask(mac, encoding: nil)
            let packed = try await ask(mac, encoding: "br, gzip;q=0.8")
            #expect(plain.header("Content-Encoding") == nil && packed.header("Content-Encoding") == "gzip")
            #expect(plain.header("Vary") == "Accept-Encoding" && packed.header("Vary") == "Accept-Encoding")
            #expect(packed.header("Content-Length") == "\(packed.body.count)")
            #expect(packed.body.count < plain.body.count / 8, "\(packed.body.count) of \(plain.body.count)")
            #expect(gunzipped(packed.body) == plain.body)
            for (encoding, whole) in [("gzip", packed), ("identity", plain)] {
                let head = try await ask(mac, method: .head, encoding: encoding)
                #expect(head.body.isEmpty)
                #expect(head.header("Content-Length") == "\(whole.body.count)")
                #expect(head.header("Content-Encoding") == whole.header("Content-Encoding"))
            }
        }
    }

    @Test("the client's choice counts, and what is short goes as it is")
    func choice() async throws {
        try await withRecords(20) { _, mac in
            for (encoding, isPacked) in [
                ("gzip", true), ("x-gzip", true), ("GZIP ; Q=0.5", true), ("*", true), ("deflate, *;q=0.1", true),
                ("gzip;q=0", false), ("gzip;q=0, *", false), ("*;q=0", false), ("identity", false), ("br", false),
                ("", false), ("gzip;q=0.5, identity", false), ("gzip;q=x", false), ("gzip, identity;q=0", true),
            ] {
                let answer = try await ask(mac, encoding: encoding)
                #expect((answer.header("Content-Encoding") == "gzip") == isPacked, "\(encoding)")
                #expect(answer.header("Vary") == "Accept-Encoding")
            }
            let short = try await ask(mac, "/v1/changes?limit=1", encoding: "gzip")
            #expect(short.header("Content-Encoding") == nil && short["changes"]?.elements.count == 1)
            #expect(short.header("Vary") == "Accept-Encoding")
            let refused = try await ask(mac, "/v1/changes?since=x", encoding: "gzip")
            #expect(refused.code == "cursor_invalid" && refused.header("Content-Encoding") == nil)
        }
    }

    @Test("a catch-up and a query are the same with gzip and without", arguments: [0, 1])
    func lines(setup: Int) async throws {
        try await withRecords(1_000, setup: Self.setups[setup]) { server, mac in
            let lines = "application/x-ndjson"
            let plain = try await ask(mac, "/v1/changes?limit=70", encoding: nil, accept: lines)
            let packed = try await ask(mac, "/v1/changes?limit=70", encoding: "gzip", accept: lines)
            #expect(packed.header("Content-Encoding") == "gzip" && packed.header("Vary") == "Accept-Encoding")
            #expect(plain.body.split(separator: 0x0A).count == 1_015)
            #expect(gunzipped(packed.body) == plain.body)
            let body = Array(#"{"records":{"notes":[\#((0..<50).map { "\"n\($0)\"" }.joined(separator: ","))]}}"#.utf8)
            let named = try await server.send(
                .post, "/v1/records/query", token: mac.token,
                headers: [("Content-Type", "application/json"), ("Accept-Encoding", "gzip")], body: body)
            #expect(gunzipped(named.body).map { String(decoding: $0, as: UTF8.self).contains("\"n49\"") } == true)
        }
    }

    @Test("the audit's export is the same with gzip and without, as lines and as a table")
    func audit() async throws {
        try await TestServer.run(.memory) { server in
            for number in 0..<5 { try await server.makeConflict("e\(number)") }
            let reviewer = try await server.reviewer()
            for type in ["application/x-ndjson", "text/csv"] {
                let ask = { (encoding: String) in
                    try await server.send(
                        .get, "/v1/conflicts/export", token: reviewer.token,
                        headers: [("Accept", type), ("Accept-Encoding", encoding)])
                }
                let packed = try await ask("gzip")
                #expect(packed.header("Content-Encoding") == "gzip")
                #expect(gunzipped(packed.body) == (try await ask("identity")).body)
            }
        }
    }

    @Test("a catch-up that is refused midway says why in its last line, compressed or not")
    func refusedMidway() async throws {
        try await withRecords(200) { server, mac in
            await server.store.gate.onRead { method, count in
                if method == .changes, count > 2 { server.faults.setDown(true) }
            }
            let answer = try await ask(
                mac, "/v1/changes?limit=50", encoding: "gzip", accept: "application/x-ndjson")
            let text = String(decoding: try #require(gunzipped(answer.body)), as: UTF8.self)
            #expect(text.split(separator: "\n").last?.contains("storage_unavailable") == true)
        }
    }

    @Test("those who are woken by one change get the same bytes, and memory is given back")
    func shared() async throws {
        try await withRecords(10) { server, mac in
            let cursor = try #require(try await mac.get("/v1/changes")["cursor"]?.text)
            let devices = try await (0..<20).asyncMap { try await server.device("d\($0)") }
            let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
                for device in devices {
                    group.addTask { try await ask(device, "/v1/changes?since=\(cursor)&wait=60", encoding: "gzip") }
                }
                try await eventually("all wait") { await server.server.engine.load().waitingReaders == 20 }
                let text = Value.string(ExactString(String(repeating: "many words ", count: 500)))
                _ = try await mac.send(mac.creating("long", ["v": text]))
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(answers.map(\.body)).count == 1)
            #expect(answers[0].header("Content-Encoding") == "gzip")
            #expect(gunzipped(answers[0].body).map { $0.count > 5_000 } == true)
            let admin = try await server.send(.get, "/metrics")
            #expect(admin.text.contains("rejoin_memory_bytes 0\n"), "\(admin.text)")
        }
    }
}
