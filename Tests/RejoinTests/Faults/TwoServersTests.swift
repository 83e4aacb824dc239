import Foundation
import MergeCore
import PostgreSQLCluster
import RejoinProcesses
import Testing
import Values

extension ProcessTests {
    /// Several server processes on one database are one server to devices.
    @Suite("two servers on one database")
    struct TwoServersTests {
        @Test("edge 34: readers of two servers skip no row while 32 devices write, and every operation counts once")
        func skippingNothing()
            async throws
        {
            let cluster = try await PostgreSQLCluster.shared()
            try await TwoServers.with(on: cluster) { site in
                let fleet = site.fleet(writers: 32, watchers: 4)
                try await fleet.begin()
                let outcome = try await fleet.run { traffic in
                    let end = ContinuousClock.now + Soak.duration
                    while ContinuousClock.now < end, await !traffic.isOver {
                        try await holdTheTenantsLock(in: cluster, database: site.name)
                        try await Task.sleep(for: .milliseconds(500))
                    }
                    return []
                }
                try await site.judge(outcome, fleet, after: 0, in: cluster)
            }
        }

        /// A slow writer: a transaction that was begun before others and ends after them, and that keeps the tenant's lock for
        /// some of its time.
        private func holdTheTenantsLock(in cluster: PostgreSQLCluster, database: String) async throws {
            try await cluster.psql(
                """
                BEGIN;
                INSERT INTO rejoin.tenants VALUES ('another', 0, 0, 0, '', 0, 0);
                SELECT pg_sleep(0.3);
                SELECT sequence FROM rejoin.tenants WHERE tenant = :'tenant' FOR UPDATE;
                SELECT pg_sleep(0.2);
                ROLLBACK
                """, database: database, variables: ["tenant": DeviceFleet.tenant])
        }

        @Test("edge 5: two identical requests at once, on two servers, have one effect and one answer")
        func twoIdentical() async throws {
            try await TwoServers.with(on: try await PostgreSQLCluster.shared()) { site in
                let one = try await site.caller(of: site.first, device: "a")
                let other = try await site.caller(of: site.second, device: "a")
                for round in 1...20 {
                    let body = batchBody([visit("op-\(round)", Int64(round))])
                    async let first = one.post(batch: body, key: "key-\(round)")
                    async let second = other.post(batch: body, key: "key-\(round)")
                    let answers = [try await first, try await second]
                    #expect(answers.map(\.status) == [200, 200], "\(answers.map(\.text))")
                    #expect(answers[0].resultsText == answers[1].resultsText)
                    #expect(answers.filter(\.isReplayed).count == 1)
                }
                let record = try await other.get("/v1/records/jobs/j").json
                #expect(record["fields"]?["visits"] == 20)
                #expect(record["sequence"] == 20)
            }
        }

        @Test("edge 6: the same operation under two keys at once, on two servers, has one effect and one replay")
        func twoKeys()
            async throws
        {
            try await TwoServers.with(on: try await PostgreSQLCluster.shared()) { site in
                let one = try await site.caller(of: site.first, device: "a")
                let other = try await site.caller(of: site.second, device: "a")
                for round in 1...20 {
                    let body = batchBody([visit("op-\(round)", Int64(round))])
                    async let first = one.post(batch: body, key: "one-\(round)")
                    async let second = other.post(batch: body, key: "two-\(round)")
                    let answers = [try await first, try await second]
                    #expect(answers.map(\.status) == [200, 200], "\(answers.map(\.text))")
                    let results = try answers.compactMap { try $0.json["results"]?.elements.first }
                    #expect(results.filter { $0["replayed"] == true }.count == 1)
                    #expect(results.first?["outcome"] == results.last?["outcome"])
                }
                #expect(try await one.get("/v1/records/jobs/j").json["fields"]?["visits"] == 20)
            }
        }
    }
}

/// Counts one visit of device `a`.
func visit(_ id: String, _ counter: Int64) -> MergeCore.Operation {
    operation(.update, "jobs", "j", id: id, clock: ["a": counter], fields: [("visits", ["$increment": 1])])
}
