import SyncHTTP
import Testing

@Suite("the reviewers' cookie over TLS")
struct ReviewCookieTests {
    @Test("over TLS the cookie is for this host over TLS alone, and a proxy that is not trusted says nothing of TLS")
    func secureCookie() async throws {
        var options = ServerOptions()
        options.setup = .live
        options.trustedProxies = TrustedProxies([try #require(AddressRange("127.0.0.0/8"))])
        let overTLS = [("X-Forwarded-Proto", "https")]
        try await TestServer.run(.memory, options) { server in
            let answer = try await server.post(
                "/review/sign-in", [("code", try await server.linkCode())], headers: overTLS)
            let cookie = try #require(answer.header("Set-Cookie"))
            // Attributes come in any order.
            let attributes = Set(cookie.split(separator: "; ").dropFirst())
            #expect(attributes.isSuperset(of: ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"]), "\(cookie)")
            #expect(cookie.hasPrefix("__Host-rejoin_review="), "\(cookie)")
            let value = cookie.prefix { $0 != ";" }.drop { $0 != "=" }.dropFirst()
            for (name, headers, status) in [
                ("__Host-rejoin_review", overTLS, 200), ("rejoin_review", overTLS, 401), ("rejoin_review", [], 200),
                ("__Host-rejoin_review", [], 401),
            ] {
                let page = try await server.send(.get, "/review", headers: headers + [("Cookie", "\(name)=\(value)")])
                #expect(page.status == status, "\(name) \(headers)")
            }
        }
        options.trustedProxies = .none
        try await TestServer.run(.memory, options) { server in
            let answer = try await server.post(
                "/review/sign-in", [("code", try await server.linkCode())], headers: overTLS)
            #expect(answer.header("Set-Cookie")?.contains("Secure") == false)
            #expect(server.log.text.contains("no trusted proxy"))
        }
    }
}
