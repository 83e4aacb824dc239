import Foundation
import MergeCore
import RejoinProcesses
import Testing

extension ProcessTests {
    /// The server's own TLS, met by clients that speak it, that do not, and that never get to it.
    @Suite("a server that speaks TLS")
    struct TLSTests {
        /// Runs the body beside a server with TLS, whose address is its own.
        private func withSecureServer(
            _ arguments: [String] = [], _ body: (ServerProcess, TestCertificate) async throws -> Void
        ) async throws {
            try await withTemporaryDirectory { directory in
                let certificate = try await TestCertificate.make(in: directory)
                try await withServer(data: directory + "/data", certificate.options + arguments) { server in
                    try #require(server.address.hasPrefix("https://"))
                    try await body(server, certificate)
                }
            }
        }

        @Test("HTTP at the port of TLS is told so, and TLS at the port of HTTP is refused in words that are no TLS")
        func wrongProtocol() async throws {
            try await withSecureServer { server, _ in
                let address = server.address
                let (answer, rest) = try await onThread { () -> (RawConnection.Answer?, [UInt8]) in
                    let client = try RawConnection(address)
                    client.ask("GET /healthz")
                    return (client.answer(), client.rest())
                }
                #expect(answer?.status == 400 && answer?.isProblem == true && answer?.header("Connection") == ["close"])
                #expect(answer?.body.contains("https") == true && rest.isEmpty)
                #expect(try await server.sample("rejoin_handshakes_total{outcome=\"plain\"}") == 1)
            }
            try await withFreshServer { server in
                let secure = server.address.replacing("http:", with: "https:")
                await #expect(throws: (any Error).self) { try await Caller(address: secure, token: "").get("/healthz") }
                let caller = try await server.caller()
                #expect(try await caller.get("/healthz").status == 200)
            }
        }

        @Test("the doctor and the start name what is wrong with the files, and the doctor what is due")
        func doctor() async throws {
            try await withTemporaryDirectory { directory in
                let good = try await TestCertificate.make(in: directory, "good", days: 60)
                let due = try await TestCertificate.make(in: directory, "due", days: 5)
                let open = try await TestCertificate.make(in: directory, "open")
                try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: open.key)
                let mixed = ["--tls-certificate", good.certificate, "--tls-key", due.key]
                for (options, word) in [
                    (good.options, "ok     tls: for localhost, 127.0.0.1, until "),
                    (due.options, "in 4 days; renew it"),
                    (open.options, "wrong  tls: others can read \(open.key) (mode 644); chmod 600 it"),
                    (mixed, "wrong  tls: \(due.key) is not the key"),
                ] {
                    let doctor = try await runRejoin(["doctor", "--data", directory + "/data"] + options)
                    #expect(doctor.output.contains(word), "\(doctor.output)")
                    let isWrong = word.hasPrefix("wrong")
                    #expect(doctor.exit == .code(isWrong ? 1 : 0))
                    guard isWrong else { continue }
                    let start = try await runRejoin(["serve", "--data", directory + "/data", "--port", "0"] + options)
                    #expect(start.exit == .code(2) && start.errors.contains(word.dropFirst(12)), "\(start.errors)")
                }
                #expect(try files(in: directory).contains("data") == false)
            }
        }

        @Test("whom a proxy asks for is in the log, where the proxy is trusted")
        func proxies() async throws {
            for (options, address) in [(["--trusted-proxy", "127.0.0.1"], "192.0.2.7"), ([], "127.0.0.1")] {
                try await withFreshServer(options) { server in
                    let place = server.address
                    let answer = try await onThread { () -> RawConnection.Answer? in
                        let client = try RawConnection(place)
                        client.ask("GET /v1/session", ["X-Forwarded-For: 198.51.100.1, 192.0.2.7"])
                        return client.answer()
                    }
                    #expect(answer?.status == 401)
                    let isLogged = await eventually {
                        server.process.errors.text.contains(/address=(\S+) .*route=\/v1\/session/)
                    }
                    #expect(isLogged)
                    #expect(server.process.errors.text.contains("address=\(address) "))
                    #expect(!server.process.errors.text.contains("198.51.100.1"))
                }
            }
        }

        @Test("a socket opens over TLS")
        func socket() async throws {
            try await withFreshServer(over: .tls) { server in
                let token = try await server.caller(device: "a").token
                let address = server.address
                let (answer, frame) = try await onThread { () -> (RawConnection.Answer?, [UInt8]) in
                    let client = try RawConnection(address)
                    client.ask(
                        "GET /v1/socket", token: token,
                        [
                            "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
                        ])
                    let answer = client.answer()
                    // A masked close frame, which the server answers with its own.
                    client.send([0x88, 0x80, 1, 2, 3, 4])
                    return (answer, client.rest())
                }
                #expect(answer?.status == 101)
                #expect(frame.prefix(2) == [0x88, 2])
            }
        }

