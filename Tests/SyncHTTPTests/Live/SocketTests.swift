import Causality
import EngineHarness
import HTTPTypes
import MergeCore
import SyncEngine
import SyncHTTP
import SyncWire
import Testing
import Values

@Suite("sockets")
struct SocketTests {
    @Test("a socket is opened as RFC 6455 says, with the token in a header or as a subprotocol")
    func handshake() async throws {
        try await TestServer.run(.memory, .live) { server in
            let mac = try await server.device("mac")
            let plain = try await SocketClient(server, token: mac.token)
            #expect(plain.head.hasPrefix("HTTP/1.1 101 "))
            // The example of section 1.3.
            #expect(plain.head.lowercased().contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="))
            #expect(!plain.head.lowercased().contains("sec-websocket-protocol"))
            let browser = try await SocketClient(
                server, headers: ["Sec-WebSocket-Protocol: rejoin.v1, bearer.\(mac.token)"])
            #expect(browser.head.hasPrefix("HTTP/1.1 101 "))
            #expect(
                browser.head.lowercased().contains("sec-websocket-protocol: rejoin.v1\r\n")
                    || browser.head.lowercased().hasSuffix("sec-websocket-protocol: rejoin.v1"))
            #expect(try await SocketClient(server).head.hasPrefix("HTTP/1.1 401 "))
            #expect(
                try await SocketClient(server, headers: ["Sec-WebSocket-Protocol: rejoin.v1, bearer.x"]).head
                    .hasPrefix("HTTP/1.1 401 "))
            // In a query a token would be in every log on the way.
            #expect(try await server.send(.get, "/v1/socket?token=\(mac.token)").status == 401)
            #expect(try await mac.get("/v1/socket").code == "invalid_request")
            #expect(
                try await SocketClient(server, token: mac.token, headers: ["Origin: https://evil.example"]).head
                    .hasPrefix("HTTP/1.1 403 "))
            #expect(
                try await SocketClient(server, token: mac.token, headers: ["Origin: http://test"]).head
                    .hasPrefix("HTTP/1.1 101 "), "the server's own pages")
        }
    }

    @Test("subscriptions are told of commits, each under its id, until they are ended", arguments: Engine.allCases)
    func subscriptions(engine: Engine) async throws {
        try await TestServer.run(engine, .live) { server in
            let (mac, ipad) = (try await server.device("mac"), try await server.device("ipad"))
            let since = try await mac.cursor()
            let socket = try await SocketClient(server, token: ipad.token)
            socket.say(#"{"type":"subscribe","id":1,"since":"\#(since)","collections":["notes"]}"#)
            socket.say(#"{"type":"subscribe","id":2,"since":"\#(since)","deliver":"records"}"#)
            try await server.holds(3)
            _ = try await mac.send(mac.creating("n", ["v": 1]))
            var told: [Value: Value] = [:]
            for _ in 0..<2 {
                let message = try #require(try await socket.next()).json
                told[message["id"] ?? .null] = message
            }
            let end = try await mac.cursor()
            #expect(told[1]?["type"] == "change" && told[1]?["collections"] == ["notes"])
            #expect(told[1]?["cursor"] == .string(ExactString(end)))
            let pulled = try await ipad.get("/v1/changes?since=\(since)")
            #expect(told[2]?["type"] == "page" && told[2]?["changes"] == pulled["changes"])
            socket.say(#"{"type":"unsubscribe","id":2}"#)
            #expect(try await socket.next()?.json == ["type": "unsubscribed", "id": 2])
            try await server.holds(2)
            _ = try await mac.send(mac.creating("d", ["v": 1], in: "drafts"))
            _ = try await mac.send(mac.creating("m", ["v": 1]))
            #expect(try await socket.next()?.json["id"] == 1, "drafts are not wanted, and the pages have ended")
            // The id is free again.
            socket.say(#"{"type":"subscribe","id":2,"deliver":"records"}"#)
            #expect(try await socket.next()?.json["changes"]?.elements.count == 3)
        }
    }

    @Test("a batch over the socket is answered with the same bytes as over HTTP", arguments: Engine.allCases)
    func batches(engine: Engine) async throws {
        try await TestServer.run(engine, .live) { server in
            let mac = try await server.device("mac")
            let socket = try await SocketClient(server, token: mac.token)
            let body =
                #"{"operations":[{"id":"o-1","kind":"create","collection":"notes","record":"n","#
                + #""clock":{"mac":1},"fields":{"v":[1.50,9007199254740993,"é\u2028"]}}]}"#
            socket.say(#"{"type":"batch","key":"k-1","body":\#(body)}"#)
            let first = try #require(try await socket.next())
            #expect(first.json["type"] == "batch" && first.json["key"] == "k-1" && first.json["replayed"] == false)
            // Over HTTP it is a replay, and the other way round.
            let posted = try await mac.send(body: body, key: "k-1")
            #expect(posted.header("Idempotency-Replayed") == "true")
            #expect(first.json["body", "results"] == posted["results"])
            socket.say(#"{"type":"batch","key":"k-1","body":\#(body)}"#)
            let again = try #require(try await socket.next())
            #expect(again.json["replayed"] == true)
            #expect(again.text.contains(#""body":"# + posted.text + "}"), "the same bytes")
            // What is wrong with a batch comes with its key, and the socket goes on.
            socket.say(#"{"type":"batch","key":"k-2","body":{"operations":[{"id":"x"}]}}"#)
            let refused = try #require(try await socket.next()).json
            let overHTTP = try await mac.send(body: #"{"operations":[{"id":"x"}]}"#, key: "k-2")
            #expect(refused["type"] == "error" && refused["key"] == "k-2")
            #expect(
                refused["problem", "code"] == overHTTP["code"] && refused["problem", "errors"] == overHTTP["errors"])
            socket.say(#"{"type":"batch","key":"k-1","body":{"operations":[]}}"#)
            #expect(try await socket.next()?.json["problem", "code"] == "idempotency_key_reused")
        }
    }

    @Test("what cannot be understood is answered with its place, and the socket goes on")
    func nonsense() async throws {
        try await TestServer.run(.memory, .live) { server in
            let mac = try await server.device("mac")
            let socket = try await SocketClient(server, token: mac.token)
            for (message, code, pointer) in [
                ("x", "malformed_json", nil), ("", "malformed_json", nil), ("[]", "invalid_request", nil),
                (#"{"type":"hello"}"#, "invalid_request", "/type"), (#"{}"#, "invalid_request", "/type"),
                (#"{"type":"subscribe"}"#, "invalid_request", "/id"),
                (#"{"type":"subscribe","id":1,"deliver":"all"}"#, "invalid_request", "/deliver"),
                (#"{"type":"subscribe","id":1,"colections":[]}"#, "invalid_request", "/colections"),
                (#"{"type":"subscribe","id":1,"since":"x"}"#, "cursor_invalid", nil),
                (#"{"type":"unsubscribe","id":7}"#, "not_found", nil),
                (#"{"type":"batch","key":"","body":{}}"#, "invalid_request", "/key"),
                (#"{"type":"batch","key":"k","body":[]}"#, "invalid_request", "/body"),
                (#"{"type":"batch","key":"k","return":"x","body":{}}"#, "invalid_request", "/return"),
                (#"{"type":"subscribe","id":1,"tenant":"globex"}"#, "invalid_request", nil),
            ] as [(String, String, String?)] {
                socket.say(message)
                let error = try #require(try await socket.next()).json
                #expect(error["type"] == "error", "\(message)")
                #expect(error["problem", "code"] == .string(ExactString(code)), "\(message)")
                if let pointer {
                    #expect(
                        error["problem", "errors", 0, "pointer"] == .string(ExactString(pointer)), "\(message)")
                }
            }
            #expect(await server.server.engine.load().openReaders == 1)
            socket.say(#"{"type":"subscribe","id":1}"#)
            try await server.holds(2)
            socket.say(#"{"type":"subscribe","id":1}"#)
            #expect(try await socket.next()?.json["problem", "code"] == "invalid_request")
            try await server.holds(2)
        }
    }

    @Test("a socket ends with its token, unless a fresh one of the same device comes before")
    func tokens() async throws {
        try await TestServer.run(.memory, .live) { server in
            let mac = try await server.device("mac")
            let since = try await mac.cursor()
            let socket = try await SocketClient(server, token: mac.token)
            socket.say(#"{"type":"subscribe","id":1,"since":"\#(since)"}"#)
            try await server.holds(2)
            for token in [
                try await server.token(device: "mac", user: "bob"), try await server.token(device: "ipad"),
                try await server.token(tenant: "globex", device: "mac"),
            ] {
                socket.say(#"{"type":"token","token":"\#(token)"}"#)
                #expect(try await socket.next()?.json["problem", "code"] == "forbidden")
            }
            let fresh = try await server.token(device: "mac", roles: ["device"], validSeconds: 10_000)
            socket.say(#"{"type":"token","token":"\#(fresh)"}"#)
            #expect(try await socket.next()?.json == ["type": "token"])
            server.clock.advance(milliseconds: 3_700_000)
            let other = try await server.device("ipad")
            _ = try await other.send(other.creating("n", ["v": 1]))
            #expect(try await socket.next()?.json["type"] == "change", "the first token has ended")
            server.clock.advance(milliseconds: 10_000_000)
            socket.say(#"{"type":"unsubscribe","id":1}"#)
            #expect(try await socket.next()?.json["problem", "code"] == "token_expired")
            #expect(try await socket.next()?.closeCode == 1008)
            #expect(try await socket.next() == nil)
            try await server.holds(0)
        }
    }

    @Test("a retired device's socket is closed at once, and a server that stops says that it goes")
    func endings() async throws {
        try await TestServer.run(.sqlite, .live) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            let since = try await mac.cursor()
            _ = try await ipad.cursor()
            let (mine, other) = (
                try await SocketClient(server, token: mac.token), try await SocketClient(server, token: ipad.token)
            )
            for socket in [mine, other] { socket.say(#"{"type":"subscribe","id":1,"since":"\#(since)"}"#) }
            try await server.holds(4)
            #expect(try await server.admin().send(.delete, "/v1/devices/mac").status == 204)
            #expect(try await mine.next()?.json["problem", "code"] == "device_retired")
            #expect(try await mine.next()?.closeCode == 4403)
            await server.server.engine.releaseReaders()
            #expect(try await other.next()?.closeCode == 1001)
            #expect(try await other.next() == nil)
        }
    }

    @Test("frames that are no client's end the socket with the code that RFC 6455 has for it")
    func frames() async throws {
        try await TestServer.run(.memory, .live) { server in
            let mac = try await server.device("mac")
            let text = Array(#"{"type":"unsubscribe","id":7}"#.utf8)
            for (bytes, code) in [
                (SocketClient.frame(1, text, isMasked: false), 1002), (SocketClient.frame(2, text), 1003),
                (SocketClient.frame(0, text), 1002), (SocketClient.frame(1, [], length: 64 * 1024 * 1024), 1009),
                (SocketClient.frame(8, [0x03, 0xE8]), 1000),
            ] {
                let socket = try await SocketClient(server, token: mac.token)
                socket.connection.send(bytes)
                #expect(try await socket.next()?.closeCode == code, "\(bytes.prefix(2))")
                #expect(try await socket.next() == nil)
            }
            let socket = try await SocketClient(server, token: mac.token)
            socket.connection.send(SocketClient.frame(9, [1, 2, 3]))
            let pong = try #require(try await socket.next())
            #expect(pong.opcode == 10 && pong.payload == [1, 2, 3])
            // In two fragments with a ping between them.
            let long = Array(
                (#"{"type":"unsubscribe","id":7,"x-pad":""# + String(repeating: "p", count: 600) + #""}"#).utf8)
            socket.connection.send(SocketClient.frame(1, Array(long.prefix(550)), isLast: false))
            socket.connection.send(SocketClient.frame(9, []))
            socket.connection.send(SocketClient.frame(0, Array(long.dropFirst(550))))
            #expect(try await socket.next()?.opcode == 10)
            #expect(try await socket.next()?.json["problem", "code"] == "not_found")
        }
    }

    @Test("who asks over and over is refused, and then read more slowly; many subscriptions are too many")
    func budgets() async throws {
        var options = ServerOptions.live
        options.limits.requestsPerSecondPerDevice = 1
        options.limits.readersPerDevice = 3
        try await TestServer.run(.memory, options) { server in
            let mac = try await server.device("mac")
            let socket = try await SocketClient(server, token: mac.token)
            for id in 1...3 { socket.say(#"{"type":"subscribe","id":\#(id)}"#) }
            #expect(try await socket.next()?.json["problem", "code"] == "rate_limited")
            try await server.holds(3)
            var codes: [String] = []
            for _ in 0..<10 { socket.say(#"{"type":"unsubscribe","id":9}"#) }
            for _ in 0..<8 { codes.append(try await socket.next()?.json["problem", "code"]?.text ?? "") }
            #expect(codes.contains("not_found") && codes.contains("rate_limited"), "\(codes)")
            // The device's places are taken, so there is none for another socket either.
            #expect(try await SocketClient(server, token: mac.token).head.hasPrefix("HTTP/1.1 429 "))
        }
    }

    @Test("who goes away leaves nothing behind")
    func gone() async throws {
        try await TestServer.run(.sqlite, .live) { server in
            let mac = try await server.device("mac")
            do {
                let socket = try await SocketClient(server, token: mac.token)
                for id in 1...5 { socket.say(#"{"type":"subscribe","id":\#(id)}"#) }
                try await server.holds(6)
            }
            try await server.holds(0)
            #expect(await server.server.engine.load().waitingReaders == 0)
        }
    }
}
