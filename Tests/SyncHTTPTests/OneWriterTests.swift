import Causality
import EngineHarness
import MergeCore
import SyncHTTP
import SyncStorage
import SyncWire
import Testing
import Values

@testable import SyncEngine

@Suite("one writer a tenant")
struct OneWriterTests {
    @Test("everything that a tenant writes goes through one connection", arguments: Engine.allCases)
    func oneWriter(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let (mac, ipad) = (try await server.device("mac"), try await server.device("ipad"))
            _ = try await mac.send(mac.creating("e", ["status": "a"], in: "estimates"))
            _ = try await ipad.send(ipad.creating("e", ["status": "b"], in: "estimates"))
            let rita = try await server.reviewer()
            let admin = try await server.admin()
            await server.store.gate.close()
            let before = server.store.counts[.transact]
            try await withThrowingTaskGroup(of: Int.self) { group in
                // Comments, a preview, bulk decisions, registrations of both kinds, retirements, links, ends of
                // sessions, batches.
                for number in 0..<12 {
                    group.addTask {
                        try await rita.send(.post, "/v1/conflicts/1/comments", json: #"{"text":"\#(number)"}"#).status
                    }
                    group.addTask {
                        try await admin.send(.post, "/v1/devices", json: #"{"id":"new-\#(number)"}"#).status
                    }
                }
                for query in ["?dryRun=true&collection=estimates", "?collection=estimates"] {
                    group.addTask {
                        try await rita.send(.post, "/v1/conflicts/resolutions\(query)", json: #"{"choose":"current"}"#)
                            .status
                    }
                }
                group.addTask { try await server.device("unheard-of").get("/v1/session").status }
                group.addTask { try await admin.send(.delete, "/v1/devices/ipad").status }
                group.addTask {
                    let caller = Caller(tenant: "acme", user: "rita", device: nil, roles: [.reviewer])
                    let code = OneTimeCode(id: "code", expiresAtMilliseconds: server.clock.now + 1_000)
                    return try await server.server.engine.spend(caller, try #require(code)) ? 200 : 500
                }
                group.addTask {
                    try await server.server.engine.end(
                        "acme", .tokens(of: "nobody", issuedBeforeMilliseconds: server.clock.now))
                    return 200
                }
                group.addTask { try await mac.send(mac.creating("n", ["v": 1])).status }
                try await eventually("all of it waits") { await server.server.engine.load().waitingBatches == 30 }
                #expect(await server.store.gate.waitingCount == 1)
                #expect(server.store.counts[.transact] - before <= 1)
                // Another tenant has a commit queue of its own.
                let stranger = try await server.device("mac", tenant: "globex")
                group.addTask { try await stranger.send(stranger.creating("n", ["v": 1])).status }
                try await eventually("the stranger is there too") { await server.store.gate.waitingCount == 2 }
                await server.store.gate.open()
                for try await status in group { #expect((200...204).contains(status)) }
            }
        }
    }
}
