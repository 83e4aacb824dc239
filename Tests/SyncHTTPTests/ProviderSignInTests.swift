import Crypto
import EngineHarness
import Foundation
import MergeCore
import SyncEngine
import SyncHTTP
import SyncStorage
import SyncWire
import Testing

@Suite("reviewers sign in with their provider")
struct ProviderSignInTests {
    private let provider = ScriptedProvider()

    // MARK: The way there and back

    @Test("the way there asks for a code, and the browser alone can come back with it, for ten minutes")
    func wayThere() async throws {
        try await TestServer.run(.memory, try provider.options()) { server in
            let visit = try await server.goToProvider()
            #expect(visit.location.hasPrefix("https://id.example/authorize?realm=1&response_type=code&"))
            #expect(visit.sent("client_id") == ScriptedProvider.clientID && visit.sent("scope") == "openid groups")
            #expect(visit.sent("redirect_uri") == "http://localhost:8080/review/provider/callback")
            #expect(visit.sent("code_challenge_method") == "S256" && visit.sent("code_challenge").count == 43)
            let other = try await server.goToProvider()
            for name in ["state", "nonce", "code_challenge"] {
                #expect(visit.sent(name).count == 43 && visit.sent(name) != other.sent(name), "\(name)")
                // The cookie has nothing with which a code could be redeemed.
                #expect(name == "state" || !visit.setCookie.contains(visit.sent(name)))
            }
            let parts = visit.setCookie.components(separatedBy: "; ")
            #expect(parts.first?.hasPrefix("rejoin_sign_in=") == true)
            #expect(Set(parts.dropFirst()) == ["Path=/review/provider", "HttpOnly", "SameSite=Lax", "Max-Age=600"])
            #expect(provider.readings == 1)
        }
        var options = try provider.options()
        options.signIn = provider.signIn(address: "https://sync.example")
        try await TestServer.run(.memory, options) { server in
            let visit = try await server.goToProvider()
            #expect(visit.sent("redirect_uri") == "https://sync.example/review/provider/callback")
            let parts = visit.setCookie.components(separatedBy: "; ")
            #expect(parts.first?.hasPrefix("__Host-rejoin_sign_in=") == true)
            #expect(Set(parts.dropFirst()) == ["Path=/", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age=600"])
        }
    }

