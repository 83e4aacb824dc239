import Foundation
import RejoinProcesses
import SeededRandom
import Testing

extension ProcessTests {
    /// The server is killed while eight devices send batches. Each kill comes a seeded number of requests after the start, at
    /// whatever point of a commit the server then is.
    ///
    /// `REJOIN_TEST_SEED` brings a seed's edits and kills back; how the requests interleave is the system's.
    @Suite("a server on SQLite that is killed again and again")
    struct CrashTests {
        private static let kills = 50

        @Test("fifty kills lose no acknowledged batch, halve none and double none")
        func fiftyKills() async throws {
            let seed = DeviceFleet.seed()
            try await withTemporaryDirectory { directory in
                let data = directory + "/data"
                let file = directory + "/collections.yaml"
                try DeviceFleet.collections.write(toFile: file, atomically: true, encoding: .utf8)
                let server = CrashableServer(
                    data: data,
                    ["--collections", file, "--log-level", "error", "--requests-per-second", "100000"])
                let fleet = DeviceFleet(data: data, servers: .alone(server), seed: seed, writers: 8)
                do {
                    try await server.start()
                    try await fleet.begin()
                    let outcome = try await fleet.run { traffic in
                        try await killAgainAndAgain(seed: seed, server, traffic)
                        return []
                    }
                    let verdict = Verdict(reports: outcome.reports, seed: seed)
                    verdict.check(thatKillsHurt: Self.kills)
                    let reviewer = try await fleet.reviewer()
                    try await verdict.checkBatches(reviewer)
                    try await verdict.checkRecords(reviewer)
                    try verdict.checkSequence()
                    try await verdict.checkAudit(["--data", data])
                    try await verdict.checkDoctor(data: data)
                } catch {
                    await server.kill()
                    Issue.record("seed \(seed): \(error)")
                }
                await server.kill()
            }
        }

        private func killAgainAndAgain(seed: UInt64, _ server: CrashableServer, _ traffic: Traffic) async throws {
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
        }
    }
}
