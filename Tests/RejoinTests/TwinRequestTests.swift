import Foundation
import MergeCore
import RejoinProcesses
import Testing
import Values

extension ProcessTests {
    /// A device that is not sure whether its request went out sends it again while the first is still on its way.
    @Suite("two requests that come at once")
    struct TwinRequestTests {
        private static let collections = """
            collections:
              jobs: {fields: {visits: {merge: counter}}}
            """

        private func visit(_ id: String, _ counter: Int64) -> MergeCore.Operation {
            operation(.update, "jobs", "j", id: id, clock: ["a": counter], fields: [("visits", ["$increment": 1])])
        }

        @Test("two identical requests at once have one effect and one answer")
        func twoIdentical() async throws {
            try await withFreshServer(collections: Self.collections) { server in
                let device = try await server.caller(device: "a")
                for round in 1...10 {
                    let body = batchBody([visit("op-\(round)", Int64(round))])
                    async let first = device.post(batch: body, key: "key-\(round)")
                    async let second = device.post(batch: body, key: "key-\(round)")
                    let answers = [try await first, try await second]
                    #expect(answers.map(\.status) == [200, 200], "\(answers.map(\.text))")
                    #expect(answers[0].resultsText == answers[1].resultsText)
                    #expect(answers.filter(\.isReplayed).count == 1)
                }
                let record = try await device.get("/v1/records/jobs/j").json
                #expect(record["fields"]?["visits"] == 10)
                #expect(record["sequence"] == 10)
            }
        }

        @Test("the same operation under two keys at once has one effect, and one of the answers is a replay")
        func twoKeys()
            async throws
        {
            try await withFreshServer(collections: Self.collections) { server in
                let device = try await server.caller(device: "a")
                for round in 1...10 {
                    let body = batchBody([visit("op-\(round)", Int64(round))])
                    async let first = device.post(batch: body, key: "one-\(round)")
                    async let second = device.post(batch: body, key: "two-\(round)")
                    let answers = [try await first, try await second]
                    #expect(answers.map(\.status) == [200, 200], "\(answers.map(\.text))")
                    let results = try answers.compactMap { try $0.json["results"]?.elements.first }
                    #expect(results.filter { $0["replayed"] == true }.count == 1)
                    #expect(results.first?["outcome"] == results.last?["outcome"])
                }
                #expect(try await device.get("/v1/records/jobs/j").json["fields"]?["visits"] == 10)
            }
        }
    }
}