        @Test("a handshake that does not come to its end holds a place for nobody, and ends")
        func slowHandshakes() async throws {
            try await withSecureServer(["--connections", "8"]) { server, _ in
                let address = server.address
                let began = ContinuousClock.now
                let clients = try await onThread {
                    try (0..<8).map { _ in
                        let client = try RawConnection(address)
                        // The beginning of a handshake.
                        client.send([22, 3, 1])
                        return client
                    }
                }
                let areThere = try await eventually {
                    try await server.sample("rejoin_handshakes") ?? 0 >= 6
                }
                #expect(areThere)
                // All places are taken, and whoever has something to ask gets one.
                let device = try await server.caller(device: "a")
                #expect(try await device.get("/v1/session").status == 200)
                #expect(try await server.sample("rejoin_handshakes_total{outcome=\"displaced\"}") ?? 0 >= 1)
                let rests = try await onThread { clients.map { $0.rest().count } }
                #expect(rests.count == 8)
                #expect(ContinuousClock.now - began < .seconds(15))
                #expect(try await server.sample("rejoin_handshakes_total{outcome=\"slow\"}") ?? 0 >= 1)
            }
        }

        @Test("who does not get through the handshake, and who does not end, does not hold up the end")
        func ending() async throws {
            try await withTemporaryDirectory { directory in
                let certificate = try await TestCertificate.make(in: directory)
                let server = try await ServerProcess.start(data: directory + "/data", certificate.options)
                let device = try await server.caller(device: "a")
                let poll = Task { try await device.get("/v1/changes?wait=60") }
                let tunnel = try await TLSTunnel(to: server.address)
                let address = server.address
                let clients = try await onThread {
                    let begun = try RawConnection(address)
                    begun.send([22, 3, 1])
                    let idle = try RawConnection(tunnel.address)
                    idle.ask("GET /healthz")
                    _ = idle.answer()
                    return [begun, idle, try RawConnection(address)]
                }
                let isHeld = try await eventually { try await server.gauge("rejoin_waiting_readers") == 1 }
                try #require(isHeld)
                let began = ContinuousClock.now
                server.process.send(SIGTERM)
                #expect(try await poll.value.status == 200)
                #expect(await server.process.exit == .code(0))
                #expect(ContinuousClock.now - began < .seconds(5))
                withExtendedLifetime(clients) {}
            }
        }

        @Test(
            "a new certificate is shown to new connections, and no request is lost meanwhile", arguments: [false, true])
        func reload(bySignal: Bool) async throws {
            try await withSecureServer { server, certificate in
                let directory = URL(filePath: certificate.certificate).deletingLastPathComponent().path
                let traffic = Traffic()
                let device = try await server.caller(device: "a")
                let answers = try await withThrowingTaskGroup(of: [Int].self) { group in
                    for _ in 0..<4 {
                        group.addTask {
                            var statuses: [Int] = []
                            while await !traffic.isOver {
                                statuses.append(try await device.get("/healthz").status)
                                await traffic.noteAnswer()
                            }
                            return statuses
                        }
                    }
                    await traffic.reach(.answered(20))
                    let before = try await shown(server)
                    // Half of a file, and the key of another certificate: the one before stays.
                    let next = try await TestCertificate.make(in: directory, "next")
                    let text = try String(contentsOfFile: next.certificate, encoding: .utf8)
                    try String(text.prefix(200)).write(
                        toFile: certificate.certificate, atomically: false, encoding: .utf8)
                    if bySignal { server.process.send(SIGHUP) }
                    let isRefused = try await eventually {
                        try await server.sample("rejoin_certificate_reloads_total{outcome=\"refused\"}") == 1
                    }
                    #expect(isRefused)
                    try text.write(toFile: certificate.certificate, atomically: true, encoding: .utf8)
                    if bySignal { server.process.send(SIGHUP) }
                    let isRefusedAgain = try await eventually {
                        try await server.sample("rejoin_certificate_reloads_total{outcome=\"refused\"}") == 2
                    }
                    #expect(isRefusedAgain)
                    #expect(try await server.sample("rejoin_certificate_faulty") == 1)
                    #expect(try await shown(server) == before)
                    #expect(server.process.errors.text.contains("is not the key of the first certificate"))
                    try replace(certificate.key, with: next.key)
                    if bySignal { server.process.send(SIGHUP) }
                    let isTaken = try await eventually { try await shown(server) != before }
                    #expect(isTaken)
                    #expect(try await server.sample("rejoin_certificate_faulty") == 0)
                    await traffic.finish()
                    return try await group.reduce(into: []) { $0 += $1 }
                }
                #expect(answers.count >= 20 && answers.allSatisfy { $0 == 200 })
            }
        }

        private func replace(_ path: String, with other: String) throws {
            try Data(contentsOf: URL(filePath: other)).write(to: URL(filePath: path + ".new"))
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path + ".new")
            guard rename(path + ".new", path) == 0 else { throw TestError("cannot replace \(path)") }
        }

        /// The certificate that a new connection is shown.
        private func shown(_ server: ServerProcess) async throws -> String {
            let place = server.address.replacing("https://", with: "")
            let process = try await LaunchedProcess(["s_client", "-connect", place], program: .found("openssl"))
            process.tell("")
            _ = try await process.line(holding: "-----END CERTIFICATE-----")
            await process.kill()
            let text = process.output.text
            let start = try #require(text.range(of: "-----BEGIN CERTIFICATE-----"))
            let end = try #require(text.range(of: "-----END CERTIFICATE-----"))
            return String(text[start.lowerBound..<end.upperBound])
        }
    }
}
