import Crypto
import EngineHarness
import Foundation
import SyncEngine
import SyncHTTP
import SyncWire
import Testing

@Suite("several issuers")
struct IssuerTests {
    private let now = TestClock.start / 1000
    private let first = HandmadeKey(id: "1")
    private let second = HandmadeKey(id: "1")

    private func claims(_ issuer: String, _ more: String = #","tenant":"acme""#, aud: String = "rejoin") -> String {
        #"{"iss":"\#(issuer)","aud":"\#(aud)","sub":"ada","exp":\#(now + 3600)\#(more)}"#
    }

    private func session(_ server: TestServer, _ token: String) async throws -> Answer {
        try await server.send(.get, "/v1/session", token: token)
    }

    private func options(_ issuers: TokenIssuer...) -> ServerOptions {
        var options = ServerOptions()
        options.issuers = issuers
        return options
    }

    @Test("each speaks in its own name alone, whatever its keys are called, and the server's own key in nobody's")
    func names() async throws {
        let issuers = [
            try TokenIssuer.test("https://one.example", ScriptedKeys([first.jwk()])),
            try TokenIssuer.test("https://two.example", ScriptedKeys([second.jwk()])),
        ]
        try await TestServer.run(.memory, options(issuers[0], issuers[1])) { server in
            for (key, issuer, status) in [
                (first, "https://one.example", 200), (second, "https://two.example", 200),
                (first, "https://two.example", 401), (second, "https://one.example", 401),
                (first, "https://three.example", 401), (first, "https://one.example/", 401),
            ] {
                #expect(try await session(server, key.token(claims(issuer))).status == status, "\(issuer)")
            }
            // What is said twice is said by nobody, so that no two readers can take different ones.
            let twice = claims("https://one.example", #","tenant":"acme","iss":"https://two.example""#)
            #expect(try await session(server, first.token(twice)).status == 401)
            // No issuer's key is the server's own.
            let unnamed = #"{"sub":"ada","tenant":"acme","roles":["admin"],"exp":\#(now + 60)}"#
            #expect(try await session(server, first.token(unnamed)).status == 401)
            #expect(try await session(server, server.token(device: "mac")).status == 200)
            var own = TokenClaims(
                user: "ada", tenant: "acme", device: nil, roles: ["admin"], expiresAtSeconds: Double(now + 60))
            for issuer in ["https://one.example", "https://two.example"] {
                own.iss = issuer
                own.aud = TokenClaims.Audience(["rejoin"])
                let token = try await server.mint.token(own)
                #expect(try await session(server, token).status == 401)
            }
        }
    }

    @Test("a token of none, of a secret, for another service, of another time or without what it needs is refused")
    func refused() async throws {
        let issuer = try TokenIssuer.test("https://one.example", ScriptedKeys([first.jwk()]))
        try await TestServer.run(.memory, options(issuer)) { server in
            let good = claims("https://one.example")
            #expect(try await session(server, first.token(good)).status == 200)
            let unsigned = [#"{"alg":"none"}"#, good].map { Base64URL.encode(Array($0.utf8)) }.joined(separator: ".")
            // The public key, as everybody can read it, taken for the secret of HS256.
            let header = Base64URL.encode(Array(#"{"alg":"HS256","kid":"1"}"#.utf8))
            let signed = header + "." + Base64URL.encode(Array(good.utf8))
            for secret in [first.key.publicKey.pemRepresentation, first.jwk(), HandmadeKey.set([first.jwk()])] {
                let code = HMAC<SHA256>.authenticationCode(
                    for: Data(signed.utf8), using: SymmetricKey(data: Data(secret.utf8)))
                let answer = try await session(server, signed + "." + Base64URL.encode(Array(code)))
                #expect(answer.code == "unauthenticated")
            }
            for bad in [unsigned + ".", unsigned + "." + Base64URL.encode([1, 2, 3])] {
                #expect(try await session(server, bad).code == "unauthenticated")
            }
            for bad in [
                claims("https://one.example", aud: "another"), claims("https://one.example", ""),
                claims("https://one.example", #","tenant":"acme","nbf":\#(now + 61)"#),
                #"{"iss":"https://one.example","sub":"ada","tenant":"acme","exp":\#(now + 60)}"#,
                #"{"iss":"https://one.example","aud":"rejoin","sub":"ada","tenant":"acme"}"#,
                #"{"iss":"https://one.example","aud":"rejoin","tenant":"acme","exp":\#(now + 60)}"#,
                #"{"iss":["https://one.example"],"aud":"rejoin","sub":"ada","tenant":"acme","exp":\#(now + 60)}"#,
            ] {
                let answer = try await session(server, first.token(bad))
                #expect(answer.code == "unauthenticated", "\(bad)")
                #expect(!answer.text.contains("example"), "\(answer.text)")
            }
            let late = claims("https://one.example").replacing("\(now + 3600)", with: "\(now - 60)")
            #expect(try await session(server, first.token(late)).code == "token_expired")
        }
    }

    @Test("a tenant is a text or a whole number at the end of a path, and anything else refuses the token")
    func tenants() async throws {
        for (place, member, tenant) in [
            ("app.contractor", #""app":{"contractor":"acme"}"#, "acme"),
            ("app.contractor", #""app":{"contractor":42}"#, "42"),
            ("https://app.example/tenant", #""https://app.example/tenant":"acme""#, "acme"),
            ("user:{sub}", #""tenant":"acme""#, "user:ada"),
            ("{app.contractor}-eu", #""app":{"contractor":"acme"}"#, "acme-eu"),
            ("app.contractor", #""app":{"contractor":["acme"]}"#, nil),
            ("app.contractor", #""app":{"contractor":{"name":"acme"}}"#, nil),
            ("app.contractor", #""app":{"contractor":null}"#, nil),
            ("app.contractor", #""app":{"contractor":true}"#, nil),
            ("app.contractor", #""app":{"contractor":1.5}"#, nil), ("app.contractor", #""app":{"contractor":""}"#, nil),
            ("app.contractor", #""app":{}"#, nil), ("app.contractor", #""app":"contractor""#, nil),
            ("app.contractor", #""app.contractor":"acme""#, nil),
            ("app.contractor", #""app":[{"contractor":"a"}]"#, nil),
            ("shop:{app.id}", #""app":{"id":""}"#, nil), ("shop:{app.id}", #""app":{"id":"a\u0000b"}"#, nil),
            ("shop:{app.id}", #""app":{"id":"\#(String(repeating: "t", count: 124))"}"#, nil),
            ("app.id", #""app":{"id":".."}"#, nil),
        ] as [(String, String, String?)] {
            let issuer = try TokenIssuer.test("i", ScriptedKeys([first.jwk()]), tenant: place)
            try await TestServer.run(.memory, options(issuer)) { server in
                let answer = try await session(server, first.token(claims("i", "," + member)))
                #expect(answer.status == (tenant == nil ? 401 : 200), "\(place) \(member)")
                if let tenant { #expect(answer["tenant"] == .string(tenant), "\(place) \(member)") }
            }
        }
    }

    @Test("roles are the provider's names for them, and a name that nobody gave a meaning has none")
    func roles() async throws {
        let path = try ClaimPath(text: "realm_access.roles")
        func issuer(_ meanings: [String: Set<Caller.Role>]) throws -> TokenIssuer {
            try .test(
                "i", ScriptedKeys([first.jwk()]), roles: .mapped(ClaimPlaces.Roles(path, meanings: meanings)))
        }
        for (meanings, claim, roles) in [
            (["boss": [.admin, .reviewer]], #"["boss"]"#, ["admin", "device", "reviewer"]),
            (["boss": [.admin], "field": [.device]], #"["boss"]"#, ["admin"]),
            (["boss": [.admin], "field": [.device]], #""field boss other""#, ["admin", "device"]),
            (["boss": [.admin]], #"["admin","reviewer","device"]"#, ["device"]),
            (["boss": [.admin]], "null", ["device"]),
            (["boss": [.admin]], #"[]"#, ["device"]), (["boss": [.admin]], #"["boss",1]"#, nil),
            (["boss": [.admin]], #"{"boss":true}"#, nil), (["boss": [.admin]], "7", nil),
        ] as [([String: Set<Caller.Role>], String, [String]?)] {
            try await TestServer.run(.memory, options(try issuer(meanings))) { server in
                let token = try first.token(claims("i", #","tenant":"acme","realm_access":{"roles":\#(claim)}"#))
                let answer = try await session(server, token)
                #expect(answer.status == (roles == nil ? 401 : 200), "\(claim)")
                if let roles { #expect(answer["roles"] == .array(roles.map { .string($0) }), "\(claim)") }
            }
        }
    }

    @Test("an issuer that may speak for some tenants speaks for no other")
    func range() async throws {
        let issuer = try TokenIssuer.test("i", ScriptedKeys([first.jwk()]), tenants: .named(["acme", "beta"]))
        try await TestServer.run(.memory, options(issuer)) { server in
            for (tenant, status) in [("acme", 200), ("beta", 200), ("gamma", 401), ("ACME", 401), ("acme ", 401)] {
                let answer = try await session(server, first.token(claims("i", #","tenant":"\#(tenant)""#)))
                #expect(answer.status == status, "\(tenant)")
            }
        }
    }

    @Test("two issuers that can come to one tenant without anybody having said so are found")
    func meeting() throws {
        func meet(
            _ left: String, _ right: String, _ leftRange: TenantRange = .asClaimed,
            _ rightRange: TenantRange = .asClaimed
        ) throws -> Bool {
            let keys = ScriptedKeys(nil)
            let one = try TokenIssuer.test("1", keys, tenant: left, tenants: leftRange)
            let two = try TokenIssuer.test("2", keys, tenant: right, tenants: rightRange)
            #expect(one.meetsByAccident(two) == two.meetsByAccident(one))
            return one.meetsByAccident(two)
        }
        #expect(try meet("tenant", "org"))
        #expect(try meet("user:{sub}", "org"))
        #expect(try meet("user:{sub}", "user:{sub}"))
        #expect(try meet("a:{sub}", "a:b:{sub}"))
        #expect(try meet("{sub}-a", "x{sub}"))
        #expect(try !meet("a:{sub}", "b:{sub}"))
        #expect(try !meet("{sub}-a", "{sub}-b"))
        #expect(try !meet("tenant", "org", .named(["acme"]), .named(["acme", "beta"])))
        #expect(try meet("tenant", "org", .named(["acme"])))
        #expect(try meet("a:{sub}", "org", .asClaimed, .named(["a:1"])))
        #expect(try !meet("a:{sub}", "org", .asClaimed, .named(["a:", "b"])))
        #expect(try !meet("tenant", "org", .anyOnPurpose))
    }

    @Test("keys that cannot be had at the start are asked for when they are needed, and nobody is called a liar before")
    func away() async throws {
        let keys = ScriptedKeys(nil)
        try await TestServer.run(.memory, options(try .test("i", keys))) { server in
            #expect(server.log.text.contains("cannot be had"))
            #expect(keys.readings == 1)
            let token = try first.token(claims("i"))
            for _ in 0..<20 {
                let answer = try await session(server, token)
                #expect(answer.code == "overloaded" && answer.header("Retry-After") == "10")
            }
            #expect(keys.readings == 2)
            // Other issuers and the server's own tokens do not wait for them.
            #expect(try await session(server, server.token(device: "mac")).status == 200)
            #expect(try await session(server, first.token(claims("j"))).status == 401)
            keys.set([first.jwk()])
            #expect(try await session(server, token).code == "overloaded")
            server.clock.advance(milliseconds: 10_000)
            #expect(try await session(server, token).status == 200)
            #expect(keys.readings == 3)
        }
        // Keys that are the operator's own have to be there.
        let file = TokenIssuer(
            TokenRequirements(issuer: "i", audience: "rejoin"), claims: .own,
            keys: ScriptedKeys(nil).source(.whenTold))
        await #expect(throws: TokenVerifier.KeyError.self) { _ = try await TokenVerifier([file]) }
    }

    @Test("whoever makes up names of keys or issuers has keys read now and then, and no more")
    func madeUp() async throws {
        let keys = ScriptedKeys([first.jwk()])
        try await TestServer.run(.memory, options(try .test("i", keys))) { server in
            #expect(keys.readings == 1)
            for number in 0..<50 {
                let header = #"{"alg":"ES256","kid":"made up \#(number)"}"#
                #expect(try await session(server, first.token(claims("i"), header: header)).status == 401)
                let other = try first.token(claims("made up \(number)"), header: header)
                #expect(try await session(server, other).status == 401)
            }
            #expect(keys.readings == 2)
            server.clock.advance(milliseconds: 30_000)
            // An algorithm that no key of an issuer can have is not worth asking for.
            let secret = #"{"alg":"HS256","kid":"made up"}"#
            #expect(try await session(server, first.token(claims("i"), header: secret)).status == 401)
            #expect(keys.readings == 2)
        }
    }

    @Test("keys are read again when they are old, and good for as long as there are no others")
    func refreshed() async throws {
        let (old, new) = (HandmadeKey(id: "old"), HandmadeKey(id: "new"))
        let keys = ScriptedKeys([old.jwk()])
        try await TestServer.run(.memory, options(try .test("i", keys))) { server in
            let token = try old.token(claims("i"))
            #expect(try await session(server, token).status == 200)
            // The provider is away: what is here goes on, and it is asked every thirty seconds.
            keys.set(nil)
            server.clock.advance(milliseconds: 600_000)
            for _ in 0..<10 { #expect(try await session(server, old.token(claims("i"))).status == 200) }
            try await eventually("the provider is asked") { keys.readings == 2 }
            #expect(try await session(server, new.token(claims("i"))).status == 401)
            #expect(keys.readings == 2)
            // It is back, with another key beside the old one.
            keys.set([old.jwk(), new.jwk()])
            server.clock.advance(milliseconds: 30_000)
            #expect(try await session(server, new.token(claims("i"))).status == 200)
            #expect(try await session(server, token).status == 200)
            // It has taken the old one away, which nobody's token tells.
            keys.set([new.jwk()])
            server.clock.advance(milliseconds: 600_000)
            try await eventually("the old key is gone") {
                try await session(server, old.token(claims("i"))).status == 401
            }
            #expect(try await session(server, token).status == 401, "what was verified with it is not kept either")
        }
    }

    @Test("a token that names no key has keys read too, now and then, because a new one is known by nothing else")
    func withoutNames() async throws {
        let (old, new, stranger) = (HandmadeKey(id: "1"), HandmadeKey(id: "1"), HandmadeKey(id: "1"))
        let keys = ScriptedKeys([old.jwk()])
        let header = #"{"alg":"ES256"}"#
        try await TestServer.run(.memory, options(try .test("i", keys))) { server in
            #expect(try await session(server, old.token(claims("i"), header: header)).status == 200)
            keys.set([new.jwk()])
            let token = try new.token(claims("i"), header: header)
            #expect(try await session(server, token).status == 200)
            #expect(try await session(server, old.token(claims("i"), header: header)).status == 401)
            #expect(keys.readings == 2)
            for _ in 0..<20 {
                #expect(try await session(server, stranger.token(claims("i"), header: header)).status == 401)
            }
            #expect(keys.readings == 2)
            server.clock.advance(milliseconds: 30_000)
            // One that names its key is refused by it, and that is that.
            #expect(try await session(server, stranger.token(claims("i"))).status == 401)
            #expect(keys.readings == 2)
            #expect(try await session(server, stranger.token(claims("i"), header: header)).status == 401)
            #expect(keys.readings == 3)
        }
    }

    @Test("an algorithm that is not allowed makes no key")
    func algorithms() async throws {
        let (elliptic, keys) = (HandmadeKey(id: "1"), ScriptedKeys(nil))
        keys.set([elliptic.jwk()])
        for (allowed, status) in [(["ES256"], 200), (["RS256"], 503)] as [(Set<String>, Int)] {
            let issuer = try TokenIssuer.test("i", keys, algorithms: allowed)
            try await TestServer.run(.memory, options(issuer)) { server in
                let answer = try await session(server, elliptic.token(claims("i")))
                #expect(answer.status == status)
            }
        }
    }
}
