import EngineHarness
import SyncHTTP
import Testing

@Suite("a provider that is in trouble, and visitors who make some")
struct ProviderTroubleTests {
    private let provider = ScriptedProvider()

    @Test("a provider that says no, is away or answers nonsense is a page that tells nothing of it")
    func trouble() async throws {
        try await TestServer.run(.memory, try provider.options()) { server in
            for (error, logged) in [("access_denied", "'access_denied'"), ("<script>boom", "another error")] {
                let visit = try await server.goToProvider()
                let answer = try await server.comeBack(
                    visit, "&error=\(FormField.encoded(error))&error_description=%3Cscript%3Eboom&code=c")
                #expect(answer.status == 403 && answer.text.contains("did not sign you in"))
                #expect(!answer.text.contains("boom") && !answer.text.contains(error))
                #expect(server.log.text.contains(logged) && !server.log.text.contains("boom"))
            }
            #expect(provider.exchanges.isEmpty)
            for body in ["", "no JSON", "[]", "{}", #"{"id_token":7}"#, #"{"access_token":"secret-access"}"#] {
                provider.answers { _ in .success(body) }
                let answer = try await server.comeBack(try await server.goToProvider())
                #expect(answer.status == 503 && answer.text.contains("cannot be asked"), "\(body)")
                #expect(!answer.text.contains("secret-access") && !server.log.text.contains("secret-access"))
            }
            for (failure, status) in [
                (ProviderSignIn.Failure.refused(reason: "reason-1"), 403), (.unavailable(reason: "reason-2"), 503),
            ] {
                provider.answers { _ in .failure(failure) }
                let answer = try await server.comeBack(try await server.goToProvider())
                #expect(answer.status == status && !answer.text.contains("reason-"))
            }
            #expect(server.log.text.contains("reason-1") && server.log.text.contains("reason-2"))
        }
    }

    @Test("a provider that is away is asked where it answers now and then, however many want to go there")
    func away() async throws {
        provider.isThere(false)
        try await TestServer.run(.memory, try provider.options()) { server in
            for _ in 0..<5 {
                let answer = try await server.send(.get, "/review/provider")
                #expect(answer.status == 503 && answer.text.contains("cannot be asked"))
            }
            #expect(provider.readings == 1)
            provider.isThere(true)
            server.clock.advance(milliseconds: 10_000)
            _ = try await server.goToProvider()
            provider.isThere(false)
            server.clock.advance(milliseconds: 600_000)
            for _ in 0..<3 { _ = try await server.goToProvider() }
            #expect(provider.readings == 3)
        }
    }

    @Test("no more than so many codes go to the provider in a minute, and whoever waits may load the page again")
    func flood() async throws {
        try await TestServer.run(.memory, try provider.options()) { server in
            for _ in 0..<300 {
                let visit = try await server.goToProvider()
                #expect(try await server.comeBack(visit).status == 403)
            }
            let visit = try await server.goToProvider()
            try provider.signsIn(visit)
            let busy = try await server.comeBack(visit)
            #expect(busy.status == 429 && busy.cookies.isEmpty)
            #expect(provider.exchanges.count == 300)
            server.clock.advance(milliseconds: 60_000)
            #expect(try await server.comeBack(visit).sessionCookie != nil)
        }
    }

    @Test("no more than sixteen wait for the provider at one time, however slow it is")
    func slow() async throws {
        let held = Held()
        try await TestServer.run(.memory, try provider.options()) { server in
            provider.answers { _ in
                await held.wait()
                return .failure(.refused(reason: "it took long"))
            }
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<16 {
                    group.addTask {
                        let visit = try await server.goToProvider()
                        return try await server.comeBack(visit).status
                    }
                }
                try await eventually("sixteen wait") { await held.count == 16 }
                let visit = try await server.goToProvider()
                #expect(try await server.comeBack(visit).status == 429)
                await held.release()
                #expect(try await group.reduce(into: []) { $0.append($1) } == Array(repeating: 403, count: 16))
                // Nobody has lost the attempt by having to wait.
                try provider.signsIn(visit)
                #expect(try await server.comeBack(visit).sessionCookie != nil)
            }
        }
    }

    /// Those whom the provider lets wait.
    private actor Held {
        private var waiting: [CheckedContinuation<Void, Never>] = []
        private var isOver = false

        var count: Int { waiting.count }

        func wait() async {
            guard !isOver else { return }
            await withCheckedContinuation { waiting.append($0) }
        }

        func release() {
            isOver = true
            for continuation in waiting { continuation.resume() }
            waiting = []
        }
    }

    @Test("one address has a share of that, over a real socket")
    func oneAddress() async throws {
        var options = try provider.options()
        options.setup = .live
        try await TestServer.run(.memory, options) { server in
            var statuses: [Int] = []
            for _ in 0..<22 { statuses.append(try await server.comeBack(try await server.goToProvider()).status) }
            #expect(statuses == Array(repeating: 403, count: 20) + [429, 429])
        }
    }
}
