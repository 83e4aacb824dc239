import Causality
import MergeCore
import SyncHTTP
import SyncStorage
import SyncWire
import Testing

@testable import SyncEngine

@Suite("The commit queue of a tenant")
struct CommitQueueTests {
    @Test("Everything that a tenant writes goes through one connection", arguments: Engine.allCases)
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

    @Test("The bytes that wait in a commit queue are bounded, and the first that comes is always taken")
    func bytes() async throws {
        var options = ServerOptions()
        options.limits.commitQueueBytes = 10_000
        try await TestServer.run(.memory, options) { server in
            let mac = try await server.device("mac")
            let body = { @Sendable (name: String, bytes: Int) in
                batchBody([mac.creating(name, ["v": .string(ExactString(String(repeating: "x", count: bytes)))])])
            }
            await server.store.gate.close()
            try await withThrowingTaskGroup(of: Answer.self) { group in
                group.addTask { try await mac.send(body: body("a", 10)) }
                try await eventually("one is held") { await server.store.gate.waitingCount == 1 }
                group.addTask { try await mac.send(body: body("b", 20_000)) }
                try await eventually("one waits") { await server.server.engine.load().waitingBatches == 1 }
                for bytes in [6_000, 10] {
                    let refused = try await mac.send(body: body("c", bytes))
                    #expect(refused.status == 503)
                    #expect(refused.code == "overloaded")
                    #expect(refused.header("Retry-After") == "1")
                }
                await server.store.gate.open()
                for try await answer in group { #expect(answer.outcomes == ["applied"]) }
            }
            #expect(try await mac.send(body: body("c", 6_000)).status == 200)
        }
    }

    @Test("So are the bytes that leave it in one transaction")
    func bytesPerCommit() async throws {
        var options = ServerOptions()
        options.limits.bytesPerCommit = 10_000
        try await TestServer.run(.memory, options) { server in
            let mac = try await server.device("mac")
            let text = Value.string(ExactString(String(repeating: "x", count: 4_000)))
            await server.store.gate.close()
            try await withThrowingTaskGroup(of: Answer.self) { group in
                for number in 0..<6 {
                    group.addTask { try await mac.send(mac.creating("n\(number)", ["v": text])) }
                    try await eventually("batch \(number) is taken") {
                        let waiting = await server.server.engine.load().waitingBatches
                        return await server.store.gate.waitingCount == 1 && waiting == number
                    }
                }
                await server.store.gate.open()
                for try await answer in group { #expect(answer.outcomes == ["applied"]) }
            }
            // The first alone, then two and two and the last.
            #expect(server.store.counts[.transact] == 4)
        }
    }
}
