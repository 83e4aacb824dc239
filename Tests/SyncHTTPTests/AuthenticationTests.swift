import Crypto
import CryptoExtras
import EngineHarness
import Foundation
import HTTPTypes
import JWTKit
import MergeCore
import StrictJSON
import SyncHTTP
import SyncWire
import Testing

@Suite("authentication")
struct AuthenticationTests {
    private func base64URL(_ text: String) -> String {
        Data(text.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing(
            "=", with: "")
    }

    @Test("a token that is missing, garbage, unsigned, of another key or incomplete is refused without a reason")
    func badTokens() async throws {
        try await TestServer.run(.memory) { server in
            let good = try await server.token(device: "mac", roles: ["device"])
            let parts = good.split(separator: ".").map(String.init)
            let exp = server.clock.now / 1000 + 3600
            let claims = #"{"sub":"ada","tenant":"acme","device":"mac","roles":["device"],"exp":\#(exp)}"#
            let other = await TokenMint(secret: [UInt8](repeating: 7, count: 32))
            let foreign = try await other.token(
                TokenClaims(
                    user: "ada", tenant: "acme", device: "mac", roles: ["device"], expiresAtSeconds: Double(exp)))
            let bad: [String?] = [
                nil, "", "Bearer", "Bearer ", "Basic \(good)", good, "Bearer x", "Bearer a.b.c",
                "Bearer \(parts[0]).\(parts[1])",
                "Bearer \(parts[0]).\(parts[1]).",
                "Bearer \(parts[0]).\(base64URL(claims.replacing("acme", with: "globex"))).\(parts[2])",
                "Bearer \(base64URL(#"{"alg":"none","typ":"JWT"}"#)).\(base64URL(claims)).",
                "Bearer \(base64URL(#"{"alg":"none","typ":"JWT"}"#)).\(base64URL(claims)).\(parts[2])",
                "Bearer \(base64URL(#"{"alg":"HS512","typ":"JWT"}"#)).\(parts[1]).\(parts[2])", "Bearer \(foreign)",
                "Bearer \(good) \(good)",
            ]
            for authorization in bad {
                for uri in ["/v1/session", "/v1/changes", "/v1/collections"] {
                    let answer = try await server.send(
                        .get, uri, headers: authorization.map { [("Authorization", $0)] } ?? [])
                    #expect(answer.status == 401, "\(authorization ?? "none")")
                    #expect(answer.code == "unauthenticated")
                    #expect(answer.header("WWW-Authenticate") == "Bearer")
                    #expect(answer.type == "application/problem+json")
                }
            }
            #expect(!server.log.text.contains(parts[1]))
            #expect(
                try await server.send(.get, "/v1/session", headers: [("Authorization", "bearer \(good)")]).status == 200
            )
        }
    }

    @Test("an expired token is told apart, and claims that are missing or malformed are not")
    func claims() async throws {
        try await TestServer.run(.memory) { server in
            let token = try await server.token(device: "mac", roles: ["device"], validSeconds: 10)
            #expect(try await server.send(.get, "/v1/session", token: token).status == 200)
            server.clock.advance(milliseconds: 10_000)
            let expired = try await server.send(.get, "/v1/session", token: token)
            #expect(expired.status == 401)
            #expect(expired.code == "token_expired")
            #expect(expired.header("WWW-Authenticate") == "Bearer error=\"invalid_token\"")

            for (tenant, user) in [
                ("", "ada"), ("acme", ""), ("a\u{0}b", "ada"), (String(repeating: "t", count: 129), "ada"),
            ] {
                let token = try await server.token(tenant: tenant, device: "mac", roles: ["device"], user: user)
                #expect(try await server.send(.get, "/v1/session", token: token).code == "unauthenticated")
            }
            let keys = JWTKeyCollection()
            await keys.add(hmac: HMACKey(from: TestServer.secret), digestAlgorithm: .sha256)
            for json in [
                #"{"sub":"ada","tenant":"acme"}"#, #"{"sub":"ada","exp":9e12}"#, #"{"tenant":"acme","exp":9e12}"#, "{}",
            ] {
                let token = try await keys.sign(RawClaims(json: json))
                #expect(try await server.send(.get, "/v1/session", token: token).code == "unauthenticated", "\(json)")
            }
        }
    }

    private struct RawClaims: JWTPayload {
        var members: [String: Member]

