import Foundation
import PostgreSQLCluster
import RejoinProcesses
import Testing

extension ProcessTests {
    @Suite("a standby takes over")
    struct FailoverTests {
        @Test("a failover to the synchronous standby loses and doubles nothing")
        func failover() async throws {
            let faults = Soak.count(3)
            let pair = try await Pair()
            do {
                let clusters = try await pair.clusters
                try await TwoServers.with(on: clusters[0], conninfo: { Pair.conninfo(of: clusters, $0) }) { site in
                    let fleet = site.fleet()
                    try await fleet.begin()
                    let outcome = try await fleet.run { traffic in
                        try await site.endure(faults, fleet, traffic) { number in
                            if number > 0 {
                                try await site.move(to: Pair.conninfo(of: pair.clusters, site.name))
                                // Each of these waited for the standby, which then has all that came before them too.
                                await traffic.reach(.answered(20))
                            }
                            try await pair.failOver()
                        }
                    }
                    try await site.judge(outcome, fleet, after: faults, in: pair.primary)
                }
            } catch {
                try await pair.remove()
                throw error
            }
            try await pair.remove()
        }
    }
}

/// A primary and the standby that its commits wait for. The standby takes over, and gets a standby of its own, as often as is
/// asked.
actor Pair {
    private(set) var primary: PostgreSQLCluster
    private var standby: PostgreSQLCluster?

    init() async throws {
        primary = try await PostgreSQLCluster()
    }

    /// The primary and its standby, which is made when there is none.
    var clusters: [PostgreSQLCluster] {
        get async throws {
            if let standby { return [primary, standby] }
            // It looks for its primary again at once, instead of every five seconds.
            let made = try await primary.makeStandby(.init(settings: ["wal_retrieve_retry_interval": "100ms"]))
            standby = made
            return [primary, made]
        }
    }

    /// The primary loses its power for good, and the standby takes its place.
    func failOver() async throws {
        guard let standby else { throw TestError("there is no standby") }
        try await primary.kill()
        try await standby.promote()
        try await primary.remove()
        primary = standby
        self.standby = nil
    }

    func remove() async throws {
        try await standby?.remove()
        try await primary.remove()
    }

    /// How a server finds whichever of the two is the primary.
    static func conninfo(of clusters: [PostgreSQLCluster], _ database: String) -> String {
        PostgreSQLCluster.conninfo(of: clusters, database: database, user: PostgreSQLCluster.serverRole)
    }
}
