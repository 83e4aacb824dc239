import Crypto
import CryptoExtras
import Foundation
import SyncEngine
import SyncWire
import Testing

@testable import SyncHTTP
@testable import rejoin

/// The examples of `docs/identity.md`, against tokens as the providers publish them.
@Suite("tokens of four providers")
struct IdentityExampleTests {
    private static let now: Int64 = 1_764_000_000

    /// What the page says of a provider.
    private static func settings(under heading: String) throws -> IdentitySettings {
        let page = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/identity.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let section = try #require(text.components(separatedBy: "\n## ").first { $0.hasPrefix(heading + "\n") })
        let yaml = try #require(section.components(separatedBy: "```yaml\n").dropFirst().first)
        let root = try YAMLText.root(of: try #require(yaml.components(separatedBy: "```").first))
        return try IdentitySettings(try YAMLMembers(root, at: "file", allowing: ["auth"]).node("auth"))
    }

    /// A key of the provider, and its member of a key set.
    private enum Key {
        case rsa(_RSA.Signing.PrivateKey)
        case elliptic(P256.Signing.PrivateKey)

        var algorithm: String {
            switch self {
            case .rsa: "RS256"
            case .elliptic: "ES256"
            }
        }

        func jwk() throws -> String {
            func url(_ bytes: some Sequence<UInt8>) -> String { Base64URL.encode(Array(bytes)) }
            switch self {
            case .rsa(let key):
                let numbers = try key.publicKey.getKeyPrimitives()
                return
                    #"{"kty":"RSA","use":"sig","kid":"k","n":"\#(url(numbers.modulus))","e":"\#(url(numbers.publicExponent))"}"#
            case .elliptic(let key):
                let point = key.publicKey.x963Representation.dropFirst()
                return
                    #"{"kty":"EC","crv":"P-256","kid":"k","key_ops":["verify"],"x":"\#(url(point.prefix(32)))","y":"\#(url(point.suffix(32)))"}"#
            }
        }

        func token(_ claims: String, type: String = "JWT") throws -> String {
            let header = #"{"alg":"\#(algorithm)","typ":"\#(type)","kid":"k"}"#
            let text = [header, claims].map { Base64URL.encode(Array($0.utf8)) }.joined(separator: ".")
            let signature =
                switch self {
                case .rsa(let key):
                    try key.signature(for: Data(text.utf8), padding: .insecurePKCS1v1_5).rawRepresentation
                case .elliptic(let key): try key.signature(for: Data(text.utf8)).rawRepresentation
                }
            return text + "." + Base64URL.encode(Array(signature))
        }
    }

    private static func verifier(_ settings: IdentitySettings, _ key: Key) async throws -> TokenVerifier {
        let set = #"{"keys":[\#(try key.jwk())]}"#
        return try await TokenVerifier(
            settings.issuers.map { $0.reading(KeySource(place: "test") { .success(.keySet(set)) }) })
    }

    private static func caller(_ verifier: TokenVerifier, _ token: String) async throws(Problem) -> Caller {
        try await verifier.caller(
            "Bearer \(token)", in: .none, nowMilliseconds: now * 1000, limits: WireLimits(),
            memberships: { _ in [] })
    }

    /// One claim after the other is taken away or changed; each of these is refused.
    private static func expectRefusals(
        _ verifier: TokenVerifier, _ key: Key, _ claims: String, _ changes: [(String, String)]
    ) async throws {
        for (text, other) in changes {
            #expect(claims.contains(text), "\(text)")
            let token = try key.token(claims.replacing(text, with: other))
            await #expect(throws: Problem.self, "\(text)") { _ = try await caller(verifier, token) }
        }
    }

    @Test("Auth0: claims under an address, an audience among several, either type of token")
    func auth0() async throws {
        let key = Key.rsa(try _RSA.Signing.PrivateKey(keySize: .bits2048))
        let claims = """
            {"iss":"https://acme.eu.auth0.com/","sub":"auth0|5f7c8ec7c33c6c004bbafe82",
            "aud":["https://sync.example/","https://acme.eu.auth0.com/userinfo"],"iat":\(Self.now - 10),"exp":\(Self.now + 86400),
            "azp":"my_client_id","scope":"openid profile email","permissions":["read:all"],
            "https://app.example/tenant":"acme","https://app.example/roles":["dispatcher","admin"]}
            """
        let verifier = try await Self.verifier(try Self.settings(under: "Auth0"), key)
        for type in ["JWT", "at+jwt"] {
            let caller = try await Self.caller(verifier, try key.token(claims, type: type))
            #expect(caller.tenant == "acme" && caller.user == "auth0|5f7c8ec7c33c6c004bbafe82")
            #expect(caller.roles == [.reviewer, .device] && caller.device == nil)
        }
        try await Self.expectRefusals(
            verifier, key, claims,
            [
                ("auth0.com/\",\"sub", "auth0.com\",\"sub"), ("sync.example", "other.example"),
                ("app.example/tenant", "app.example/x"),
            ])
    }

    @Test("Keycloak: the realm's roles, and a tenant that a mapper adds")
    func keycloak() async throws {
        let key = Key.rsa(try _RSA.Signing.PrivateKey(keySize: .bits2048))
        let claims = """
            {"exp":\(Self.now + 300),"iat":\(Self.now),"auth_time":\(Self.now - 5),"jti":"onrtac:1ab0c6a4-7d6f-4f0c-9b8f-0d5d2e1f7a11",
            "iss":"https://id.example/realms/shop","aud":["rejoin","account"],"sub":"f8f1a2d4-54b2-4b0e-9d0e-1c2d3e4f5a6b","typ":"Bearer",
            "azp":"field-app","sid":"d9b2","acr":"1","allowed-origins":["https://app.example"],
            "realm_access":{"roles":["offline_access","sync-reviewer","uma_authorization"]},
            "resource_access":{"account":{"roles":["manage-account","sync-admin"]}},"scope":"openid email profile",
            "email_verified":true,"preferred_username":"ada","tenant":"acme"}
            """
        let verifier = try await Self.verifier(try Self.settings(under: "Keycloak"), key)
        let caller = try await Self.caller(verifier, try key.token(claims))
        #expect(caller.tenant == "acme" && caller.user == "f8f1a2d4-54b2-4b0e-9d0e-1c2d3e4f5a6b")
        #expect(caller.roles == [.reviewer, .device])
        try await Self.expectRefusals(
            verifier, key, claims,
            [("\"rejoin\",", ""), ("realms/shop", "realms/master"), ("\"tenant\":\"acme\"", "\"tenant\":[\"acme\"]")])
    }

    @Test("Supabase: what the project writes counts, and what users write of themselves does not")
    func supabase() async throws {
        let key = Key.elliptic(P256.Signing.PrivateKey())
        let claims = """
            {"aud":"authenticated","exp":\(Self.now + 3600),"iat":\(Self.now),
            "iss":"https://abcdefghijklmnop.supabase.co/auth/v1","sub":"7f0b5d7e-6a0c-4b8c-9c43-1d6f9c0a9f11",
            "email":"ada@example.com","phone":"","app_metadata":{"provider":"email","providers":["email"],"contractor_id":4711},
            "user_metadata":{"contractor_id":"globex","roles":["admin"]},"role":"authenticated","aal":"aal1",
            "amr":[{"method":"password","timestamp":\(Self.now)}],"session_id":"c1","is_anonymous":false}
            """
        let verifier = try await Self.verifier(try Self.settings(under: "Supabase"), key)
        let caller = try await Self.caller(verifier, try key.token(claims))
        #expect(caller.tenant == "4711" && caller.user == "7f0b5d7e-6a0c-4b8c-9c43-1d6f9c0a9f11")
        #expect(caller.roles == [.device])
        try await Self.expectRefusals(
            verifier, key, claims,
            [(",\"contractor_id\":4711", ""), ("\"aud\":\"authenticated\"", "\"aud\":\"anon\""), ("4711", "[4711]")])
    }

    @Test("Firebase: each user is a tenant, beside the server's own tokens")
    func firebase() async throws {
        let key = Key.rsa(try _RSA.Signing.PrivateKey(keySize: .bits2048))
        let claims = """
            {"name":"Ada","picture":"https://example.com/a.png","iss":"https://securetoken.google.com/shop-1234","aud":"shop-1234",
            "auth_time":\(Self.now - 60),"user_id":"Xu4bD2","sub":"Xu4bD2","iat":\(Self.now - 60),"exp":\(Self.now + 3540),
            "email":"ada@example.com","email_verified":true,
            "firebase":{"identities":{"email":["ada@example.com"]},"sign_in_provider":"password"}}
            """
        let settings = try Self.settings(under: "Firebase")
        #expect(settings.takesOwnTokens)
        let verifier = try await Self.verifier(settings, key)
        let caller = try await Self.caller(verifier, try key.token(claims))
        #expect(caller.tenant == "user:Xu4bD2" && caller.user == "Xu4bD2" && caller.roles == [.device])
        try await Self.expectRefusals(
            verifier, key, claims,
            [
                ("com/shop-1234", "com/shop-1235"), ("\"aud\":\"shop-1234\"", "\"aud\":\"shop\""),
                ("\"sub\":\"Xu4bD2\",", ""),
            ])
    }
}
