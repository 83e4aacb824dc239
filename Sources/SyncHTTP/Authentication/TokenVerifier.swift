import JWTKit
import Logging
import MergeCore
import SyncEngine
import SyncStorage
import SyncWire

/// The keys with which tokens are verified.
public enum TokenKey: Sendable {
    /// A secret that the server shares with whoever mints tokens, for HS256. It has at least 32 bytes (RFC 7518 section
    /// 3.2).
    case secret([UInt8])
    /// A JSON Web Key Set (RFC 7517), as text. A token names its key by `kid`; it may leave that out where there is only one.
    case keySet(String)
    /// A public key in PEM: RSA (RS256), P-256 (ES256) or Ed25519 (EdDSA).
    case publicKey(String)

    func read() async throws(TokenVerifier.KeyError) -> VerificationKeys {
        switch self {
        case .secret(let bytes): try await .secret(bytes)
        case .keySet(let json): try await .keySet(json)
        case .publicKey(let pem): try await .publicKey(pem)
        }
    }
}

/// What a token has to say, beside being signed.
public struct TokenRequirements: Sendable, Hashable {
    /// By how much the clocks of those who sign and of this server may differ.
    public static let standardLeewaySeconds = 60

    /// What `iss` has to be; nil for anything. A signature alone does not tell for whom a provider's token is.
    public var issuer: String?
    /// What has to be among `aud`; nil for anything.
    public var audience: String?
    /// How many seconds are added where `exp` and `nbf` are checked.
    public var leewaySeconds: Int

    public init(issuer: String? = nil, audience: String? = nil, leewaySeconds: Int = 0) {
        self.issuer = issuer
        self.audience = audience
        self.leewaySeconds = leewaySeconds
    }
}

/// Verifies bearer tokens.
public struct TokenVerifier: Sendable {
    public enum KeyError: Error, Sendable, Hashable {
        case secretTooShort(bytes: Int)
        case unreadable(String)
    }

    private let ring: KeyRing
    let verified: VerifiedTokens
    private let requirements: TokenRequirements
    /// Which of the keys cannot be used, and why.
    public let findings: [String]

    /// Takes the keys.
    /// - Parameter source: gives the key once more, as it stands by then; nil where it cannot be read.
    /// - Throws: where there is no key that can be used.
    public init(
        _ key: TokenKey, requirements: TokenRequirements = TokenRequirements(),
        readingAgain source: (@Sendable () async -> TokenKey?)? = nil,
        logger: Logger = Logger(label: "rejoin")
    ) async throws(KeyError) {
        let keys = try await key.read()
        guard !keys.keys.isEmpty else {
            throw .unreadable((["the key set has no key that can be used"] + keys.findings).joined(separator: "; "))
        }
        verified = VerifiedTokens()
        ring = KeyRing(keys, source: source, verified: verified, logger: logger)
        findings = keys.findings
        self.requirements = requirements
    }

    /// Reads the keys again, where they are in a file.
    public func readAgain() async { await ring.read() }

    /// Whom the token of a request speaks for.
    /// - Parameter header: the value of `Authorization`.
    /// - Throws: `unauthenticated` or `token_expired`. Says nothing about what in the token was wrong.
    func caller(_ header: String?, nowMilliseconds: Int64, limits: WireLimits) async throws(Problem) -> Caller {
        guard let header else { throw Problem(.unauthenticated, "Send 'Authorization: Bearer <token>'.") }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else {
            throw Problem(.unauthenticated, "Send 'Authorization: Bearer <token>'.")
        }
        guard let name = VerifiedTokens.name(of: parts[1]) else {
            return try await verify(parts[1], nowMilliseconds: nowMilliseconds, limits: limits).caller
        }
        let (known, epoch) = verified.claims(name)
        if let known {
            do throws(Problem) {
                return try known.caller(nowMilliseconds: nowMilliseconds, requirements: requirements, limits: limits)
            } catch {
                verified.forget(name)
                throw error
            }
        }
        let (claims, caller) = try await verify(parts[1], nowMilliseconds: nowMilliseconds, limits: limits)
        verified.keep(claims, as: name, since: epoch)
        return caller
    }

    private func verify(
        _ token: Substring, nowMilliseconds: Int64, limits: WireLimits
    ) async throws(Problem) -> (claims: TokenClaims, caller: Caller) {
        guard let claims = await claims(String(token), nowMilliseconds: nowMilliseconds) else {
            throw Problem(.unauthenticated, "The token is not valid here.")
        }
        let caller = try claims.caller(nowMilliseconds: nowMilliseconds, requirements: requirements, limits: limits)
        return (claims, caller)
    }

    /// Whom the code of a link signs in.
    /// - Returns: nil for a code that is not valid here, or that has expired.
    func link(
        code: String, nowMilliseconds: Int64, limits: WireLimits
    ) async -> (caller: Caller, code: OneTimeCode)? {
        guard let claims = await claims(code, nowMilliseconds: nowMilliseconds) else { return nil }
        return try? claims.link(nowMilliseconds: nowMilliseconds, requirements: requirements, limits: limits)
    }

    private func claims(_ token: String, nowMilliseconds: Int64) async -> TokenClaims? {
        guard let header = TokenHeader(of: token) else { return nil }
        for key in await ring.candidates(header, nowMilliseconds: nowMilliseconds) {
            if let claims = try? await key.signer.verify(token, as: TokenClaims.self) { return claims }
        }
        return nil
    }
}

/// Mints tokens with the server's own secret, for development and scripts.
public struct TokenMint: Sendable {
    private let keys: JWTKeyCollection

    public init(secret: [UInt8]) async {
        keys = JWTKeyCollection()
        await keys.add(hmac: HMACKey(from: secret), digestAlgorithm: .sha256)
    }

    public func token(_ claims: TokenClaims) async throws -> String {
        try await keys.sign(claims)
    }
}
