import Foundation
import MergeCore
import PostgreSQLCluster
import RejoinProcesses
import Testing

extension ProcessTests {
    /// A reader that waits on one server hears of commits on another.
    @Suite("readers hear of commits on another server")
    struct ChangeNotificationTests {
        /// What a reader says it is ready to wait.
        private static let wait = 30

        @Test("who waits on one server is woken by a commit on another")
        func woken() async throws {
            try await TwoServers.with(on: try await PostgreSQLCluster.shared()) { site in
                try await wakeAgainAndAgain(site, 10, within: .seconds(5)) {}
            }
        }

        @Test("edge 38: who waits while the connection for notifications is cut gets the commit that nobody told of")
        func cutNotifications()
            async throws
        {
            let cluster = try await PostgreSQLCluster.shared()
            try await TwoServers.with(on: cluster) { site in
                try await wakeAgainAndAgain(site, 10, within: .seconds(10)) {
                    // A server that was cut off a round ago may still be on its way back.
                    let listeners = """
                        FROM pg_stat_activity
                        WHERE datname = :'name' AND query ~ 'LISTEN rejoin_changes|pg_notify|^SELECT 1$'
                        """
                    let name = ["name": site.name]
                    let areThere = try await eventually {
                        Int(try await cluster.psql("SELECT count(*) " + listeners, variables: name)) ?? 0 >= 2
                    }
                    #expect(areThere, "both servers listen")
                    try await cluster.psql("SELECT pg_terminate_backend(pid) " + listeners, variables: name)
                }
            }
        }

        private func wakeAgainAndAgain(
            _ site: TwoServers, _ rounds: Int, within bound: Duration, _ trouble: () async throws -> Void
        ) async throws {
            let writer = try await site.caller(of: site.first, device: "a")
            let reader = try await site.caller(of: site.second, device: "b")
            var cursor = try await reader.get("/v1/changes").json["cursor"]?.text ?? ""
            var slowest = Duration.zero
            for round in 1...rounds {
                let path = "/v1/changes?since=\(cursor)&wait=\(Self.wait)"
                async let waiting = reader.get(path)
                let waits = try await eventually {
                    try await reader.get("/metrics").text.contains("rejoin_waiting_readers 1")
                }
                #expect(waits, "round \(round)")
                try await trouble()
                let answer = try await writer.post(
                    batch: batchBody([visit("op-\(round)", Int64(round))]), key: "\(round)")
                try #require(answer.status == 200, "\(answer.text)")
                let committed = ContinuousClock.now
                let page = try await waiting.json
                slowest = max(slowest, .now - committed)
                #expect(page["changes"]?.elements.map { $0["sequence"] } == [.integer(Int64(round))])
                cursor = page["cursor"]?.text ?? ""
            }
            #expect(slowest < bound, "a reader was woken \(slowest) after the commit")
            print("woken after \(slowest) at most")
        }
    }
}
