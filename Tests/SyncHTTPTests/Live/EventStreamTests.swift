import Causality
import EngineHarness
import HTTPTypes
import MergeCore
import SyncEngine
import SyncHTTP
import SyncWire
import Testing
import Values

@Suite("streams of live changes")
struct EventStreamTests {
    @Test(
        "a hint tells of a commit and of its collections, and goes on from the last event", arguments: Engine.allCases)
    func hints(engine: Engine) async throws {
        try await TestServer.run(engine, .live) { server in
            let (mac, ipad) = (try await server.device("mac"), try await server.device("ipad"))
            let stranger = try await server.device("mac", tenant: "globex")
            _ = try await mac.send(mac.creating("n", ["v": 1]))
            let since = try await ipad.cursor()
            let stream = try await EventListener(server, "/v1/changes/stream?since=\(since)", token: ipad.token)
            #expect(stream.head.contains("200 OK") && stream.head.contains("text/event-stream"))
            #expect(try await stream.nextPiece()?.retry == "2000")
            try await server.holds(1)
            _ = try await stranger.send(stranger.creating("theirs", ["v": 1]))
            _ = try await mac.send(mac.creating("m", ["v": 1]), mac.creating("d", ["v": 1], in: "drafts"))
            let hint = try #require(try await stream.next())
            #expect(hint.name == "change")
            #expect(hint.json["collections"] == ["drafts", "notes"])
            #expect(hint.json["cursor"]?.text == hint.id)
            #expect(hint.id == (try await mac.cursor()), "the cursor is the feed's end")
            // Whoever comes back with the last event is told of what came later alone.
            let again = try await EventListener(
                server, "/v1/changes/stream?since=\(since)", token: ipad.token,
                headers: ["Last-Event-ID: \(hint.id ?? "")"])
            try await server.holds(2)
            _ = try await mac.send(mac.creating("o", ["v": 1]))
            let later = try #require(try await again.next())
            #expect(later.json["collections"] == ["notes"])
            #expect(try await stream.next()?.id == later.id)
            // Without a cursor there is something to pull at once; nobody knows where it is.
            let new = try await EventListener(server, "/v1/changes/stream", token: ipad.token)
            let first = try #require(try await new.next())
            #expect(first.id == later.id && first.json["collections"] == nil)
        }
    }

    @Test("hints of other collections are not told, and many commits are few hints", arguments: Engine.allCases)
    func filtered(engine: Engine) async throws {
        try await TestServer.run(engine, .live) { server in
            let mac = try await server.device("mac")
            let since = try await mac.cursor()
            let uri = "/v1/changes/stream?since=\(since)&collection=drafts"
            let stream = try await EventListener(server, uri, token: mac.token)
            try await server.holds(1)
            for number in 0..<5 { _ = try await mac.send(mac.creating("n\(number)", ["v": 1])) }
            _ = try await mac.send(mac.creating("d", ["v": 1], in: "drafts"))
            let hint = try #require(try await stream.next())
            #expect(hint.json["collections"] == ["drafts"])
            let all = try await EventListener(
                server, "/v1/changes/stream?since=\(try await mac.cursor())", token: mac.token)
            try await server.holds(2)
            let began = ContinuousClock.now
            for number in 0..<60 { _ = try await mac.send(mac.creating("m\(number)", ["v": 1])) }
            let end = try await mac.cursor()
            var count = 0
            while let hint = try await all.next() {
                count += 1
                if hint.id == end { break }
            }
            let intervals = (ContinuousClock.now - began) / .milliseconds(50)
            #expect(count >= 1 && Double(count) <= intervals + 2, "\(count) hints in \(intervals) intervals")
        }
    }

    @Test(
        "records come as the pages of the pull, and nothing is missed by whoever goes on from the last one",
        arguments: Engine.allCases)
    func records(engine: Engine) async throws {
        try await TestServer.run(engine, .live) { server in
            let (mac, ipad) = (try await server.device("mac"), try await server.device("ipad"))
            for number in 0..<7 { _ = try await mac.send(mac.creating("n\(number)", ["v": .integer(Int64(number))])) }
            let uri = "/v1/changes/stream?deliver=records"
            let stream = try await EventListener(server, uri, token: ipad.token)
            var found: [String] = []
            var last = ""
            while found.count < 7, let page = try await stream.next() {
                #expect(page.name == "page")
                found += page.json["changes"]?.elements.compactMap { $0["id"]?.text } ?? []
                #expect(page.id == page.json["cursor"]?.text)
                last = page.id ?? ""
            }
            #expect(found == (0..<7).map { "n\($0)" })
            try await server.holds(1)
            _ = try await mac.send(mac.creating("later", ["v": 1]))
            #expect(try await stream.next()?.json["changes", 0, "id"] == "later")
            let again = try await EventListener(server, uri, token: ipad.token, headers: ["Last-Event-ID: \(last)"])
            let missed = try #require(try await again.next())
            #expect(missed.json["changes"]?.elements.map { $0["id"] } == ["later"])
            let pulled = try await ipad.get("/v1/changes?since=\(last)")
            #expect(missed.json["changes"] == pulled["changes"] && missed.json["cursor"] == pulled["cursor"])
        }
    }

    /// What ends a stream.
    enum End: String, CaseIterable, Sendable {
        case retired, revoked, expired, stopped

