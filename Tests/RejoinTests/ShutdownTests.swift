import Foundation
import GRDB
import MergeCore
import RejoinProcesses
import Testing

extension ProcessTests {
    /// SIGTERM ends the server without taking anything back that somebody was told, or was waiting to be told.
    @Suite("a server that is told to end")
    struct ShutdownTests {
        /// Batches that the server has taken and cannot commit yet: another process holds the database's write lock.
        private struct HeldBatches {
            let lock: DatabaseQueue
            private var sent: [(device: String, answer: Task<Caller.Answer, any Error>)] = []

            init(_ server: ServerProcess) async throws {
                var configuration = Configuration()
                configuration.allowsUnsafeTransactions = true
                lock = try DatabaseQueue(path: server.data + "/rejoin.sqlite", configuration: configuration)
                try await lock.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
                // Those that come together leave the commit queue together. One that waits shows that those before it are in
                // the commit that waits for the lock.
                for number in 0..<20 {
                    try await send("device-\(number)", server)
                    for _ in 0..<50 {
                        if number > 0, try await server.gauge("rejoin_waiting_batches") == 1 { return }
                    }
                }
                throw TestError("no batch waits for the lock")
            }

            private mutating func send(_ name: String, _ server: ServerProcess) async throws {
                let device = try await server.caller(device: name)
                let body = batchBody([
                    operation(.create, "jobs", name, clock: [name: 1], fields: [("title", .string(name))])
                ])
                sent.append((name, Task { try await device.post(batch: body, key: "held") }))
            }

            /// Each device's answer.
            var answers: [String: Caller.Answer] {
                get async throws {
                    var answers: [String: Caller.Answer] = [:]
                    for (device, answer) in sent { answers[device] = try await answer.value }
                    return answers
                }
            }

            func release() async throws {
                try await lock.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
                try lock.close()
            }
        }

        @Test("commits in flight are finished and answered, and nobody new is let in")
        func inFlight() async throws {
            try await withTemporaryDirectory { directory in
                let server = try await ServerProcess.start(data: directory + "/data")
                let held = try await HeldBatches(server)
                server.process.send(SIGTERM)
                #expect(await server.refusesConnections())
                try await held.release()
                let answers = try await held.answers
                #expect(answers.values.allSatisfy { $0.status == 200 }, "\(answers.mapValues(\.text))")
                let began = ContinuousClock.now
                #expect(await server.process.exit == .code(0))
                #expect(ContinuousClock.now - began < .seconds(5))
                try await expectStored(answers, in: server.data)
            }
        }

        @Test("a second signal loses nothing that is acknowledged", arguments: [SIGTERM, SIGINT])
        func secondSignal(_ signal: Int32) async throws {
            try await withTemporaryDirectory { directory in
                let server = try await ServerProcess.start(data: directory + "/data")
                let held = try await HeldBatches(server)
                server.process.send(SIGTERM)
                #expect(await server.refusesConnections())
                server.process.send(signal)
                try await held.release()
                let answers = try await held.answers
                #expect(answers.values.allSatisfy { $0.status == 200 }, "\(answers.mapValues(\.text))")
                #expect(await server.process.exit == .code(0))
                try await expectStored(answers, in: server.data)
            }
        }

        private func expectStored(_ answers: [String: Caller.Answer], in data: String) async throws {
            #expect(answers.count > 1)
            try await withServer(data: data) { server in
                for (name, answer) in answers {
                    let device = try await server.caller(device: name)
                    let stored = try await device.get("/v1/batches/held")
                    #expect(stored.status == 200 && stored.resultsText == answer.resultsText)
                    #expect(try await device.get("/v1/records/jobs/\(name)").json["fields"]?["title"]?.text == name)
                }
            }
        }

