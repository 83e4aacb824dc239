import EngineHarness
import HTTPTypes
import MergeCore
import SyncHTTP
import SyncWire
import Testing

@Suite("serving")
struct ServingTests {
    @Test("an unknown path is a problem document, with and without a token", arguments: [false, true])
    func notFound(live: Bool) async throws {
        var options = ServerOptions()
        if live { options.setup = .live }
        try await TestServer.run(.memory, options) { server in
            let token = try await server.token(device: "mac")
            for uri in ["/v1", "/v1/nothing", "/v2/session", "/v1/records/notes", "/review.php"] {
                for token in [nil, token] {
                    let answer = try await server.send(.get, uri, token: token)
                    #expect(answer.status == 404, "\(uri)")
                    #expect(answer.code == "not_found")
                    #expect(answer.type == "application/problem+json")
                    #expect(answer["requestId"]?.text == answer.header("X-Request-Id"))
                    #expect(answer["type"] == "urn:rejoin:problem:not_found")
                }
            }
        }
    }

    @Test("every path answers other methods with what it allows")
    func methodNotAllowed() async throws {
        try await TestServer.run(.memory) { server in
            let routes = Dictionary(grouping: server.server.routes, by: \.path)
            for (path, offered) in routes {
                let allowed = Set(offered.map(\.method))
                let uri = path.replacing(/\{[a-z]+\}/, with: "x")
                for method: HTTPRequest.Method in [.get, .post, .put, .patch, .delete, .options, .trace]
                where !allowed.contains(method) {
                    let answer = try await server.send(method, uri)
                    #expect(answer.status == 405, "\(method) \(path)")
                    #expect(answer.code == "method_not_allowed", "\(method) \(path)")
                    #expect(answer.header("Allow") == allowed.map(\.rawValue).sorted().joined(separator: ", "))
                    #expect(answer.header("X-Request-Id") != nil)
                }
            }
        }
    }

    @Test("HEAD answers like GET without the body", arguments: [false, true])
    func head(live: Bool) async throws {
        var options = ServerOptions()
        if live { options.setup = .live }
        try await TestServer.run(.memory, options) { server in
            let mac = try await server.device("mac")
            _ = try await mac.send(mac.creating("n", ["v": 1]))
            for (uri, status) in [
                ("/v1/session", 200), ("/v1/records/notes/n", 200), ("/v1/records/notes/x", 404), ("/v1/changes", 200),
                ("/healthz", 200), ("/openapi.yaml", 200), ("/v1/batches", 405), ("/nothing", 404),
            ] {
                let answer = try await server.send(.head, uri, token: mac.token)
                #expect(answer.status == status, "\(uri)")
                #expect(answer.body.isEmpty)
                #expect(answer.header("X-Request-Id") != nil)
            }
        }
    }

    @Test("every answer has a request id of its own, is not stored and not sniffed")
    func commonHeaders() async throws {
        try await TestServer.run(.memory) { server in
            let mac = try await server.device("mac")
            var ids: Set<String> = []
            for uri in ["/v1/session", "/v1/changes", "/v1/records/notes/x", "/metrics", "/healthz", "/nothing"] {
                let answer = try await mac.get(uri)
                ids.insert(answer.header("X-Request-Id") ?? "")
                #expect(answer.header("X-Content-Type-Options") == "nosniff")
                #expect(answer.header("Cache-Control") == "no-store", "\(uri)")
            }
            #expect(ids.count == 6)
            #expect(!ids.contains(""))
        }
    }

