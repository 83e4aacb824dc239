import Foundation
import MergeCore
import PostgreSQLCluster
import RejoinProcesses
import Testing

extension ProcessTests {
    /// What becomes of a commit whose answer is lost. A standby that stands still holds a commit for as long as a test likes:
    /// it is in the log of the primary, and nobody has been told.
    @Suite("a commit whose answer is lost")
    struct UnsettledCommitTests {
        private static let impatient = TwoServers.impatient.merging(["REJOIN_DATABASE_STATEMENT_TIMEOUT": "1"]) { $1 }

        @Test("a commit that was lost with its backend is told by its key, and not before the standby has it")
        func lostWithBackend()
            async throws
        {
            try await onPair { site, primary, standby in
                let device = try await site.caller(of: site.first, device: "a")
                try await standby.pause()
                async let lost = device.post(batch: Self.batch, key: "key")
                for process in try await Self.committing(in: primary) { kill(process, SIGKILL) }
                try await primary.waitUntilReady()
                // After its recovery the primary shows it; a failover at this moment would lose it.
                let stored = try await primary.psql("SELECT count(*) FROM rejoin.batches", database: site.name)
                #expect(stored == "1")
                let early = try await device.post(batch: Self.batch, key: "key")
                #expect(early.isStorageUnavailable, "told while the standby does not have it: \(early.text)")
                try await standby.resume()
                let late = try await device.post(batch: Self.batch, key: "key")
                // The server asks by itself too; whether it is early enough for the first request depends on the recovery.
                let first = try await lost
                #expect(first.isStorageUnavailable || first.isReplayed, "\(first.text)")
                try await Self.expectOneEffect([first, late], device)
            }
        }

        @Test("a commit that takes longer than any patience is told to the retry, byte for byte, and then to readers")
        func impatient()
            async throws
        {
            try await onPair { site, primary, standby in
                let device = try await site.caller(of: site.first, device: "a")
                let reader = try await site.caller(of: site.second, roles: ["reviewer"])
                let cursor = try await reader.get("/v1/changes").json["cursor"]?.text ?? ""
                async let waiting = reader.get("/v1/changes?since=\(cursor)&wait=60")
                try await standby.pause()
                let lost = try await device.post(batch: Self.batch, key: "key")
                #expect(lost.isStorageUnavailable, "\(lost.text)")
                try await Self.committing(in: primary)
                try await standby.resume()
                let retried = try await device.post(batch: Self.batch, key: "key")
                let start = ContinuousClock.now
                try await Self.expectOneEffect([lost, retried], device)
                let page = try await waiting.json
                #expect(page["changes"]?.elements.map { $0["sequence"] } == [1])
                #expect(ContinuousClock.now - start < .seconds(10), "nobody told the reader")
            }
        }

        @Test("edge 5: while one server waits in its commit, the same batch on another waits too, and tells the same")
        func sameBatchElsewhere()
            async throws
        {
            try await onPair { site, primary, standby in
                let one = try await site.caller(of: site.first, device: "a")
                let other = try await site.caller(of: site.second, device: "a")
                try await standby.pause()
                async let first = one.post(batch: Self.batch, key: "key")
                try await Self.committing(in: primary)
                async let second = other.post(batch: Self.batch, key: "key")
                try await Self.waitForTenantsLock(in: primary)
                try await standby.resume()
                let answers = [try await first, try await second]
                #expect(answers.map(\.isReplayed) == [false, true])
                #expect(answers[0].resultsText == answers[1].resultsText)
                try await Self.expectOneEffect([answers[1]], one)
            }
        }

        @Test("edge 7: a server dies in its commit, and another tells what was committed")
        func dyingServer() async throws {
            try await onPair { site, primary, standby in
                let one = try await site.caller(of: site.first, device: "a")
                let other = try await site.caller(of: site.second, device: "a")
                try await standby.pause()
                let lost = Task { try await one.post(batch: Self.batch, key: "key") }
                try await Self.committing(in: primary)
                await site.first.kill()
                await #expect {
                    try await lost.value
                } throws: { error in
                    isCutConnection(error)
                }
                async let retried = other.post(batch: Self.batch, key: "key")
                try await Self.waitForTenantsLock(in: primary)
                try await standby.resume()
                try await Self.expectOneEffect([try await retried], other)
                try await site.first.start()
            }
        }

        @Test("a failover in the middle of a commit leaves one effect, whether or not the standby had it")
        func failoverDuringCommit() async throws {
            let pair = try await Pair()
            do {
                let clusters = try await pair.clusters
                let primary = clusters[0]
                try await TwoServers.with(on: primary, conninfo: { Pair.conninfo(of: clusters, $0) }) { site in
                    let device = try await site.caller(of: site.first, device: "a")
                    try await clusters[1].pause()
                    async let lost = device.post(batch: Self.batch, key: "key")
                    try await Self.committing(in: primary)
                    try await primary.kill()
                    try await clusters[1].resume()
                    try await pair.failOver()
                    let first = try await lost
                    #expect(first.isStorageUnavailable, "\(first.text)")
                    #expect(try await site.isReady(site.first, within: TwoServers.recovery))
                    let retried = try await device.post(batch: Self.batch, key: "key")
                    #expect(retried.status == 200, "\(retried.text)")
                    let record = try await device.get("/v1/records/jobs/j").json
                    #expect(record["fields"]?["visits"] == 1)
                    #expect(record["sequence"] == 1)
                }
            } catch {
                try await pair.remove()
                throw error
            }
            try await pair.remove()
        }

        // MARK: The stage

        private static let batch = batchBody([visit("op", 1)])

        private func onPair(
            _ body: (TwoServers, _ primary: PostgreSQLCluster, _ standby: PostgreSQLCluster) async throws -> Void
        ) async throws {
            let clusters = try await Self.pair.value.clusters
            try await TwoServers.with(on: clusters[0], environment: Self.impatient) { site in
                do {
                    try await body(site, clusters[0], clusters[1])
                } catch {
                    try await clusters[1].resume()
                    throw error
                }
            }
        }

        /// One for all tests here; it goes with the process.
        private static let pair = Task { try await Pair() }

        /// Waits until a backend waits for the standby in its commit.
        @discardableResult
        private static func committing(in cluster: PostgreSQLCluster) async throws -> [pid_t] {
            var found: [pid_t] = []
            let waits = try await eventually {
                found = try await cluster.backends(where: "wait_event = 'SyncRep'")
                return !found.isEmpty
            }
            try #require(waits, "no commit waits for the standby")
            return found
        }

        /// Waits until a backend waits for its tenant's lock.
        private static func waitForTenantsLock(in cluster: PostgreSQLCluster) async throws {
            let waits = try await eventually {
                try await !cluster.backends(where: "wait_event_type = 'Lock'").isEmpty
            }
            try #require(waits, "nobody waits for the lock")
        }

        /// Those answered say the same, as what was stored, and the visit was counted once.
        private static func expectOneEffect(_ answers: [Caller.Answer], _ device: Caller) async throws {
            let stored = try await device.get("/v1/batches/key")
            let told = try #require(answers.last)
            #expect(told.status == 200 && told.isReplayed, "\(told.text)")
            for answer in answers where answer.status == 200 { #expect(answer.resultsText == stored.resultsText) }
            let record = try await device.get("/v1/records/jobs/j").json
            #expect(record["fields"]?["visits"] == 1)
            #expect(record["sequence"] == 1)
        }
    }
}