        @Test("a held long poll is answered at once")
        func heldPoll() async throws {
            try await withTemporaryDirectory { directory in
                let server = try await ServerProcess.start(data: directory + "/data")
                let device = try await server.caller(device: "a")
                let poll = Task { try await device.get("/v1/changes?wait=60") }
                let isHeld = try await eventually { try await server.gauge("rejoin_waiting_readers") == 1 }
                try #require(isHeld)
                let began = ContinuousClock.now
                server.process.send(SIGTERM)
                let answer = try await poll.value
                #expect(answer.status == 200)
                #expect(try answer.json["changes"] == .array([]))
                #expect(try answer.json["cursor"]?.text != nil)
                #expect(await server.process.exit == .code(0))
                #expect(ContinuousClock.now - began < .seconds(5))
            }
        }

        @Test("an idle server ends at once", arguments: [SIGTERM, SIGINT])
        func idle(_ signal: Int32) async throws {
            try await withTemporaryDirectory { directory in
                let server = try await ServerProcess.start(data: directory + "/data")
                // A connection that stays open between requests does not hold the server up.
                #expect(try await server.caller(device: "a").get("/v1/session").status == 200)
                let began = ContinuousClock.now
                server.process.send(signal)
                #expect(await server.process.exit == .code(0))
                #expect(ContinuousClock.now - began < .seconds(5))
            }
        }

        /// Devices send as fast as they can when the signal comes. What they were answered is there, and what was not answered
        /// was not done: no commit loses its answer.
        @Test("what is not answered was not committed")
        func unanswered() async throws {
            try await withTemporaryDirectory { directory in
                let server = try await ServerProcess.start(data: directory + "/data")
                let traffic = Traffic()
                let fates = try await withThrowingTaskGroup(of: [String: Caller.Answer?].self) { group in
                    for name in (0..<8).map({ "device-\($0)" }) {
                        let device = try await server.caller(device: name)
                        group.addTask { await Self.sendUntilRefused(device, name, traffic) }
                    }
                    await traffic.reach(.answered(40))
                    #expect(await server.stop() == .code(0))
                    return try await group.reduce(into: [:]) { $0.merge($1) { $1 } }
                }
                try await withServer(data: server.data, ["--requests-per-second", "100000"]) { server in
                    let reviewer = try await server.caller(roles: ["reviewer"])
                    for (key, answer) in fates {
                        let device = key.prefix { $0 != "_" }
                        let stored = try await reviewer.get("/v1/batches/\(key)?device=\(device)")
                        if let answer, answer.status == 200 {
                            #expect(stored.status == 200 && stored.resultsText == answer.resultsText, "\(key)")
                        } else {
                            #expect(answer?.status ?? 503 == 503, "\(key): \(answer?.text ?? "")")
                            #expect(stored.status == 404, "\(key) was committed, and its device not told")
                        }
                    }
                }
            }
        }

        /// - Returns: each batch's key and its answer, nil for the one that got none.
        private static func sendUntilRefused(
            _ device: Caller, _ name: String, _ traffic: Traffic
        ) async -> [String: Caller.Answer?] {
            var answers: [String: Caller.Answer?] = [:]
            while true {
                let number = answers.count
                let key = "\(name)_\(number)"
                let body = batchBody([
                    operation(.create, "jobs", key, clock: [name: 1], fields: [("number", .integer(Int64(number)))])
                ])
                guard let answer = try? await device.post(batch: body, key: key) else {
                    answers[key] = .some(nil)
                    return answers
                }
                answers[key] = answer
                guard answer.status == 200 else { return answers }
                await traffic.noteAnswer()
            }
        }
    }
}

extension ServerProcess {
    /// A gauge of `/metrics`.
    func gauge(_ name: String) async throws -> Int? {
        let text = try await Caller(address: address, token: "").get("/metrics").text
        let line = text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
        return line.flatMap { Int($0.dropFirst(name.count + 1)) }
    }

    /// Waits until a new connection is refused.
    func refusesConnections() async -> Bool {
        guard let port = address.split(separator: ":").last.flatMap({ UInt16($0) }) else { return false }
        return await eventually {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            let connected = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            return connected != 0 && errno == ECONNREFUSED
        }
    }
}
