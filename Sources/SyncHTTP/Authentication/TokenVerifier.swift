import Causality
import JWTKit
import Logging
import MergeCore
import SyncEngine
import SyncStorage
import SyncWire

/// The keys with which tokens are verified.
public enum TokenKey: Sendable, Hashable {
    /// A secret that the server shares with whoever mints tokens, for HS256. It has at least 32 bytes (RFC 7518 section
    /// 3.2).
    case secret([UInt8])
    /// Several such secrets, of the server's own. A token names its one by `kid`; one that names none of them is checked
    /// with the one that has no name.
    case secrets([NamedSecret])
    /// A JSON Web Key Set (RFC 7517), as text. A token names its key by `kid`; it may leave that out where there is only one.
    case keySet(String)
    /// A public key in PEM: RSA (RS256), P-256 (ES256) or Ed25519 (EdDSA).
    case publicKey(String)

    /// Takes a text for what it is: a public key in PEM, or else a key set.
    public init(text: String) {
        self = text.hasPrefix("-----BEGIN ") ? .publicKey(text) : .keySet(text)
    }

    /// - Parameter algorithms: those that a key may be for; nil for all.
    func read(for algorithms: Set<String>? = nil) async throws(TokenVerifier.KeyError) -> VerificationKeys {
        switch self {
        case .secret(let bytes): try await .secrets([NamedSecret(nil, bytes)], naming: .never)
        case .secrets(let secrets): try await .secrets(secrets, naming: .sometimes)
        case .keySet(let json): try await .keySet(json, for: algorithms)
        case .publicKey(let pem): try await .publicKey(pem, for: algorithms)
        }
    }
}

/// A secret for HS256, and the name by which tokens ask for it; nil for the one that tokens without a name are for.
public struct NamedSecret: Sendable, Hashable {
    /// The name.
    public let id: String?
    /// The secret, of 32 bytes at least.
    public let bytes: [UInt8]

    public init(_ id: String?, _ bytes: [UInt8]) {
        self.id = id
        self.bytes = bytes
    }
}

/// What a token has to say, beside being signed.
public struct TokenRequirements: Sendable, Hashable {
    /// By how much the clocks of those who sign and of this server may differ.
    public static let standardLeewaySeconds = 60

    /// What `iss` has to be; nil for anything. A signature alone does not tell for whom a provider's token is.
    public var issuer: String?
    /// One of these has to be among `aud`. Where there are none, anything may be.
    public var audiences: [String]
    /// For which tenants its tokens are taken.
    public var tenants = TenantRange.asClaimed
    /// Whether its tokens know no tenant, and the tenants of their users are looked up (``Membership``).
    public var isByMembership = false
    /// How many seconds are added where `exp` and `nbf` are checked.
    public var leewaySeconds: Int

    public init(issuer: String? = nil, audience: String? = nil, leewaySeconds: Int = 0) {
        self.issuer = issuer
        audiences = audience.map { [$0] } ?? []
        self.leewaySeconds = leewaySeconds
    }
}

/// Verifies bearer tokens.
///
/// A token says by `iss` who signed it. That alone chooses the keys which are tried and the places where claims are
/// read, so one issuer's keys verify nothing in another one's name.
public struct TokenVerifier: Sendable {
    public enum KeyError: Error, Sendable, Hashable {
        case secretTooShort(bytes: Int)
        case unreadable(String)
    }

    /// An issuer, and its keys as they stand.
    private struct Trusted {
        let requirements: TokenRequirements
        let claims: ClaimPlaces
        let ring: KeyRing
    }

    private let named: [ExactString: Trusted]
    /// Who signs tokens that name none of those: the server itself, or whoever has its key.
    private let unnamed: Trusted?
    let verified: VerifiedTokens
    /// Which of the keys cannot be used or read, and why.
    public let findings: [String]

    /// Takes the keys of whoever signs all tokens.
    /// - Parameter source: gives the key once more, as it stands by then; nil where it cannot be read.
    /// - Throws: where there is no key that can be used.
    public init(
        _ key: TokenKey, requirements: TokenRequirements = TokenRequirements(),
        readingAgain source: (@Sendable () async -> TokenKey?)? = nil,
        logger: Logger = Logger(label: "rejoin")
    ) async throws(KeyError) {
        verified = VerifiedTokens()
        let keys = try await key.readUsable()
        let again = source.map { source in
            KeySource(place: "the key file") {
                if let key = await source() {
                    .success(key)
                } else {
                    .failure(KeySource.Unreadable("it cannot be read"))
                }
            }
        }
        let trusted = Trusted(
            requirements: requirements, claims: .own,
            ring: KeyRing(keys, of: key, source: again, verified: verified, logger: logger))
        named = requirements.issuer.map { [ExactString($0): trusted] } ?? [:]
        unnamed = requirements.issuer == nil ? trusted : nil
        findings = keys.findings
    }