        enum Member: Codable {
            case text(String)
            case number(Double)

            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if let number = try? container.decode(Double.self) {
                    self = .number(number)
                } else {
                    self = .text(try container.decode(String.self))
                }
            }

            func encode(to encoder: any Encoder) throws {
                var container = encoder.singleValueContainer()
                switch self {
                case .text(let text): try container.encode(text)
                case .number(let number): try container.encode(number)
                }
            }
        }

        init(json: String) throws { members = try JSONDecoder().decode([String: Member].self, from: Data(json.utf8)) }
        init(from decoder: any Decoder) throws {
            members = try decoder.singleValueContainer().decode([String: Member].self)
        }
        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(members)
        }
        func verify(using algorithm: some JWTAlgorithm) async throws {}
    }

    @Test("each route admits the roles that it says and no others, and says which")
    func roles() async throws {
        try await TestServer.run(.memory) { server in
            let tokens: [(kind: String, token: String)] = [
                ("device", try await server.token(device: "mac", roles: ["device"])),
                ("deviceByDefault", try await server.token(device: "ipad")),
                ("deviceWithoutRole", try await server.token(device: "tv", roles: [])),
                ("roleWithoutDevice", try await server.token(roles: ["device"])),
                ("reviewer", try await server.token(roles: ["reviewer"])),
                ("admin", try await server.token(roles: ["admin"])),
                ("none", try await server.token(roles: ["owner"])),
            ]
            let devices: Set = ["device", "deviceByDefault"]
            for route in server.server.routes {
                let admitted: Set<String> =
                    switch route.access {
                    case .open, .anyone: Set(tokens.map(\.kind))
                    case .device: devices
                    case .deviceOrReviewer: devices.union(["reviewer"])
                    case .reviewer: ["reviewer"]
                    case .admin: ["admin"]
                    // A user whose token does not rule out a device may register one.
                    case .adminOrDevice: devices.union(["admin", "roleWithoutDevice"])
                    }
                let path = route.path.replacing(/\{[a-z]+\}/, with: "x") + route.endingQuery
                for (kind, token) in tokens {
                    let answer = try await server.send(route.method, path, token: token)
                    #expect(
                        (answer.code == "forbidden") == !admitted.contains(kind),
                        "\(kind) \(route.method) \(route.path)")
                    if answer.code == "forbidden" { #expect(answer.status == 403) }
                }
                let nobody = try await server.send(route.method, path)
                #expect((nobody.status == 401) == (route.access != .open), "\(route.method) \(route.path)")
            }
        }
    }

    @Test("a tenant in a query or a body is an error on every route")
    func tenantInRequest() async throws {
        try await TestServer.run(.memory) { server in
            let token = try await server.token(device: "mac", roles: ["device", "reviewer", "admin"])
            for route in server.server.routes {
                let path = route.path.replacing(/\{[a-z]+\}/, with: "x")
                for query in ["?tenant=globex", "?tenant=acme", "?a=b&%74enant=", "?tenant"] {
                    let answer = try await server.send(route.method, path + query, token: token)
                    #expect(answer.status == 400, "\(route.method) \(path)\(query)")
                    #expect(answer.code == "invalid_request")
                }
            }
            let admin = try await server.admin()
            #expect(
                try await admin.send(.post, "/v1/devices", json: #"{"id":"x","tenant":"acme"}"#).code
                    == "invalid_request")
            let mac = try await server.device("mac")
            #expect(try await mac.send(body: #"{"tenant":"acme","operations":[]}"#).code == "invalid_request")
        }
    }

    @Test("the session says what the token says, and what the server holds to")
    func session() async throws {
        try await TestServer.run(.memory) { server in
            let mac = try await server.device("mac").get("/v1/session")
            #expect(mac["tenant"] == "acme")
            #expect(mac["user"] == "ada")
            #expect(mac["device"] == "mac")
            #expect(mac["roles"] == ["device"])
            #expect(mac["lineage"] == .string(server.store.identity.lineage))
            #expect(mac["limits", "operationsPerBatch"] == 1000)
            #expect(mac["serverTime"] == "2026-11-20T22:00:00.000Z")
            let rita = try await server.reviewer().get("/v1/session")
            #expect(rita["device"] == nil)
            #expect(rita["roles"] == ["reviewer"])
        }
    }

    @Test("tokens of RS256, ES256 and EdDSA are verified by PEM and by key set, and by no other key")
    func publicKeys() async throws {
        let rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let otherRSA = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let p256 = P256.Signing.PrivateKey()
        let ed25519 = Curve25519.Signing.PrivateKey()
        // RFC 8410 section 4, written out, so that what is read is not only what the same library writes.
        let edPrefix: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]
        let edPEM =
            "-----BEGIN PUBLIC KEY-----\n"
            + Data(edPrefix + Array(ed25519.publicKey.rawRepresentation)).base64EncodedString()
            + "\n-----END PUBLIC KEY-----\n"
        let url = { (data: Data) in
            data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        }
        let kid = JWKIdentifier(string: "k1")
        let signers = [
            JWTKeyCollection(), JWTKeyCollection(), JWTKeyCollection(), JWTKeyCollection(), JWTKeyCollection(),
        ]
        await signers[0].add(
            rsa: try Insecure.RSA.PrivateKey(pem: rsa.pemRepresentation), digestAlgorithm: .sha256, kid: kid)
        await signers[1].add(ecdsa: try ES256PrivateKey(pem: p256.pemRepresentation), kid: kid)
        await signers[2].add(
            eddsa: try EdDSA.PrivateKey(d: url(ed25519.rawRepresentation), curve: .ed25519), kid: kid)
        await signers[3].add(
            rsa: try Insecure.RSA.PrivateKey(pem: otherRSA.pemRepresentation), digestAlgorithm: .sha256, kid: kid)
        // The public key as an HMAC secret: the classic confusion of algorithms.
        await signers[4].add(
            hmac: HMACKey(from: Array(rsa.publicKey.pemRepresentation.utf8)), digestAlgorithm: .sha256, kid: kid)
        let x963 = p256.publicKey.x963Representation
        let primitives = try rsa.publicKey.getKeyPrimitives()
        let keySets = [
            #"{"kty":"RSA","alg":"RS256","kid":"k1","n":"\#(url(primitives.modulus))","e":"\#(url(primitives.publicExponent))"}"#,
            #"{"kty":"EC","crv":"P-256","alg":"ES256","kid":"k1","x":"\#(url(x963.dropFirst().prefix(32)))","y":"\#(url(x963.suffix(32)))"}"#,
            #"{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"k1","x":"\#(url(ed25519.publicKey.rawRepresentation))"}"#,
        ].map { #"{"keys":[\#($0)]}"# }
        let pems = [rsa.publicKey.pemRepresentation, p256.publicKey.pemRepresentation, edPEM]
        let claims = TokenClaims(
            user: "ada", tenant: "acme", device: "mac", roles: ["device"],
            expiresAtSeconds: Double(TestClock.start / 1000 + 60))
        var tokens: [String] = []
        for signer in signers { tokens.append(try await signer.sign(claims, kid: kid)) }
        let all = tokens
        for index in 0..<3 {
            for key in [TokenKey.publicKey(pems[index]), .keySet(keySets[index])] {
                var options = ServerOptions()
                options.key = key
                try await TestServer.run(.memory, options) { server in
                    for (signer, token) in all.enumerated() {
                        let answer = try await server.send(.get, "/v1/session", token: token)
                        #expect(
                            answer.status == (signer == index ? 200 : 401), "key \(index), signer \(signer), \(key)")
                    }
                    #expect(
                        try await server.send(.get, "/v1/session", token: server.token(device: "mac")).status == 401)
                }
            }
        }
    }

    @Test("a secret that is too short and keys that cannot be read are refused at the start")
    func badKeys() async throws {
        await #expect(throws: TokenVerifier.KeyError.secretTooShort(bytes: 31)) {
            _ = try await TokenVerifier(.secret([UInt8](repeating: 1, count: 31)))
        }
        // A key of the same curve that agrees and does not sign, a private one, and one that was cut off.
        let signing = Curve25519.Signing.PrivateKey()
        let pems = [
            "x", "", Curve25519.KeyAgreement.PrivateKey().publicKey.pemRepresentation, signing.pemRepresentation,
            String(signing.publicKey.pemRepresentation.dropLast(30)),
        ]
        for key in pems.map(TokenKey.publicKey) + [.keySet("x"), .keySet("{}")] {
            await #expect {
                _ = try await TokenVerifier(key)
            } throws: { error in
                if case TokenVerifier.KeyError.unreadable = error { true } else { false }
            }
        }
    }
}
