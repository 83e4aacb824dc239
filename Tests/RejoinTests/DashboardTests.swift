import Foundation
import MergeCore
import RejoinProcesses
import StrictJSON
import SyncWire
import Testing
import Values

extension ProcessTests {
    /// The dashboard that lies beside the server asks for what the server tells, and shows all of it.
    @Suite("the dashboard")
    struct DashboardTests {
        @Test("every query of the dashboard names metrics that exist, and every metric is shown")
        func dashboard() async throws {
            let file = URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "../../Schemas/Grafana/rejoin.json")
            let dashboard = try Value(json: String(contentsOf: file, encoding: .utf8))
            var asked: Set<String> = []
            for panel in dashboard["panels"]?.elements ?? [] {
                for target in panel["targets"]?.elements ?? [] {
                    let query = try #require(target["expr"]?.text)
                    let names = query.matches(of: /(rejoin|process)_[a-z_]+/).map { String($0.output.0) }
                    #expect(!names.isEmpty, "\(query)")
                    asked.formUnion(names)
                }
            }
            try await withFreshServer(over: .tls) { server in
                let device = try await server.caller(device: "a")
                let batch = batchBody([operation(.create, "jobs", "j", clock: ["a": 1], fields: [("v", 1)])])
                #expect(try await device.post(batch: batch, key: "k").status == 200)
                #expect(try await device.get("/v1/changes").status == 200)
                #expect(try await Caller(address: server.address, token: "x").get("/v1/changes").status == 401)
                let text = try await device.get("/metrics").text
                let samples = Set(
                    text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map {
                        String($0.prefix { $0 != "{" && $0 != " " })
                    })
                #expect(asked.subtracting(samples) == [])
                let families = text.split(separator: "\n").compactMap { line in
                    line.hasPrefix("# TYPE ") ? line.split(separator: " ")[2] : nil
                }
                for family in families {
                    let isShown = asked.contains { $0 == family || $0.hasPrefix(family + "_") }
                    #expect(isShown, "\(family)")
                }
                #expect(text.contains("rejoin_problems_total{code=\"unauthenticated\",status=\"401\"} 1\n"))
                #expect(text.contains("rejoin_commit_size_count{of=\"batches\"} 1\n"))
                #expect(text.contains("rejoin_storage_seconds_count{step=\"write\"} 1\n"))
            }
        }
    }
}
