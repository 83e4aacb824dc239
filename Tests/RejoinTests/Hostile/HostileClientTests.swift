import Foundation
import MergeCore
import RejoinProcesses
import Testing

extension ProcessTests {
    /// Clients that want the server's memory, its connections or its time. Bounds are work: bytes, connections, peak memory.
    @Suite("clients that want the server's memory, places or time")
    struct HostileClientTests {
        private static let memoryMiB = 512

        private func withServer(
            _ arguments: [String] = [], descriptors: Int? = nil, over wire: Wire = .plain,
            _ body: (ServerProcess) async throws -> Void
        ) async throws {
            try await withTemporaryDirectory { directory in
                let server = try await ServerProcess.start(
                    data: directory + "/data", ["--requests-per-second", "100000"] + arguments,
                    descriptors: descriptors, over: wire)
                defer { server.process.send(SIGKILL) }
                try await body(server)
                #expect(try await server.caller().get("/healthz").status == 200)
                #expect(try server.peakMemoryMiB < Self.memoryMiB)
            }
        }

        @Test("a form of megabytes is refused before it is read", arguments: Wire.allCases)
        func largeForm(_ wire: Wire) async throws {
            try await withServer(over: wire) { server in
                let address = server.address
                let body = Array(String(repeating: "a&", count: 3_984_588).utf8)
                for framing in ["Content-Length: \(body.count)", "Transfer-Encoding: chunked"] {
                    let (sent, answer) = try await onThread { () -> (Int, RawConnection.Answer?) in
                        let client = try RawConnection(address)
                        client.ask(
                            "POST /review/sign-in", ["Content-Type: application/x-www-form-urlencoded", framing])
                        if framing.hasPrefix("T") { client.send(String(body.count, radix: 16) + "\r\n") }
                        let sent = client.send(body)
                        return (sent, client.answer())
                    }
                    #expect(answer?.status == 413)
                    // The tunnel in between has room of its own. What the server took is asked below.
                    if wire == .plain { #expect(sent < body.count) }
                }
                let received = try #require(await server.sample("rejoin_received_bytes_total"))
                #expect(received < 4_000_000)
            }
        }

        @Test("forms that do not come to their end are given up, and hold nothing meanwhile", arguments: Wire.allCases)
        func unfinishedForms(_ wire: Wire) async throws {
            try await withServer(["--body-timeout", "1"], over: wire) { server in
                let address = server.address
                let statuses = try await onThread {
                    let clients = try (0..<150).map { _ in try RawConnection(address) }
                    for client in clients {
                        client.ask(
                            "POST /review/sign-in",
                            ["Content-Type: application/x-www-form-urlencoded", "Content-Length: 4000"])
                    }
                    for client in clients { client.send("a") }
                    for client in clients { client.send("b") }
                    return clients.map { $0.answer()?.status }
                }
                #expect(statuses.allSatisfy { $0 == 408 })
                #expect(try await server.sample("rejoin_memory_bytes") == 0)
                #expect(try await server.sample("rejoin_connections_ended_total{reason=\"slow_body\"}") == 150)
            }
        }

        @Test("a tenant's unfinished batches hold its share and no more", arguments: Wire.allCases)
        func unfinishedBatches(_ wire: Wire) async throws {
            // All of them have to be there before the first is given up, and a hundred handshakes take a while.
            try await withServer(["--body-timeout", wire == .tls ? "5" : "1"], over: wire) { server in
                let address = server.address
                let token = try await server.caller(device: "a").token
                let other = try await server.caller(tenant: "globex", device: "b")
                let (clients, refused) = try await onThread { () -> ([RawConnection], [RawConnection.Answer]) in
                    let clients = try (0..<100).map { _ in try RawConnection(address) }
                    for (number, client) in clients.enumerated() {
                        client.ask(
                            "POST /v1/batches", token: token,
                            [
                                "Content-Type: application/json", "Content-Length: 8388608",
                                "Idempotency-Key: \"k\(number)\"",
                            ])
                        client.send("{")
                    }
                    return (clients, clients.compactMap { $0.answer() })
                }
                #expect(refused.count == 100)
                #expect(refused.filter { $0.status == 408 }.count == 2, "a quarter of 256 MiB, four for one")
                for answer in refused where answer.status != 408 {
                    #expect(answer.status == 503 && answer.header("Retry-After") == ["1"])
                    #expect(answer.isProblem && answer.header("Connection") == ["close"])
                }
                let batch = batchBody([operation(.create, "jobs", "j", clock: ["b": 1], fields: [("v", 1)])])
                #expect(try await other.post(batch: batch, key: "k").status == 200)
                withExtendedLifetime(clients) {}
            }
        }

        @Test("a hundred batches of eight megabytes at once stay within the memory that requests have")
        func manyBodies()
            async throws
        {
            try await withServer { server in
                let address = server.address
                let token = try await server.caller(device: "a").token
                let filler = String(repeating: "x", count: 60_000)
                let body = batchBody(
                    (0..<130).map {
                        operation(.create, "jobs", "j\($0)", clock: ["a": 1], fields: [("v", .string(filler))])
                    })
                let statuses = try await withThrowingTaskGroup(of: Int?.self) { group in
                    for number in 0..<100 {
                        group.addTask {
                            try await onThread {
                                let client = try RawConnection(address)
                                client.ask(
                                    "POST /v1/batches?return=minimal", token: token,
                                    [
                                        "Content-Type: application/json", "Content-Length: \(body.count)",
                                        "Idempotency-Key: \"k\(number)\"",
                                    ])
                                client.send(body)
                                return client.answer()?.status
                            }
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(statuses.count == 100)
                #expect(statuses.allSatisfy { [200, 422, 503].contains($0) }, "\(statuses)")
                #expect(statuses.contains(503))
                #expect(try await server.sample("rejoin_memory_bytes") == 0)
            }
        }

        @Test("answers that nobody reads hold a tenant's share, until they are given up", arguments: Wire.allCases)
        func unreadAnswers(_ wire: Wire) async throws {
            try await withServer(["--answer-timeout", "1"], over: wire) { server in
                let address = server.address
                let device = try await server.caller(device: "a")
                try await fill(device, megabytes: 8)
                let token = device.token
                let clients = try await onThread {
                    let clients = try (0..<40).map { _ in try RawConnection(address, receiveBytes: 4096) }
                    for client in clients { client.ask("GET /v1/changes?limit=5000", token: token) }
                    return clients
                }
                let isGivenUp = try await eventually(within: .seconds(60)) {
                    let stalled = try await server.sample("rejoin_connections_ended_total{reason=\"stalled_answer\"}")
                    let held = try await server.sample("rejoin_memory_bytes")
                    return (stalled ?? 0) > 0 && held == 0
                }
                #expect(isGivenUp)
                withExtendedLifetime(clients) {}
            }
        }

        @Test("a stream that nobody reads does not hold up the end", arguments: Wire.allCases)
        func unreadStream(_ wire: Wire) async throws {
            try await withTemporaryDirectory { directory in
                let server = try await ServerProcess.start(
                    data: directory + "/data", ["--answer-timeout", "2"], over: wire)
                defer { server.process.send(SIGKILL) }
                let device = try await server.caller(device: "a")
                try await fill(device, megabytes: 8)
                let address = server.address
                let clients = try await onThread {
                    let clients = try (0..<4).map { _ in try RawConnection(address, receiveBytes: 4096) }
                    for client in clients {
                        client.ask("GET /v1/changes", token: device.token, ["Accept: application/x-ndjson"])
                        _ = client.receive()
                    }
                    return clients
                }
                server.process.send(SIGTERM)
                #expect(await server.process.exit == .code(0))
                #expect(!server.process.errors.text.contains("graceful shutdown timed out"))
                withExtendedLifetime(clients) {}
            }
        }

        @Test("at the limit of descriptors the server says so, refuses, and can still be watched")
        func descriptors() async throws {
            try await withServer(descriptors: 1_024) { server in
                #expect(server.process.errors.text.contains("the limit of descriptors allows fewer connections"))
                let address = server.address
                let token = try await server.caller(device: "a").token
                let clients = try await onThread {
                    try (0..<1_100).map { _ in
                        let client = try RawConnection(address)
                        client.ask("GET /v1/session", token: token, ["Connection: keep-alive"])
                        return client
                    }
                }
                let statuses = try await onThread { clients.map { $0.answer()?.status } }
                let room = 1_024 - 32 - 128
                let admitted = statuses.count { $0 == 200 }
                let refused = statuses.count { $0 == 503 }
                #expect(admitted == room)
                // When more come at once than the reserve holds, the oldest of it is disconnected before it has asked.
                let disconnected = statuses.count { $0 == nil }
                #expect(refused + disconnected == 1_100 - room)
                #expect(refused > disconnected)
                for path in ["/healthz", "/readyz", "/metrics"] {
                    let answer = try await onThread {
                        let client = try RawConnection(address)
                        client.ask("GET \(path)")
                        return client.answer()
                    }
                    #expect(answer?.status == 200, "\(path)")
                }
                withExtendedLifetime(clients) {}
            }
        }

        @Test("after a refusal a body is not read for ever", arguments: Wire.allCases)
        func endlessBody(_ wire: Wire) async throws {
            try await withServer(over: wire) { server in
                let address = server.address
                let (sent, answer) = try await onThread { try Self.sendWithoutEnd(address) }
                // What the kernels of both sides hold is not the server's.
                #expect(sent < 32_000_000)
                if let answer {
                    #expect(answer.status == 401 && answer.isProblem && answer.header("Connection") == ["close"])
                }
                let received = try #require(await server.sample("rejoin_received_bytes_total"))
                #expect(received < 4_000_000)
            }
        }

        /// - Returns: how much of a body without an end was taken, at most 256 MB, and what was answered.
        private static func sendWithoutEnd(_ address: String) throws -> (Int, RawConnection.Answer?) {
            let client = try RawConnection(address)
            client.ask("POST /v1/batches", ["Content-Type: application/json", "Transfer-Encoding: chunked"])
            let piece = [UInt8](repeating: 32, count: 65_536)
            var sent = 0
            while sent < 256_000_000 {
                let count = client.send("10000\r\n") + client.send(piece) + client.send("\r\n")
                sent += count
                if count < piece.count + 9 { break }
            }
            return (sent, client.answer())
        }

        /// Records of together so many megabytes.
        private func fill(_ device: Caller, megabytes: Int) async throws {
            let filler = String(repeating: "x", count: 100_000)
            for number in 0..<megabytes {
                let operations = (0..<10).map {
                    operation(
                        .create, "jobs", "j\(number)-\($0)", clock: ["a": 1], fields: [("v", .string(filler))])
                }
                let answer = try await device.post(batch: batchBody(operations), key: "fill-\(number)")
                try #require(answer.status == 200)
            }
        }
    }
}
