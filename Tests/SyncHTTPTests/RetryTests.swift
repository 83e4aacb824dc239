import Foundation
import MergeCore
import SyncWire
import Testing

@Suite("Retries and identity")
struct RetryTests {
    @Test("edge 1: an operation that comes again in another batch has its first result and no second effect",
        arguments: Engine.allCases)
    func operationInAnotherBatch(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            _ = try await mac.send(mac.creating("n", ["title": "old"]))
            _ = try await mac.send(.update("n", ["mac": 2], ["title": "mac"]))
            let edit = Draft.update("n", ["mac": 1, "ipad": 1], ["title": "ipad"])
            let first = try await ipad.send(edit)
            #expect(first.outcomes == ["conflicted"])
            let third = try await mac.send(.update("n", ["mac": 3, "ipad": 1], ["title": "later"]))
            #expect(third.outcomes == ["applied"])

            let again = try await ipad.send(edit)
            #expect(again.status == 200)
            #expect(again.isReplayed == false)
            #expect(again["results", 0, "replayed"] == true)
            for member: Step in ["outcome", "relation", "sequence", "conflicts"] {
                #expect(again["results", 0, member] == first["results", 0, member])
            }
            #expect(again["results", 0, "record", "fields", "title"] == "later")
            #expect(again["cursor"] == third["cursor"])
            let conflicts = try await server.reviewer().get("/v1/conflicts")
            #expect(conflicts["conflicts"]?.elements.count == 1)
        }
    }
}