        var code: String {
            switch self {
            case .retired: "device_retired"
            case .revoked: "unauthenticated"
            case .expired: "token_expired"
            case .stopped: "overloaded"
            }
        }
    }

    @Test(
        "a stream ends with the reason, within a second of what ends it", arguments: Engine.allCases, End.allCases)
    func ends(engine: Engine, end: End) async throws {
        try await TestServer.run(engine, .live) { server in
            let mac = try await server.device("mac")
            let token = try await server.token(device: "ipad", roles: ["device"])
            let since = try await mac.cursor()
            let deliveries = ["hints", "records"]
            var streams: [EventListener] = []
            for delivery in deliveries {
                streams.append(
                    try await EventListener(
                        server, "/v1/changes/stream?since=\(since)&deliver=\(delivery)", token: token))
            }
            try await server.holds(2)
            try await eventually("they wait") { await server.server.engine.load().waitingReaders == 2 }
            switch end {
            case .retired: #expect(try await server.admin().send(.delete, "/v1/devices/ipad").status == 204)
            case .revoked:
                try await server.server.engine.end("acme", .tokens(of: "ada", issuedBeforeMilliseconds: .max))
            case .expired:
                // What comes after the token's end is not told any more.
                server.clock.advance(milliseconds: 3_700_000)
                let fresh = try await server.device("mac")
                _ = try await fresh.send(fresh.creating("n", ["v": 1]))
            case .stopped: await server.server.engine.releaseReaders()
            }
            for stream in streams {
                let event = try #require(try await stream.next())
                #expect(event.name == "end")
                #expect(event.json["code"] == .string(ExactString(end.code)))
                #expect((event.retry != nil) == (end == .stopped))
                #expect(try await stream.next() == nil, "then the answer is over")
            }
            try await server.holds(0)
        }
    }

    @Test("who goes away is not told any more, and holds nothing")
    func gone() async throws {
        try await TestServer.run(.sqlite, .live) { server in
            let mac = try await server.device("mac")
            let since = try await mac.cursor()
            for delivery in ["hints", "records"] {
                do {
                    let stream = try await EventListener(
                        server, "/v1/changes/stream?since=\(since)&deliver=\(delivery)", token: mac.token)
                    try await server.holds(1)
                    _ = stream.head
                }
                // Nothing happens that would be written: the connection itself tells.
                try await server.holds(0)
                #expect(await server.server.engine.load().waitingReaders == 0)
            }
        }
    }

    @Test("what is wrong is a problem document before anything is sent, and seats are bounded")
    func refused() async throws {
        try await TestServer.run(.memory) { server in
            let mac = try await server.device("mac")
            let path = "/v1/changes/stream"
            #expect(try await mac.get("\(path)?deliver=all").code == "invalid_request")
            #expect(try await mac.get("\(path)?since=x").code == "cursor_invalid")
            #expect(try await mac.get("\(path)?collection=").code == "invalid_request")
            #expect(try await mac.get(path, accept: "application/json").code == "not_acceptable")
            #expect(try await server.send(.get, path).status == 401)
            let head = try await server.send(.head, path, token: mac.token)
            #expect(head.status == 200 && head.header("Content-Type") == "text/event-stream")
            #expect(await server.server.engine.load().openReaders == 0)
        }
        var options = ServerOptions.live
        options.limits.readersPerDevice = 2
        try await TestServer.run(.memory, options) { server in
            let mac = try await server.device("mac")
            let streams = [
                try await EventListener(server, "/v1/changes/stream", token: mac.token),
                try await EventListener(server, "/v1/changes/stream", token: mac.token),
            ]
            try await server.holds(2)
            let refused = try await mac.get("/v1/changes/stream")
            #expect(refused.status == 429 && refused.header("Retry-After") != nil)
            #expect(streams.count == 2)
        }
    }

    @Test("a hint is no acknowledgement, and a cursor that was saved is one")
    func acknowledged() async throws {
        try await TestServer.run(.sqlite, .live) { server in
            let (mac, ipad) = (try await server.device("mac"), try await server.device("ipad"))
            _ = try await mac.send(mac.creating("n", ["v": 1]))
            let since = try await mac.cursor()
            func acknowledged() async throws -> Value? {
                await server.server.engine.close()
                let devices = try await server.admin().get("/v1/devices")["devices"]?.elements ?? []
                return devices.first { $0["id"] == "ipad" }?["acknowledgedSequence"]
            }
            _ = try await EventListener(server, "/v1/changes/stream?since=\(since)", token: ipad.token)
            _ = try await EventListener(
                server, "/v1/changes/stream?deliver=records", token: ipad.token, headers: ["Last-Event-ID: \(since)"])
            #expect(try await acknowledged() == 0)
        }
        try await TestServer.run(.sqlite, .live) { server in
            let (mac, ipad) = (try await server.device("mac"), try await server.device("ipad"))
            _ = try await mac.send(mac.creating("n", ["v": 1]))
            let since = try await mac.cursor()
            _ = try await EventListener(
                server, "/v1/changes/stream?deliver=records&since=\(since)", token: ipad.token)
            await server.server.engine.close()
            let devices = try await server.admin().get("/v1/devices")["devices"]?.elements ?? []
            #expect(devices.first { $0["id"] == "ipad" }?["acknowledgedSequence"] == 1)
        }
    }
}
