import JWTKit
import MergeCore
import SyncEngine
import SyncStorage
import SyncWire

/// Where the keys come from that tokens are verified with.
public enum TokenKey: Sendable {
    /// A secret that the server shares with whoever mints tokens; HS256. At least 32 bytes (RFC 7518 section 3.2).
    case secret([UInt8])
    /// A JSON Web Key Set (RFC 7517), as text. A token names its key by `kid`.
    case keySet(String)
    /// A public key in PEM: RSA (RS256), P-256 (ES256) or Ed25519 (EdDSA).
    case publicKey(String)
}

/// Verifies bearer tokens.
public struct TokenVerifier: Sendable {
    public enum Fault: Error, Sendable, Hashable {
        case secretTooShort(bytes: Int)
        case unreadable(String)
    }

    private let keys: JWTKeyCollection

    public init(_ key: TokenKey) async throws(Fault) {
        keys = JWTKeyCollection()
        switch key {
        case .secret(let bytes):
            guard bytes.count >= 32 else { throw .secretTooShort(bytes: bytes.count) }
            await keys.add(hmac: HMACKey(from: bytes), digestAlgorithm: .sha256)
        case .keySet(let json):
            do {
                try await keys.add(jwksJSON: json)
            } catch {
                throw .unreadable("the key set is no JWKS: \(error)")
            }
        case .publicKey(let pem):
            // The PEM says of which kind the key is; each kind fixes the algorithm, so that a token cannot choose it.
            if let key = try? Insecure.RSA.PublicKey(pem: pem) {
                await keys.add(rsa: key, digestAlgorithm: .sha256)
            } else if let key = try? ES256PublicKey(pem: pem) {
                await keys.add(ecdsa: key)
            } else if let key = EdDSA.PublicKey.reading(pem: pem) {
                await keys.add(eddsa: key)
            } else {
                throw .unreadable("the PEM holds no RSA, P-256 or Ed25519 public key")
            }
        }
    }

    /// - Parameter header: the value of `Authorization`.
    /// - Throws: `unauthenticated` or `token_expired`. Says nothing about what in the token was wrong.
    func caller(_ header: String?, nowMilliseconds: Int64, limits: Limits) async throws(Problem) -> Caller {
        guard let header else { throw Problem(.unauthenticated, "Send 'Authorization: Bearer <token>'.") }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else {
            throw Problem(.unauthenticated, "Send 'Authorization: Bearer <token>'.")
        }
        let claims: TokenClaims
        do {
            claims = try await keys.verify(String(parts[1]), as: TokenClaims.self)
        } catch {
            throw Problem(.unauthenticated, "The token is not valid here.")
        }
        return try claims.caller(nowMilliseconds: nowMilliseconds, limits: limits)
    }

    /// Whom the code of a link signs in.
    /// - Returns: nil for a code that is not valid here, or that has expired.
    func link(
        code: String, nowMilliseconds: Int64, limits: Limits
    ) async -> (caller: Caller, code: OneTimeCode)? {
        guard let claims = try? await keys.verify(code, as: TokenClaims.self) else { return nil }
        return try? claims.link(nowMilliseconds: nowMilliseconds, limits: limits)
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
