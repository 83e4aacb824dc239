import SeededRandom
import Foundation
import MergeCore
import Testing

extension ProcessTests {
    /// The server is killed while eight devices send batches. Each kill comes a seeded number of requests after the start, at
    /// whatever point of a commit the server then is.
    ///
    /// `REJOIN_TEST_SEED` brings a seed's edits and kills back; how the requests interleave is the system's.
    @Suite struct CrashTests {
        private static let kills = 50
        private static let devices = 8
        private static let collections = """
            collections:
              jobs:
                fields:
                  title:  {type: string}
                  note:   {type: string}
                  status: {type: string, merge: manual}
                  visits: {type: integer, merge: counter}
            """

        @Test
        func `fifty kills lose no acknowledged batch, halve none and double none`() async throws {
            let given = ProcessInfo.processInfo.environment["REJOIN_TEST_SEED"].flatMap { UInt64($0) }
            let seed = given ?? UInt64.random(in: 0...UInt64.max)
            try await withTemporaryDirectory { directory in
                let data = directory + "/data"
                let file = directory + "/collections.yaml"
                try Self.collections.write(toFile: file, atomically: true, encoding: .utf8)
                let arguments = ["--collections", file, "--log-level", "error"]
                let server = MortalServer(data: data, arguments)
                do {
                    try await server.start()
                    try await makeSharedRecords(data: data, server)
                    let reports = try await runDevices(seed: seed, data: data, server)
                    let verdict = Verdict(reports: reports, seed: seed)
                    verdict.check(thatKillsHurt: Self.kills)
                    let (_, address) = try await server.running()
                    let reviewer = try await Caller(
                        data: data, address: address, tenant: "acme", device: nil, roles: ["reviewer"])
                    try await verdict.checkBatches(reviewer)
                    try await verdict.checkRecords(reviewer)
                    try verdict.checkSequence()
                    try await verdict.checkCommands(data: data)
                } catch {
                    _ = await server.kill()
                    Issue.record("seed \(seed): \(error)")
                }
                _ = await server.kill()
            }
        }

        private func makeSharedRecords(data: String, _ server: MortalServer) async throws {
            let (_, address) = try await server.running()
            let office = try await Caller(
                data: data, address: address, tenant: "acme", device: CrashDevice.office, roles: [])
            let operations = CrashDevice.shared.map {
                operation("create", "jobs", $0, clock: [CrashDevice.office: 1], fields: [("note", "begun")])
            }
            let answer = try await office.post(batch: batchBody(operations), key: "begin")
            try #require(answer.status == 200, "\(answer.text)")
        }

        private func runDevices(seed: UInt64, data: String, _ server: MortalServer) async throws -> [CrashDevice.Report]
        {
            let traffic = Traffic()
            let reviewer = try await Caller(data: data, address: "", tenant: "acme", device: nil, roles: ["reviewer"])
            var devices: [CrashDevice] = []
            for number in 0..<Self.devices {
                let name = "device-\(number)"
                let caller = try await Caller(data: data, address: "", tenant: "acme", device: name, roles: [])
                devices.append(
                    CrashDevice(
                        name: name, seed: seed &+ UInt64(number), server: server, traffic: traffic, token: caller.token,
                        reviewerToken: reviewer.token))
            }
            return try await withThrowingTaskGroup(of: CrashDevice.Report.self) { group in
                for device in devices {
                    group.addTask {
                        var device = device
                        do {
                            try await device.run()
                        } catch {
                            await traffic.finish()
                            throw error
                        }
                        return device.report
                    }
                }
                async let killing: Void = killAgainAndAgain(seed: seed, server, traffic)
                var reports: [CrashDevice.Report] = []
                while let report = try await group.next() { reports.append(report) }
                try await killing
                return reports
            }
        }

        private func killAgainAndAgain(seed: UInt64, _ server: MortalServer, _ traffic: Traffic) async throws {
            var generator = SeededGenerator(seed: seed)
            for _ in 0..<Self.kills {
                let count = 1 + generator.below(24)
                await traffic.reach(generator.below(2) == 0 ? .sent(count) : .answered(count))
                for _ in 0..<generator.below(200) { await Task.yield() }
                if await traffic.isOver { break }
                let exit = await server.kill()
                #expect(exit == .signal(SIGKILL), "the server ended by itself; seed \(seed)")
                try await server.start()
            }
            await traffic.finish()
        }
    }
}
