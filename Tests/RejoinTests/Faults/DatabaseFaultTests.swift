import Foundation
import PostgreSQLCluster
import RejoinProcesses
import Testing

extension ProcessTests {
    /// Devices keep posting, with retries, to two servers on one database, while something of that fails. Afterwards no
    /// acknowledged operation is lost and none is doubled, the audit verifies, and the servers are well again by themselves.
    ///
    /// Each fault comes a few times; with `REJOIN_SOAK` twenty.
    @Suite("faults of servers and of their database under load")
    struct DatabaseFaultTests {
        @Test("kill -9 of a server loses and doubles nothing")
        func killedServer() async throws {
            let cluster = try await PostgreSQLCluster.shared()
            try await devicesSurvive(4, on: cluster) { site, _, number in
                let server = site.servers[number % 2]
                let exit = await server.kill()
                #expect(exit == .signal(SIGKILL), "the server ended by itself")
                try await server.start()
            }
        }

        @Test("kill -9 of a backend loses and doubles nothing")
        func killedBackend() async throws {
            try await PostgreSQLCluster.withCluster { cluster in
                try await devicesSurvive(4, on: cluster) { _, _, _ in
                    try await cluster.killBackends(
                        where: """
                            pid = (SELECT pid FROM pg_stat_activity WHERE application_name = 'rejoin'
                                ORDER BY state = 'active' DESC, random() LIMIT 1)
                            """)
                    // It ends all others, and recovers.
                    try await cluster.waitUntilReady()
                }
            }
        }

        @Test("a restart of PostgreSQL loses and doubles nothing")
        func restarted() async throws {
            try await PostgreSQLCluster.withCluster { cluster in
                try await devicesSurvive(4, on: cluster) { _, _, number in
                    try await cluster.restart(number % 2 == 0 ? .fast : .immediate)
                }
            }
        }

        @Test("a database that stands still loses and doubles nothing, and is called unready meanwhile")
        func pausedDatabase() async throws {
            try await PostgreSQLCluster.withCluster { cluster in
                // What was on its way may all be answered afterwards, as if nothing had been.
                try await devicesSurvive(3, refusing: false, on: cluster) { site, traffic, number in
                    // The servers drop their connections after seven seconds, and what lies in them is executed afterwards.
                    let pause = Duration.seconds(number % 3 == 1 ? 10 : 2)
                    try await cluster.whilePaused {
                        let end = ContinuousClock.now + pause
                        try await expectUnready(site, within: .seconds(4))
                        try await Task.sleep(until: end)
                        #expect(await traffic.onTheirWay > 0, "nobody waited for the database")
                    }
                    try await cluster.waitUntilReady()
                }
            }
        }

        private func expectUnready(_ site: TwoServers, within bound: Duration) async throws {
            for server in site.servers {
                let start = ContinuousClock.now
                let (_, address) = try await server.running()
                let answer = try await Caller(address: address, token: "").get("/readyz")
                #expect(answer.isStorageUnavailable, "\(answer.text)")
                let time = ContinuousClock.now - start
                #expect(time < bound, "it took \(time) to say that it is not ready")
            }
        }

        private func devicesSurvive(
            _ brief: Int, refusing: Bool = true, on cluster: PostgreSQLCluster,
            _ trouble: @escaping @Sendable (TwoServers, Traffic, Int) async throws -> Void
        ) async throws {
            let faults = Soak.count(brief)
            try await TwoServers.with(on: cluster) { site in
                let fleet = site.fleet()
                try await fleet.begin()
                let outcome = try await fleet.run { traffic in
                    try await site.endure(faults, fleet, traffic) { number in
                        try await trouble(site, traffic, number)
                    }
                }
                try await site.judge(outcome, fleet, after: refusing ? faults : 0, in: cluster)
            }
        }
    }
}
