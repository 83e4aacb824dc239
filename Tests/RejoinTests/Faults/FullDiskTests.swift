import Foundation
import PostgreSQLCluster
import RejoinProcesses
import Testing

extension ProcessTests {
    @Suite("a database whose disk is full")
    struct FullDiskTests {
        @Test(
            "a full disk of the database halves, loses and doubles nothing, and passes by itself",
            .enabled(if: geteuid() == 0, "only root can mount a file system that can be filled"))
        func fullDisk() async throws {
            let faults = Soak.count(3)
            let size = Soak.isOn ? 400 : 160
            try await PostgreSQLCluster.withSmallDisk(megabytes: size, settings: ["max_wal_size": "16MB"]) {
                cluster, disk in
                try await TwoServers.with(on: cluster) { site in
                    let fleet = site.fleet()
                    try await fleet.begin()
                    let outcome = try await fleet.run { traffic in
                        try await site.endure(faults, fleet, traffic) { number in
                            try disk.fill(leaving: number % 3 * 64 << 10)
                            await traffic.reach(.refused(10 + number % 5 * 10))
                            var readiness: [Int] = []
                            for server in site.servers {
                                readiness.append(try await site.caller(of: server).get("/readyz").status)
                            }
                            #expect(readiness.contains(503), "a server that cannot write says so")
                            disk.empty()
                            try await bringBack(cluster)
                        }
                    }
                    try await site.judge(outcome, fleet, after: faults, in: cluster)
                }
            }
        }

        /// A server that cannot write its log ends itself, and its recovery may have failed for the same reason: then somebody
        /// has to start it.
        private func bringBack(_ cluster: PostgreSQLCluster) async throws {
            let isBack = try await eventually(within: .seconds(60)) {
                if !cluster.isRunning { try await cluster.start() }
                do {
                    return try await cluster.psql("SELECT 1", limit: .seconds(5)) == "1"
                } catch {
                    try await Task.sleep(for: .milliseconds(50))
                    return false
                }
            }
            try #require(isBack)
        }
    }
}
