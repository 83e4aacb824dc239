import Foundation
import MergeCore
import RejoinProcesses
import Testing

extension ProcessTests {
    /// What is said below HTTP's routes: heads, hosts, versions, and who asks before sending.
    @Suite("what a connection is told below the routes")
    struct TransportTests {
        private func exchange(
            _ server: ServerProcess, _ body: @escaping @Sendable (RawConnection) -> RawConnection.Answer?
        ) async throws -> RawConnection.Answer {
            let address = server.address
            return try #require(try await onThread { body(try RawConnection(address)) })
        }

        @Test(
            "what the parser refuses is a problem document with a request id, and ends the connection",
            arguments: Wire.allCases)
        func parserRefusals(_ wire: Wire)
            async throws
        {
            try await withFreshServer(over: wire) { server in
                let token = String(repeating: "x", count: 100_000)
                for (name, text) in [
                    ("no HTTP", "hello\r\n\r\n"), ("no host", "GET /healthz HTTP/1.1\r\n\r\n"),
                    ("two hosts", "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
                    ("a header that is none", "GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n"),
                    ("a version that is none", "GET / HTTP/7.7\r\nHost: a\r\n\r\n"),
                    ("a length that is none", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n"),
                    ("two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
                    (
                        "two framings",
                        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                    ),
                    ("an endless header", "GET / HTTP/1.1\r\nHost: a\r\nX: " + token),
                    ("an endless line", "GET /" + token),
                ] {
                    let (answer, rest) = try await onThread {
                        [address = server.address] () -> (RawConnection.Answer?, [UInt8]) in
                        let client = try RawConnection(address)
                        client.send(text)
                        return (client.answer(), client.rest())
                    }
                    #expect(answer?.status == 400, "\(name)")
                    #expect(answer?.isProblem == true, "\(name)")
                    #expect(answer?.header("Connection") == ["close"], "\(name)")
                    #expect(answer?.body.contains("\"invalid_request\"") == true, "\(name)")
                    #expect(rest.isEmpty)
                }
            }
        }

        @Test(
            "a refusal below the routes comes after the answers to what was asked before",
            arguments: Wire.allCases)
        func orderOfRefusals(_ wire: Wire) async throws {
            try await withFreshServer(over: wire) { server in
                let text = try await onThread { [address = server.address] in
                    let client = try RawConnection(address)
                    client.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n")
                    return String(decoding: client.rest(), as: UTF8.self)
                }
                let statuses = text.matches(of: /HTTP\/1\.1 ([0-9]+)/).map(\.output.1)
                #expect(statuses == ["200", "400"])
            }
        }

        @Test(
            "HTTP 1.0 is answered whole, not chunked, and closed",
            arguments: Wire.allCases)
        func http10(_ wire: Wire) async throws {
            try await withFreshServer(over: wire) { server in
                let device = try await server.caller(device: "a")
                let batch = batchBody([operation(.create, "jobs", "j", clock: ["a": 1], fields: [("v", 1)])])
                #expect(try await device.post(batch: batch, key: "k").status == 200)
                for accept in ["application/json", "application/x-ndjson"] {
                    let text = try await onThread { [address = server.address] in
                        let client = try RawConnection(address)
                        client.send(
                            "GET /v1/changes HTTP/1.0\r\nAuthorization: Bearer \(device.token)\r\nAccept: \(accept)\r\n"
                                + "Connection: keep-alive\r\n\r\n")
                        return String(decoding: client.rest(), as: UTF8.self)
                    }
                    #expect(text.hasPrefix("HTTP/1.0 200 OK\r\n"))
                    #expect(!text.lowercased().contains("transfer-encoding"))
                    #expect(text.lowercased().contains("connection: close"))
                    let body = try #require(text.firstRange(of: "\r\n\r\n")).upperBound
                    #expect(text[body...].first == "{" && text.contains("\"cursor\""))
                }
            }
        }

        @Test(
            "HEAD of a stream announces chunks and sends none, and the connection goes on",
            arguments: Wire.allCases)
        func headOfStream(_ wire: Wire) async throws {
            try await withFreshServer(over: wire) { server in
                let token = try await server.caller(device: "a").token
                let text = try await onThread { [address = server.address] in
                    let client = try RawConnection(address)
                    let head = "HEAD /v1/changes HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\n"
                    client.send(
                        "\(head)Accept: application/x-ndjson\r\n\r\n\(head)\r\n"
                            + "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                    return String(decoding: client.rest(), as: UTF8.self)
                }
                let parts = text.split(separator: "\r\n\r\n").map { $0.lowercased() }
                #expect(parts.count == 4 && parts.prefix(3).allSatisfy { $0.hasPrefix("http/1.1 200 ok\r\n") })
                #expect(parts.first?.contains("transfer-encoding: chunked") == true)
                #expect(parts.first?.contains("content-length") == false)
                #expect(parts.dropFirst().first?.contains("transfer-encoding") == false)
                #expect(parts.dropFirst().first?.contains("content-length") == true)
                #expect(parts.last == "{\"status\":\"alive\"}")
            }
        }

        @Test(
            "a body that came too slowly is asked for again, and goes through under the same key",
            arguments: Wire.allCases)
        func slowBody(_ wire: Wire) async throws {
            try await withFreshServer(["--body-timeout", "1"], over: wire) { server in
                let device = try await server.caller(device: "a")
                let batch = batchBody([operation(.create, "jobs", "j", clock: ["a": 1], fields: [("v", 1)])])
                let slow = try await exchange(server) { client in
                    client.ask(
                        "POST /v1/batches", token: device.token,
                        [
                            "Content-Type: application/json", "Idempotency-Key: k",
                            "Content-Length: \(batch.count)",
                        ])
                    client.send(Array(batch.prefix(10)))
                    return client.answer()
                }
                #expect(slow.status == 408)
                #expect(slow.body.contains("\"request_timeout\"") && slow.body.contains("\"retryable\":true"))
                let again = try await device.post(batch: batch, key: "k")
                #expect(again.status == 200 && !again.isReplayed)
            }
        }

        @Test(
            "who asks before sending is told to go on, or why not",
            arguments: Wire.allCases)
        func expectations(_ wire: Wire) async throws {
            try await withFreshServer(over: wire) { server in
                let token = try await server.caller(device: "a").token
                let batch = batchBody([operation(.create, "jobs", "j", clock: ["a": 1], fields: [("v", 1)])])
                func headers(_ length: Int) -> [String] {
                    [
                        "Content-Type: application/json", "Content-Length: \(length)", "Expect: 100-continue",
                        "Idempotency-Key: \"k\"",
                    ]
                }
                let (first, second) = try await onThread {
                    [address = server.address, headers = headers(batch.count)]
                    () -> (RawConnection.Answer?, RawConnection.Answer?) in
                    let client = try RawConnection(address)
                    client.ask("POST /v1/batches", token: token, headers)
                    let first = client.answer()
                    client.send(batch)
                    return (first, client.answer())
                }
                #expect(first?.status == 100)
                #expect(second?.status == 200)
                #expect(second?.header("Connection") == [])
                let tooLarge = try await exchange(server) { [headers = headers(9_000_000)] client in
                    client.ask("POST /v1/batches", token: token, headers)
                    return client.answer()
                }
                #expect(tooLarge.status == 413 && tooLarge.isProblem && tooLarge.header("Connection") == ["close"])
                let nobody = try await exchange(server) { [headers = headers(10)] client in
                    client.ask("POST /v1/batches", headers)
                    return client.answer()
                }
                #expect(nobody.status == 401 && nobody.header("Connection") == ["close"])
            }
        }

        @Test(
            "each route reads no more than it needs",
            arguments: Wire.allCases)
        func smallBodies(_ wire: Wire) async throws {
            try await withFreshServer(over: wire) { server in
                let token = try await server.caller(device: "a", roles: ["device", "reviewer", "admin"]).token
                for (line, limit) in [
                    ("POST /v1/devices", 65_536), ("POST /v1/conflicts/1/comments", 65_536),
                    ("PUT /v1/conflicts/1/assignee", 65_536), ("POST /v1/conflicts/1/resolutions", 2_097_152),
                    ("POST /v1/conflicts/resolutions", 2_097_152), ("POST /v1/batches", 8_388_608),
                ] {
                    for (bytes, isTooLarge) in [(limit + 1, true), (limit, false)] {
                        let answer = try await exchange(server) { client in
                            client.ask(
                                line, token: token,
                                [
                                    "Content-Type: application/json", "Content-Length: \(bytes)",
                                    "Idempotency-Key: \"k\"",
                                ])
                            if !isTooLarge { client.send([UInt8](repeating: 32, count: bytes)) }
                            return client.answer()
                        }
                        #expect((answer.status == 413) == isTooLarge, "\(line) \(bytes)")
                        if isTooLarge { #expect(answer.body.contains("\"limit\":\(limit)"), "\(line)") }
                    }
                }
            }
        }

        @Test("a management port takes what watches the server off the public one")
        func managementPort() async throws {
            try await withTemporaryDirectory { directory in
                let server = try await ServerProcess.start(data: directory + "/data", ["--management-port", "0"])
                defer { server.process.send(SIGKILL) }
                let isSaid = try await eventually { server.process.output.text.contains("watched at http://") }
                try #require(isSaid)
                let text = server.process.output.text
                let start = try #require(text.firstRange(of: "watched at ")).upperBound
                let place = String(text[start...].prefix { !$0.isWhitespace }.dropLast())
                for path in ["/healthz", "/readyz", "/metrics"] {
                    #expect(try await Caller(address: server.address, token: "").get(path).status == 404, "\(path)")
                    #expect(try await Caller(address: place, token: "").get(path).status == 200, "\(path)")
                }
                #expect(try await Caller(address: place, token: "").get("/v1/session").status == 404)
                #expect(await server.stop() == .code(0))
            }
        }
    }
}
