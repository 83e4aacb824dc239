import HTTPTypes
import SyncHTTP
import Testing

@Suite("pages of other sites")
struct CrossOriginTests {
    @Test("they may ask where that is allowed, and are told nothing else")
    func allowed() async throws {
        for (origins, isAllowed) in [
            (AllowedOrigins.these(["https://app.example"]), true), (.any, true), (.none, false),
            (.these(["https://other.example"]), false),
        ] {
            var options = ServerOptions()
            options.allowedOrigins = origins
            try await TestServer.run(.memory, options) { server in
                let mac = try await server.device("mac")
                let origin = ("Origin", "https://app.example")
                let asks = [
                    origin, ("Access-Control-Request-Method", "POST"),
                    ("Access-Control-Request-Headers", "authorization,idempotency-key"),
                ]
                let preflight = try await server.send(.options, "/v1/batches", headers: asks)
                #expect(preflight.status == (isAllowed ? 204 : 405), "\(origins)")
                let expected = !isAllowed ? nil : origins == .any ? "*" : "https://app.example"
                #expect(preflight.header("Access-Control-Allow-Origin") == expected)
                if isAllowed {
                    let headers = preflight.header("Access-Control-Allow-Headers")?.lowercased() ?? ""
                    for name in ["authorization", "content-type", "idempotency-key", "last-event-id"] {
                        #expect(headers.contains(name), "\(name)")
                    }
                }
                for (uri, token) in [("/v1/changes", mac.token), ("/v1/changes?limit=0", mac.token), ("/v1/x", "x")] {
                    let answer = try await server.send(.get, uri, token: token, headers: [origin])
                    #expect(answer.header("Access-Control-Allow-Origin") == expected, "\(uri)")
                    #expect(answer.header("Access-Control-Allow-Credentials") == nil)
                    if isAllowed {
                        #expect(answer.header("Access-Control-Expose-Headers")?.contains("Retry-After") == true)
                    }
                    if isAllowed, origins != .any { #expect(answer.header("Vary")?.contains("Origin") == true) }
                }
                // The reviewers' pages go by a cookie, and are for no other site.
                let page = try await server.send(.get, "/review", headers: [origin])
                #expect(page.header("Access-Control-Allow-Origin") == nil)
            }
        }
    }

    @Test("origins are read as browsers write them, and nothing else is one")
    func reading() {
        for (text, origin) in [
            ("https://app.example", "https://app.example"), ("HTTPS://App.Example/", "https://app.example"),
            ("http://localhost:5173", "http://localhost:5173"), ("https://app.example:443", "https://app.example"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            #expect(AllowedOrigins.reading([text]) == .success(.these([origin])), "\(text)")
        }
        for text in ["app.example", "https://app.example/page", "null", "ftp://x", "https://", "https://a b", ""] {
            #expect(AllowedOrigins.reading([text]) == .failure(.init(text: text)), "\(text)")
        }
        #expect(AllowedOrigins.reading(["*"]) == .success(.any))
        #expect(AllowedOrigins.reading(["*", "https://a.example"]) == .failure(.init(text: "*")))
        #expect(AllowedOrigins.reading([]) == .success(.none))
    }
}