    @Test(
        "whoever comes back with a code has a session like one of a link, and signing out ends it",
        arguments: Engine.allCases)
    func wayBack(engine: Engine) async throws {
        try await TestServer.run(engine, try provider.options()) { server in
            try await server.makeConflict("e")
            let visit = try await server.goToProvider("?to=/review/conflicts/1%3Fstatus%3Dopen")
            try provider.signsIn(visit)
            let answer = try await server.comeBack(visit, "&code=c%2Fd&session_state=x&prompt=none")
            #expect(answer.status == 200, "\(answer.text)")
            // A strict cookie does not go along where another site sent the browser; a page of our own does that.
            #expect(
                answer.text.contains(#"<meta http-equiv="refresh" content="0; url=/review/conflicts/1?status=open">"#))
            #expect(answer.header("Referrer-Policy") == "no-referrer" && answer.header("Cache-Control") == "no-store")
            let form = try #require(provider.exchanges.first)
            #expect(form["grant_type"] == "authorization_code" && form["code"] == "c/d")
            #expect(form["redirect_uri"] == visit.sent("redirect_uri"))
            let digest = SHA256.hash(data: Data((form["code_verifier"] ?? "").utf8))
            #expect(Base64URL.encode(Array(digest)) == visit.sent("code_challenge"))
            #expect(answer.cookies["rejoin_sign_in"]?.contains("Max-Age=0") == true)
            let cookie = try #require(answer.sessionCookie)
            #expect(answer.cookies["rejoin_review"]?.contains("SameSite=Strict") == true)

            let page = try await server.send(.get, "/review/sessions", headers: [("Cookie", cookie)])
            #expect(page.status == 200 && page.text.contains("your provider") && page.text.contains("rita"))
            let browser = ReviewBrowser(server: server, cookie: cookie, formToken: try #require(page.hidden("csrf")))
            #expect(try await browser.get("/review/conflicts/1").status == 200)
            #expect(try await browser.post("/review/sign-out", []).status == 200)
            #expect(try await browser.get("/review").status == 401)
            for secret in [
                "secret-access", visit.sent("state"), visit.sent("nonce"), "c/d", form["code_verifier"] ?? "",
            ] {
                #expect(!server.log.text.contains(secret), "\(secret)")
            }
        }
    }

    @Test("an attempt counts once, however many come back at once, and at another server too")
    func once() async throws {
        let (base, remove) = try await Engine.sqlite.open()
        let store = GatedStore(base: base)
        let visit = try await TestServer.run(try provider.options(), on: store) { server in
            let visit = try await server.goToProvider()
            try provider.signsIn(visit)
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<8 { group.addTask { try await server.comeBack(visit).status } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.sorted() == [200] + Array(repeating: 403, count: 7))
            #expect(provider.exchanges.count == 1)
            return visit
        }
        try await TestServer.run(try provider.options(), on: store) { server in
            let answer = try await server.comeBack(visit)
            #expect(answer.status == 403 && answer.sessionCookie == nil)
            #expect(provider.exchanges.count == 2)
        }
        await store.close()
        try await remove()
    }

    @Test("an attempt of nobody, of another browser, of another time or changed on its way asks the provider nothing")
    func foreign() async throws {
        try await TestServer.run(.memory, try provider.options()) { server in
            let visit = try await server.goToProvider()
            try provider.signsIn(visit)
            let other = try await server.goToProvider()
            let session = try await server.signIn()
            let changed = visit.cookie.dropLast(2) + (visit.cookie.hasSuffix("AA") ? "BB" : "AA")
            for (more, state, cookie) in [
                ("&code=c", nil, ""), ("&code=c", nil, other.cookie), ("&code=c", other.sent("state"), nil),
                ("&code=c", "", nil), ("&code=c", String(visit.sent("state").dropLast()), nil),
                ("&code=c", nil, String(changed)), ("&code=c", nil, "rejoin_sign_in=e30.e30.e30"),
                ("&code=c", nil, "rejoin_sign_in=" + session.cookieValue), ("", nil, nil), ("&code=", nil, nil),
                ("&code=" + String(repeating: "c", count: 5_000), nil, nil),
                ("&code=c&iss=https://other.example", nil, nil),
            ] as [(String, String?, String?)] {
                let answer = try await server.comeBack(visit, more, state: state, cookie: cookie)
                #expect(answer.status == 403 && answer.sessionCookie == nil, "\(more) \(state ?? "")")
                #expect(answer.text.contains("cannot be finished"))
            }
            #expect(try await server.comeBack(visit, "&code=c&code=d").status == 400)
            #expect(
                try await server.send(
                    .head, "/review/provider/callback?state=\(visit.sent("state"))&code=c",
                    headers: [("Cookie", visit.cookie)]
                ).sessionCookie == nil)
            #expect(provider.exchanges.isEmpty)
            // The session's cookie is none of an attempt, and an attempt's is no session.
            let value = visit.cookie.drop { $0 != "=" }.dropFirst()
            #expect(
                try await server.send(.get, "/review", headers: [("Cookie", "rejoin_review=\(value)")]).status == 401)
            #expect(try await server.comeBack(visit, "&code=c&iss=\(ScriptedProvider.issuer)").status == 200)
            let late = try await server.goToProvider()
            server.clock.advance(milliseconds: 600_000)
            #expect(try await server.comeBack(late).status == 403)
            #expect(provider.exchanges.count == 1)
        }
        var options = try provider.options()
        options.signIn = provider.signIn(namesIssuer: true)
        try await TestServer.run(.memory, options) { server in
            // A provider that always names itself has not answered this.
            let visit = try await server.goToProvider()
            #expect(try await server.comeBack(visit).status == 403)
            #expect(provider.exchanges.count == 1)
        }
    }

    // MARK: Tokens