    @Test("metrics are in the text format and name no tenant, device or record")
    func metrics() async throws {
        try await TestServer.run(.memory) { server in
            let mac = try await server.device("mac-secret", tenant: "tenant-secret")
            let draft = mac.creating("record-secret", ["v": 1])
            _ = try await mac.send(draft, key: "k")
            _ = try await mac.send(draft, key: "k")
            _ = try await mac.send(.update("n", ["mac-secret": 5], ["v": 1]))
            let bad = ["b1", "b2"].map { mac.creating($0, ["v": 1, "$secret": 2, "$other": 3]) }
            let partly = batchBody(bad + [.update("b1", ["mac-secret": 2], ["v": 1])], atomic: false)
            for _ in 0..<2 { _ = try await mac.send(body: partly, key: "partly") }
            _ = try await mac.record("record-secret")
            _ = try await server.send(.init("BREW") ?? .get, "/v1/session")
            let answer = try await server.send(.get, "/metrics")
            #expect(answer.type == "text/plain")
            #expect(answer.header("Content-Type")?.contains("version=0.0.4") == true)
            let text = answer.text
            #expect(!text.contains("secret"))
            for line in [
                "rejoin_batches_total{end=\"committed\"} 2", "rejoin_batches_total{end=\"replayed\"} 2",
                "rejoin_batches_total{end=\"refused\"} 1", "rejoin_operations_total{outcome=\"applied\"} 1",
                "rejoin_operations_total{outcome=\"rejected\"} 2",
                "rejoin_rejections_total{code=\"clock_gap\",batch=\"refused\"} 1",
                "rejoin_rejections_total{code=\"clock_gap\",batch=\"committed\"} 0",
                "rejoin_rejections_total{code=\"field_invalid\",batch=\"committed\"} 2",
                "rejoin_rejections_total{code=\"dependency_failed\",batch=\"committed\"} 1",
                "rejoin_waiting_batches 0", "rejoin_waiting_readers 0",
            ] { #expect(text.contains(line + "\n"), "\(line)") }
            #expect(text.contains("method=\"POST\",status=\"200\"} 4\n"))
            #expect(!text.contains("BREW"))
            let line = /^(#\ (HELP|TYPE)\ [a-z_]+\ .+|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})?\ [0-9.e+-]+)$/
            for text in text.split(separator: "\n") { #expect(text.wholeMatch(of: line) != nil, "\(text)") }
        }
    }

    @Test(
        "a commit queue that is full turns batches away with a time to come back, and what it took is committed",
        arguments: Engine.allCases)
    func overload(engine: Engine) async throws {
        var options = ServerOptions()
        options.limits.commitQueueDepth = 3
        try await TestServer.run(engine, options) { server in
            let mac = try await server.device("mac")
            await server.store.gate.close()
            try await withThrowingTaskGroup(of: Answer.self) { group in
                for index in 0..<4 {
                    group.addTask { try await mac.send(mac.creating("n\(index)", ["v": 1])) }
                    try await eventually("batch \(index) is taken") {
                        let waiting = await server.server.engine.load().waitingBatches
                        return await server.store.gate.waitingCount == 1 && waiting == index
                    }
                }
                let refused = try await mac.send(mac.creating("late", ["v": 1]), key: "late")
                #expect(refused.status == 503)
                #expect(refused.code == "overloaded")
                #expect(refused["retryable"] == true)
                #expect(refused.header("Retry-After") == "1")
                // Another tenant's commit queue is another one.
                let stranger = try await server.device("mac", tenant: "globex")
                group.addTask { try await stranger.send(stranger.creating("n", ["v": 1])) }
                try await eventually("the stranger is taken") { await server.store.gate.waitingCount == 2 }
                await server.store.gate.open()
                for try await answer in group { #expect(answer.outcomes == ["applied"]) }
            }
            #expect(try await mac.send(mac.creating("late", ["v": 1]), key: "late").isReplayed == false)
            #expect(try await mac.get("/v1/changes")["changes"]?.elements.count == 5)
        }
    }

    @Test(
        "what waits in a commit queue leaves together, and each batch has the answer that it would have had alone",
        arguments: Engine.allCases)
    func groupCommit(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            await server.store.gate.close()
            async let first = mac.send(mac.creating("n", ["v": 1]))
            try await eventually("the first is held") { await server.store.gate.waitingCount == 1 }
            async let second = mac.send(.update("n", ["mac": 2], ["v": 2]))
            try await eventually("the second waits") { await server.server.engine.load().waitingBatches == 1 }
            async let refused = mac.send(.update("n", ["mac": 9], ["v": 9]))
            try await eventually("the third waits") { await server.server.engine.load().waitingBatches == 2 }
            async let third = mac.send(.update("n", ["mac": 3], ["v": 3]))
            try await eventually("the fourth waits") { await server.server.engine.load().waitingBatches == 3 }
            await server.store.gate.open()
            let answers = try await [first, second, refused, third]
            #expect(answers.map(\.status) == [200, 200, 422, 200])
            #expect(answers[1]["records", 0, "fields", "v"] == 2)
            #expect(answers[3]["results", 0, "sequence"] == 3)
        }
    }

    @Test("a device over its budget is told when to come back")
    func rateLimit() async throws {
        var options = ServerOptions()
        options.limits.requestsPerSecondPerDevice = 2
        try await TestServer.run(.memory, options) { server in
            let mac = try await server.device("mac")
            for _ in 0..<20 { #expect(try await mac.get("/v1/changes").status == 200) }
            for uri in ["/v1/changes", "/v1/session", "/v1/records/notes/n", "/v1/operations/x"] {
                let answer = try await mac.get(uri)
                #expect(answer.status == 429)
                #expect(answer.code == "rate_limited")
                #expect(answer["limit"] == 2)
                #expect(answer.header("Retry-After") == "1")
            }
            server.clock.advance(milliseconds: 500)
            #expect(try await mac.get("/v1/changes").status == 200)
            #expect(try await mac.get("/v1/changes").status == 429)
            #expect(try await server.device("mac", tenant: "globex").get("/v1/changes").status == 200)
        }
    }
}