    /// Takes several issuers, and reads their keys. Keys that are somebody else's to give may be missing for now: then
    /// the server goes on without, says so, and asks again.
    /// - Parameters:
    ///   - issuers: each with a name of its own.
    ///   - logger: is told of keys that cannot be had.
    /// - Throws: where keys that have to be there are not, and where two issuers have one name or none.
    public init(_ issuers: [TokenIssuer], logger: Logger = Logger(label: "rejoin")) async throws(KeyError) {
        let verified = VerifiedTokens()
        var named: [ExactString: Trusted] = [:]
        var findings: [String] = []
        let readings = await withTaskGroup(of: (Int, Result<TokenKey, KeySource.Unreadable>).self) { group in
            for (index, issuer) in issuers.enumerated() { group.addTask { (index, await issuer.keys.read()) } }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        for (index, issuer) in issuers.enumerated() {
            guard let name = issuer.requirements.issuer, named[ExactString(name)] == nil else {
                throw .unreadable("each issuer has a name, and no two have one")
            }
            let (keys, key) = try await Self.keys(of: issuer, readings[index])
            findings += keys.findings.map { "\(name): \($0)" }
            if keys.keys.isEmpty {
                logger.error(
                    "an issuer's keys cannot be had: its tokens are not taken until they can",
                    metadata: ["issuer": "\(name)", "reason": "\(keys.findings.joined(separator: "; "))"])
            }
            named[ExactString(name)] = Trusted(
                requirements: issuer.requirements, claims: issuer.claims,
                ring: KeyRing(
                    keys, of: key, algorithms: issuer.algorithms, source: issuer.keys, verified: verified,
                    logger: logger))
        }
        self.named = named
        unnamed = nil
        self.verified = verified
        self.findings = findings
    }

    private init(_ other: TokenVerifier, unnamed: Trusted) {
        named = other.named
        self.unnamed = unnamed
        verified = other.verified
        findings = other.findings
    }

    /// Takes tokens too that name none of the issuers, signed with the server's own key.
    /// - Throws: where the key cannot be used.
    public func taking(
        own key: TokenKey, readingAgain source: KeySource? = nil, logger: Logger = Logger(label: "rejoin")
    ) async throws(KeyError) -> TokenVerifier {
        let ring = KeyRing(
            try await key.readUsable(), of: key, source: source, verified: verified, logger: logger)
        return TokenVerifier(
            self, unnamed: Trusted(requirements: TokenRequirements(), claims: .own, ring: ring))
    }

    /// What an issuer's keys are at the start.
    private static func keys(
        of issuer: TokenIssuer, _ reading: Result<TokenKey, KeySource.Unreadable>?
    ) async throws(KeyError) -> (VerificationKeys, TokenKey?) {
        let problem: String
        switch reading {
        case .success(let key)?:
            do throws(KeyError) {
                return (try await key.readUsable(for: issuer.algorithms), key)
            } catch {
                problem = error.message
            }
        case .failure(let error)?: problem = error.reason
        case nil: problem = "it was not read"
        }
        guard issuer.keys.schedule != .whenTold else { throw .unreadable("\(issuer.keys.place): \(problem)") }
        return (VerificationKeys(findings: ["\(issuer.keys.place): \(problem)"], naming: .always), nil)
    }

    /// Reads the keys again, where they can be.
    public func readAgain() async {
        await withTaskGroup(of: Void.self) { group in
            for trusted in all { group.addTask { await trusted.ring.read() } }
        }
    }

    private var all: [Trusted] { Array(named.values) + (unnamed.map { [$0] } ?? []) }

    private func trusted(_ issuer: String?) -> Trusted? {
        issuer.flatMap { named[ExactString($0)] } ?? unnamed
    }

    /// Whom the token of a request speaks for.
    /// - Parameter header: the value of `Authorization`.
    /// - Throws: `unauthenticated` or `token_expired`, and says nothing about what in the token was wrong;
    ///   `overloaded` while the keys of its issuer were never to be had; `forbidden` where the user is no member of the
    ///   tenant that the request names, or of none or of several and it names none.
    func caller(
        _ header: String?, in tenant: TenantHeader, nowMilliseconds: Int64, limits: WireLimits,
        memberships: (ExactString) async throws(Problem) -> [Membership]
    ) async throws(Problem) -> Caller {
        let (claims, requirements) = try await claims(header, nowMilliseconds: nowMilliseconds, limits: limits)
        guard requirements.isByMembership else {
            let caller = try claims.caller(
                nowMilliseconds: nowMilliseconds, requirements: requirements, limits: limits)
            try tenant.check(caller.tenant)
            return caller
        }
        let user = try claims.member(nowMilliseconds: nowMilliseconds, requirements: requirements, limits: limits)
        let found = try await memberships(user).filter { requirements.tenants.contains($0.tenant.name) }
        return try claims.caller(
            nowMilliseconds: nowMilliseconds, requirements: requirements, limits: limits,
            as: try tenant.membership(among: found))
    }

    /// What the token of a request claims, whose time has come and is not over.
    private func claims(
        _ header: String?, nowMilliseconds: Int64, limits: WireLimits
    ) async throws(Problem) -> (TokenClaims, TokenRequirements) {
        guard let header else { throw Problem(.unauthenticated, "Send 'Authorization: Bearer <token>'.") }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else {
            throw Problem(.unauthenticated, "Send 'Authorization: Bearer <token>'.")
        }
        guard let name = VerifiedTokens.name(of: parts[1]) else {
            return try await verify(parts[1], nowMilliseconds: nowMilliseconds)
        }
        let (known, epoch) = verified.claims(name)
        if let known, let requirements = trusted(known.iss)?.requirements {
            do throws(Problem) {
                try known.check(nowMilliseconds: nowMilliseconds, requirements: requirements)
                return (known, requirements)
            } catch {
                verified.forget(name)
                throw error
            }
        }
        let (claims, requirements) = try await verify(parts[1], nowMilliseconds: nowMilliseconds)
        try claims.check(nowMilliseconds: nowMilliseconds, requirements: requirements)
        // A link's code is no token, and comes here by mistake.
        if claims.use == nil { verified.keep(claims, as: name, since: epoch) }
        return (claims, requirements)
    }

    private func verify(
        _ token: Substring, nowMilliseconds: Int64
    ) async throws(Problem) -> (TokenClaims, TokenRequirements) {
        guard let found = try await claims(String(token), nowMilliseconds: nowMilliseconds) else {
            throw Problem(.unauthenticated, "The token is not valid here.")
        }
        return found
    }

    /// Whom the code of a link signs in.
    /// - Returns: nil for a code that is not valid here, or that has expired.
    func link(
        code: String, nowMilliseconds: Int64, limits: WireLimits
    ) async -> (caller: Caller, code: OneTimeCode)? {
        guard let (claims, requirements) = try? await claims(code, nowMilliseconds: nowMilliseconds) else {
            return nil
        }
        return try? claims.link(nowMilliseconds: nowMilliseconds, requirements: requirements, limits: limits)
    }

    /// What a token claims, by the issuer that it names, if one of that issuer's keys signed it.
    func claims(
        _ token: String, nowMilliseconds: Int64
    ) async throws(Problem) -> (TokenClaims, TokenRequirements)? {
        guard let header = TokenHeader(of: token), let payload = TokenPayload(of: token),
            let trusted = trusted(payload.issuer)
        else { return nil }
        guard let candidates = await trusted.ring.candidates(header, nowMilliseconds: nowMilliseconds) else {
            // A 401 would have clients throw away what may be a good token.
            throw .overloaded("Tokens of this kind cannot be checked at the moment.", retryAfterSeconds: 10)
        }
        if await !isSigned(token, by: candidates.keys) {
            let others = await trusted.ring.candidates(header, after: candidates, nowMilliseconds: nowMilliseconds)
            guard let others, await isSigned(token, by: others.keys) else { return nil }
        }
        return TokenClaims(payload, at: trusted.claims).map { ($0, trusted.requirements) }
    }

    private func isSigned(_ token: String, by keys: [VerificationKey]) async -> Bool {
        for key in keys where (try? await key.signer.verify(token, as: SignedBytes.self)) != nil { return true }
        return false
    }
}

extension TokenVerifier.KeyError {
    /// A sentence for the operator.
    public var message: String {
        switch self {
        case .secretTooShort(let bytes): "the signing key has \(bytes) bytes; it needs 32"
        case .unreadable(let reason): reason
        }
    }
}

extension TokenKey {
    /// - Throws: where there is no key that can be used, too.
    fileprivate func readUsable(
        for algorithms: Set<String>? = nil
    ) async throws(TokenVerifier.KeyError) -> VerificationKeys {
        let keys = try await read(for: algorithms)
        guard !keys.keys.isEmpty else {
            throw .unreadable((["the key set has no key that can be used"] + keys.findings).joined(separator: "; "))
        }
        return keys
    }
}

/// Mints tokens with the server's own secret, for development and scripts.
public struct TokenMint: Sendable {
    private let keys: JWTKeyCollection
    private let id: JWKIdentifier?

    public init(secret: [UInt8]) async { await self.init(NamedSecret(nil, secret)) }

    /// Takes a secret whose name, if it has one, is in its tokens.
    public init(_ secret: NamedSecret) async {
        keys = JWTKeyCollection()
        id = secret.id.map { JWKIdentifier(string: $0) }
        await keys.add(hmac: HMACKey(from: secret.bytes), digestAlgorithm: .sha256, kid: id)
    }

    public func token(_ claims: TokenClaims) async throws -> String {
        try await keys.sign(claims, kid: id)
    }
}