    @Test("an ID token for another client, of somebody else, of another attempt or of another time signs nobody in")
    func tokens() async throws {
        let now = TestClock.start / 1000
        let stranger = HandmadeKey(id: "1")
        var options = try provider.options()
        options.issuers.append(
            try .test("https://other.example", ScriptedKeys([stranger.jwk()]), tenants: .named(["globex"])))
        try await TestServer.run(.memory, options) { server in
            func answer(_ make: (ProviderVisit) throws -> String) async throws -> Answer {
                let visit = try await server.goToProvider()
                let token = try make(visit)
                provider.answers { _ in .success(ScriptedProvider.answer(token)) }
                return try await server.comeBack(visit)
            }
            func claims(_ changes: [String: String?]) -> (ProviderVisit) throws -> String {
                { try provider.key.token(ScriptedProvider.claims(nonce: $0.sent("nonce"), changes)) }
            }
            let own = #""\#(ScriptedProvider.clientID)""#
            for good in [
                [:], ["aud": "[\(own)]"], ["aud": "[\(own),\"api\"]", "azp": own], ["exp": "\(now - 59)"],
            ] as [[String: String?]] {
                #expect(try await answer(claims(good)).sessionCookie != nil, "\(good)")
            }
            for bad in [
                ["aud": #""rejoin""#], ["aud": "[]"], ["aud": nil], ["aud": "[\(own),\"api\"]"],
                ["aud": "[\(own),\"api\"]", "azp": #""api""#], ["azp": #""api""#], ["azp": "null"],
                ["iss": #""https://other.example""#], ["iss": nil], ["nonce": nil], ["nonce": #""n""#], ["nonce": "7"],
                ["exp": "\(now - 61)"], ["exp": nil], ["iat": nil], ["nbf": "\(now + 61)"], ["sub": nil],
                ["sub": #""""#], ["tenant": nil], ["tenant": "[]"], ["groups": "7"], ["use": #""review""#],
            ] as [[String: String?]] {
                let answer = try await answer(claims(bad))
                #expect(answer.status == 503 && answer.sessionCookie == nil, "\(bad)")
                #expect(answer.text.contains("cannot be asked"))
            }
            for make in [
                { try stranger.token(ScriptedProvider.claims(nonce: $0.sent("nonce"))) },
                {
                    try stranger.token(
                        ScriptedProvider.claims(
                            nonce: $0.sent("nonce"), ["iss": #""https://other.example""#, "tenant": #""globex""#]))
                },
                { Self.unsigned(ScriptedProvider.claims(nonce: $0.sent("nonce"))) },
                {
                    Self.symmetric(
                        ScriptedProvider.claims(nonce: $0.sent("nonce")), provider.key.key.publicKey.pemRepresentation)
                },
                { _ in "x" }, { _ in "" },
            ] as [(ProviderVisit) throws -> String] {
                #expect(try await answer(make).sessionCookie == nil)
            }
            // Who is no reviewer is told so, and a name that nobody gave a meaning has none.
            for groups in [#"["staff"]"#, "[]", #"["reviewer"]"#] {
                let answer = try await answer(claims(["groups": groups]))
                #expect(answer.status == 403 && answer.text.contains("Not for this role"))
                #expect(answer.sessionCookie == nil && answer.cookies["rejoin_sign_in"] != nil)
            }
            // Tokens that were revoked are no way in.
            try await server.server.engine.end(
                "acme", .tokens(of: "rita", issuedBeforeMilliseconds: TestClock.start + 1_000))
            #expect(try await answer(claims([:])).sessionCookie == nil)
        }
    }

    private static func unsigned(_ claims: String) -> String {
        [#"{"alg":"none"}"#, claims].map { Base64URL.encode(Array($0.utf8)) }.joined(separator: ".") + "."
    }

    private static func symmetric(_ claims: String, _ secret: String) -> String {
        let text = [#"{"alg":"HS256","kid":"1"}"#, claims].map { Base64URL.encode(Array($0.utf8)) }.joined(
            separator: ".")
        let code = HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: SymmetricKey(data: Data(secret.utf8)))
        return text + "." + Base64URL.encode(Array(code))
    }

    // MARK: Members

    @Test("a member reviews where the server says so, chooses among several tenants, and is out when taken out")
    func members() async throws {
        try await TestServer.run(.memory, try provider.options(members: true)) { server in
            func set(_ tenant: TenantID, _ roles: Set<String>) async throws {
                _ = try await server.store.administer(
                    tenant, .setMember("rita", roles: roles), by: "", nowMilliseconds: TestClock.start)
                server.server.engine.accessHasEnded(in: tenant)
            }
            func answer(_ query: String = "") async throws -> Answer {
                let visit = try await server.goToProvider(query)
                // What a claim says of tenants and roles counts for nothing here.
                try provider.signsIn(visit, ["tenant": #""initech""#])
                return try await server.comeBack(visit)
            }
            #expect(try await answer().status == 403)
            try await set("acme", ["device"])
            #expect(try await answer().text.contains("Not for this role"))
            try await set("acme", ["device", "reviewer"])
            let cookie = try #require(try await answer().sessionCookie)
            let page = try await server.send(.get, "/review", headers: [("Cookie", cookie)])
            #expect(page.status == 200 && page.text.contains("acme"))

            try await set("globex", ["reviewer"])
            try await set("initech", ["device"])
            let choice = try await answer("?to=/review/summary")
            #expect(choice.sessionCookie == nil && !choice.text.contains("initech"))
            for tenant in ["acme", "globex"] {
                let link = "http://localhost:8080/review/provider?to=%2Freview%2Fsummary&amp;tenant=\(tenant)"
                #expect(choice.text.contains(#"href="\#(link)""#), "\(choice.text)")
                let chosen = try #require(try await answer("?to=/review/summary&tenant=\(tenant)").sessionCookie)
                let page = try await server.send(.get, "/review", headers: [("Cookie", chosen)])
                #expect(page.status == 200 && page.text.contains(tenant))
            }
            #expect(try await answer("?tenant=initech").sessionCookie == nil)
            #expect(try await answer("?tenant=nowhere").sessionCookie == nil)

            try await set("acme", ["device"])
            #expect(try await server.send(.get, "/review", headers: [("Cookie", cookie)]).status == 401)
            // Whoever is out of one tenant may still sign in to another.
            #expect(try await server.send(.get, "/review/provider", headers: [("Cookie", cookie)]).status == 303)
            #expect(try await answer().sessionCookie != nil)
        }
    }

    // MARK: Pages

    @Test("the way back leads within these pages and nowhere else")
    func openRedirect() async throws {
        try await TestServer.run(.memory, try provider.options()) { server in
            for (to, path) in [
                ("/review/summary", "/review/summary"), ("/review?status=all&page=2", "/review?status=all&amp;page=2"),
                ("https://evil.example", "/review"), ("//evil.example", "/review"), ("/reviewer", "/review"),
                ("/review/../v1/session", "/review"), ("/review/%2E%2e/x", "/review"), ("/review/\\evil", "/review"),
                ("javascript:alert(1)", "/review"), ("/review\"onload=x", "/review"), ("/v1/session", "/review"),
                ("/review/" + String(repeating: "x", count: 2_000), "/review"),
            ] {
                let visit = try await server.goToProvider("?to=\(FormField.encoded(to))")
                try provider.signsIn(visit)
                let answer = try await server.comeBack(visit)
                if to.contains("\"") {
                    #expect(!answer.text.contains("\"onload"))
                } else {
                    #expect(answer.text.contains(#"content="0; url=\#(path)">"#), "\(to)")
                    #expect(answer.text.contains(#"href="\#(path)">Go on"#), "\(to)")
                }
                server.clock.advance(milliseconds: 10_000)
            }
        }
    }

    @Test("the button is there where a provider is, and nothing of it where none is")
    func button() async throws {
        try await TestServer.run(.memory, try provider.options()) { server in
            let page = try await server.send(.get, "/review/conflicts/1?status=open")
            #expect(page.status == 401)
            let link = "http://localhost:8080/review/provider?to=%2Freview%2Fconflicts%2F1%3Fstatus%3Dopen"
            #expect(page.text.contains(#"href="\#(link)">Sign in with your provider"#), "\(page.text)")
            for misspelt in ["/review/provider?too=/review", "/review/provider?to=/review&to=/review"] {
                #expect(try await server.send(.get, misspelt).status == 400, "\(misspelt)")
            }
            // Both ways stand beside each other.
            #expect(try await server.signIn().get("/review").status == 200)
        }
        try await TestServer.run(.memory) { server in
            let page = try await server.send(.get, "/review")
            #expect(page.status == 401 && !page.text.contains("provider"))
            for path in ["/review/provider", "/review/provider/callback?code=c&state=s"] {
                #expect(try await server.send(.get, path).status == 404)
            }
        }
    }
}
