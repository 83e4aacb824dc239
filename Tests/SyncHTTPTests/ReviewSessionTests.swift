import EngineHarness
import MergeCore
import SyncHTTP
import SyncStorage
import Testing
import Values

@Suite("a reviewer's sessions")
struct ReviewSessionTests {
    /// A browser that has signed in.
    private struct Browser {
        let cookie: String

        func get(_ server: TestServer, _ path: String) async throws -> Answer {
            try await server.send(.get, path, headers: [("Cookie", cookie), ("User-Agent", "whoever asks")])
        }

        /// Sends a form with the token of the page that it is on.
        func end(_ server: TestServer, _ session: String?, token: String? = nil) async throws -> Answer {
            let page = try await get(server, "/review/sessions").text
            let own = page.firstMatch(of: #/name="csrf" value="([^"]+)"/#).map { String($0.1) } ?? ""
            return try await server.post(
                "/review/sessions/end", [("csrf", token ?? own)] + (session.map { [("session", $0)] } ?? []),
                headers: [("Cookie", cookie)])
        }

        /// The ids of the sessions that can be ended, in the page's order.
        func others(_ server: TestServer) async throws -> [String] {
            try await get(server, "/review/sessions").text.matches(of: #/name="session" value="([^"]+)"/#)
                .map { String($0.1).replacing("&#x2F;", with: "/").replacing("&#x3D;", with: "=") }
        }
    }

    private func signIn(_ server: TestServer, as user: String = "rita", by agent: String) async throws -> Browser {
        let answer = try await server.post(
            "/review/sign-in", [("code", try await server.linkCode(user: user))], headers: [("User-Agent", agent)])
        let cookie = try #require(answer.header("Set-Cookie"))
        return Browser(cookie: String(cookie.prefix { $0 != ";" }))
    }

    @Test("are listed to their user alone, and ended one by one or all others at once", arguments: Engine.allCases)
    func listedAndEnded(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let desk = try await signIn(server, by: "Desk/1.0 <script>")
            server.clock.advance(milliseconds: 1_000)
            let phone = try await signIn(server, by: "Phone \u{1F600} " + String(repeating: "x", count: 5_000))
            server.clock.advance(milliseconds: 1_000)
            let tablet = try await signIn(server, by: "")
            let ben = try await signIn(server, as: "ben", by: "Ben's")
            let page = try await desk.get(server, "/review/sessions")
            #expect(page.status == 200 && page.text.contains("&lt;script&gt;") && !page.text.contains("1.0 <script"))
            #expect(!page.text.contains("Ben") && page.text.contains("unknown") && page.text.contains("Phone"))
            #expect(page.text.utf8.count < 10_000, "what a browser calls itself is cut")
            let others = try await desk.others(server)
            #expect(others.count == 2)
            // A form of another session, or of none, does nothing.
            for token in ["", "x"] { #expect(try await desk.end(server, others[0], token: token).status == 403) }
            // Somebody else's session is no session of one's own.
            let own = try #require(try await phone.others(server).first { !others.contains($0) })
            #expect(try await ben.end(server, own).status == 303)
            #expect(try await desk.get(server, "/review").status == 200)
            // The newest is the first of the others.
            #expect(try await desk.end(server, others[0]).status == 303)
            #expect(try await tablet.get(server, "/review").status == 401)
            #expect(try await phone.get(server, "/review").status == 200)
            #expect(try await phone.end(server, nil).status == 303)
            #expect(try await desk.get(server, "/review").status == 401)
            #expect(try await phone.others(server) == [])
            #expect(try await ben.get(server, "/review").status == 200)
            let acts = try await server.store.administration("acme", before: nil, limit: 9)
            #expect(acts.map(\.act) == ["session ended", "session ended"] && acts.allSatisfy { $0.actor == "rita" })
        }
    }
}
