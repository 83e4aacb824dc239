import Crypto
import EngineHarness
import Foundation
import MergeCore
import Synchronization
import SyncHTTP
import SyncWire
import Testing

@Suite("keys of others")
struct KeySetTests {
    private let now = TestClock.start / 1000

    private func claims(_ more: String = "", exp: Int64 = 3600) -> String {
        #"{"sub":"ada","tenant":"acme","device":"mac","exp":\#(now + exp)\#(more)}"#
    }

    private func options(_ keys: String...) -> ServerOptions {
        var options = ServerOptions()
        options.key = .keySet(HandmadeKey.set(keys))
        return options
    }

    private func status(
        _ server: TestServer, _ key: HandmadeKey, _ claims: String, header: String? = nil
    ) async throws -> Int {
        try await server.send(.get, "/v1/session", token: try key.token(claims, header: header)).status
    }

    private func expect(
        _ expected: Int, _ server: TestServer, _ key: HandmadeKey, _ claims: String, header: String? = nil,
        _ comment: Comment = "", at location: SourceLocation = #_sourceLocation
    ) async throws {
        #expect(try await status(server, key, claims, header: header) == expected, comment, sourceLocation: location)
    }

    @Test("a token is verified with the key that it names and with no other")
    func byName() async throws {
        let (first, second, stranger) = (HandmadeKey(id: "1"), HandmadeKey(id: "2"), HandmadeKey(id: "3"))
        try await TestServer.run(.memory, options(first.jwk(), second.jwk())) { server in
            try await expect(200, server, first, claims())
            try await expect(200, server, second, claims())
            try await expect(401, server, stranger, claims())
            for name in [#""3""#, #""2""#, #""""#, "1", "null"] {
                let header = #"{"alg":"ES256","kid":\#(name)}"#
                try await expect(401, server, first, claims(), header: header, "\(name)")
            }
            try await expect(401, server, first, claims(), header: #"{"alg":"ES256"}"#)
        }
        // Where there is one key, a token that names none can mean no other; one that names another does not mean it.
        try await TestServer.run(.memory, options(first.jwk())) { server in
            try await expect(200, server, first, claims(), header: #"{"alg":"ES256"}"#)
            try await expect(401, server, first, claims(), header: #"{"alg":"ES256","kid":"2"}"#)
        }
    }

    @Test("a key for something else verifies nothing, and a key that cannot be used takes nothing from the others")
    func unusable() async throws {
        let (good, other) = (HandmadeKey(id: "good"), HandmadeKey(id: "other"))
        let short = Base64URL.encode([UInt8](repeating: 0xC1, count: 128))
        for bad in [
            other.jwk(#","use":"enc""#), other.jwk(#","use":7"#), other.jwk(#","key_ops":["encrypt"]"#),
            other.jwk(#","key_ops":"verify""#), other.jwk(#","alg":"ES384""#), other.jwk(#","alg":"HS256""#),
            other.jwk(#","alg":7"#), #"{"kty":"oct","kid":"other","k":"AAAA"}"#, "7", "{}",
            #"{"kty":"EC","crv":"P-256","kid":"other","x":"AAAA","y":"AAAA"}"#,
            #"{"kty":"RSA","kid":"other","n":"\#(short)","e":"AQAB"}"#,
            #"{"kty":"EC","crv":"secp256k1","kid":"other"}"#,
        ] {
            try await TestServer.run(.memory, options(bad, good.jwk(#","use":"sig","key_ops":["verify"]"#))) { server in
                try await expect(200, server, good, claims(), "\(bad)")
                try await expect(401, server, other, claims(), "\(bad)")
                #expect(server.log.text.contains("key 1 is not used"), "\(bad)")
            }
            await #expect(throws: TokenVerifier.KeyError.self, "\(bad)") {
                _ = try await TokenVerifier(.keySet(HandmadeKey.set([bad])))
            }
        }
    }

    @Test("a header that asks for more than is understood, or that is of something else, is refused")
    func headers() async throws {
        let key = HandmadeKey(id: "1")
        try await TestServer.run(.memory, options(key.jwk())) { server in
            for good in [
                #"{"alg":"ES256","kid":"1"}"#, #"{"alg":"ES256","kid":"1","typ":"at+jwt"}"#,
                #"{"alg":"ES256","kid":"1","typ":"application/JWT","jku":"https://example.org"}"#,
            ] {
                try await expect(200, server, key, claims(), header: good, "\(good)")
            }
            for bad in [
                #"{"alg":"ES256","kid":"1","crit":["exp"],"exp":1}"#, #"{"alg":"ES256","kid":"1","crit":[]}"#,
                #"{"alg":"ES256","kid":"1","crit":["b64"],"b64":true}"#,
                #"{"alg":"ES256","kid":"1","typ":"logout+jwt"}"#,
                #"{"alg":"ES256","kid":"1","typ":7}"#, #"{"alg":"ES384","kid":"1"}"#, #"{"alg":"none","kid":"1"}"#,
                #"{"alg":"HS256","kid":"1"}"#, #"{"alg":"es256","kid":"1"}"#, #"{"kid":"1"}"#,
                #"{"alg":"ES256","alg":"ES256","kid":"1"}"#, "[]", "",
            ] {
                try await expect(401, server, key, claims(), header: bad, "\(bad)")
            }
        }
    }

    @Test("a token is for this server, by this issuer and valid now, give or take what clocks differ")
    func requirements() async throws {
        let key = HandmadeKey(id: "1")
        var options = options(key.jwk())
        options.tokenRequirements = TokenRequirements(
            issuer: "https://id.example.org", audience: "rejoin", leewaySeconds: 60)
        try await TestServer.run(.memory, options) { server in
            let issuer = #","iss":"https://id.example.org""#
            for good in [
                claims(issuer + #","aud":"rejoin""#), claims(issuer + #","aud":["other","rejoin"]"#),
                claims(issuer + #","aud":"rejoin","nbf":\#(now + 60)"#), claims(issuer + #","aud":"rejoin""#, exp: -59),
            ] {
                try await expect(200, server, key, good, "\(good)")
            }
            for bad in [
                claims(), claims(issuer), claims(#","aud":"rejoin""#), claims(issuer + #","aud":"Rejoin""#),
                claims(issuer + #","aud":[]"#), claims(issuer + #","aud":7"#), claims(issuer + #","aud":"rejoin2""#),
                claims(#","iss":"https://id.example.org/","aud":"rejoin""#), claims(#","iss":7,"aud":"rejoin""#),
                claims(issuer + #","aud":"rejoin","nbf":\#(now + 61)"#),
                claims(issuer + #","aud":"rejoin","nbf":"now""#),
            ] {
                let answer = try await server.send(.get, "/v1/session", token: try key.token(bad))
                #expect(answer.code == "unauthenticated", "\(bad)")
            }
            let late = try key.token(claims(issuer + #","aud":"rejoin""#, exp: -60))
            #expect(try await server.send(.get, "/v1/session", token: late).code == "token_expired")
            // A token for another service does not say either whether it would still be valid.
            let elsewhere = try key.token(claims(issuer + #","aud":"other""#, exp: -60))
            #expect(try await server.send(.get, "/v1/session", token: elsewhere).code == "unauthenticated")
        }
    }

    /// A file of keys that somebody changes, and how often it was read.
    private final class KeyFile: Sendable {
        private let state: Mutex<(text: String?, readings: Int)>

        init(_ text: String) { state = Mutex((text, 0)) }

        var readings: Int { state.withLock { $0.readings } }
        func write(_ text: String?) { state.withLock { $0.text = text } }
        func read() -> TokenKey? {
            state.withLock {
                $0.readings += 1
                return $0.text.map { .keySet($0) }
            }
        }
    }

    @Test("the file is read again for a key that is not known, now and then, and when it is asked for")
    func rotation() async throws {
        let (old, new, made) = (HandmadeKey(id: "old"), HandmadeKey(id: "new"), HandmadeKey(id: "made up"))
        let file = KeyFile(HandmadeKey.set([old.jwk(), new.jwk()]))
        var options = options(old.jwk())
        options.keySource = { file.read() }
        try await TestServer.run(.memory, options) { server in
            try await expect(200, server, old, claims())
            #expect(file.readings == 0)
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<16 { group.addTask { try await status(server, new, claims()) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses == Array(repeating: 200, count: 16))
            #expect(file.readings == 1)
            for _ in 0..<100 { try await expect(401, server, made, claims()) }
            #expect(file.readings == 1)
            server.clock.advance(milliseconds: 10_000)
            try await expect(401, server, made, claims())
            #expect(file.readings == 2)

            // What cannot be read changes nothing; what can be read is in force, a key that was taken away too.
            for broken in [nil, "", "{", #"{"keys":7}"#] {
                file.write(broken)
                await server.server.verifier.readAgain()
                try await expect(200, server, old, claims())
            }
            file.write(HandmadeKey.set([new.jwk()]))
            await server.server.verifier.readAgain()
            try await expect(401, server, old, claims())
            try await expect(200, server, new, claims())
            file.write(HandmadeKey.set([]))
            await server.server.verifier.readAgain()
            try await expect(401, server, new, claims())
        }
    }
}
