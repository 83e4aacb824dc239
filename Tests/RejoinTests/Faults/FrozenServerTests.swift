import Foundation
import PostgreSQLCluster
import RejoinProcesses
import Testing

extension ProcessTests {
    @Suite("a server that stands still")
    struct FrozenServerTests {
        private static let environment = TwoServers.impatient.merging(["REJOIN_DATABASE_STATEMENT_TIMEOUT": "3"]) { $1 }

        @Test("a server that stands still in the middle of a commit keeps its tenant's lock for a bounded time")
        func frozen()
            async throws
        {
            let cluster = try await PostgreSQLCluster.shared()
            try await TwoServers.with(on: cluster, environment: Self.environment) { site in
                let one = try await site.caller(of: site.first, device: "a")
                let other = try await site.caller(of: site.second, device: "b")
                let begun = try await other.post(
                    batch: batchBody([operation(.create, "jobs", "k", clock: ["b": 1])]), key: "begin")
                try #require(begun.status == 200, "\(begun.text)")

                let holder = Task {
                    try await cluster.psql(
                        "BEGIN; SELECT 1 FROM rejoin.tenants FOR UPDATE; SELECT pg_sleep(60)", database: site.name)
                }
                try await wait(for: "query ~ 'pg_sleep'", in: cluster, site)
                async let halted = one.post(batch: batchBody([visit("op", 1)]), key: "key")
                try await wait(for: "wait_event_type = 'Lock'", in: cluster, site)
                await site.first.send(SIGSTOP)
                try await cluster.psql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ '^BEGIN.*pg_sleep|^SELECT pg_sleep'",
                    database: site.name)
                _ = await holder.result
                try await wait(for: "state = 'idle in transaction'", in: cluster, site)

                let body = batchBody([operation(.create, "jobs", "l", id: "op-l", clock: ["b": 1])])
                let start = ContinuousClock.now
                let commits = try await eventually(within: .seconds(15)) {
                    try await other.post(batch: body, key: "next").status == 200
                }
                #expect(commits)
                print("the lock was free again after \(ContinuousClock.now - start)")
                await site.first.send(SIGCONT)
                let first = try await halted
                #expect(first.isStorageUnavailable, "\(first.text)")
                let retried = try await one.post(batch: batchBody([visit("op", 1)]), key: "key")
                #expect(retried.status == 200 && !retried.isReplayed, "\(retried.text)")
                #expect(try await other.get("/v1/records/jobs/j").json["fields"]?["visits"] == 1)
            }
        }

        private func wait(for condition: String, in cluster: PostgreSQLCluster, _ site: TwoServers) async throws {
            let isSo = try await eventually {
                try await !cluster.backends(where: "datname = '\(site.name)' AND \(condition)").isEmpty
            }
            try #require(isSo, "no backend where \(condition)")
        }
    }
}
