import Crypto
import Foundation
import Hummingbird
import JWTKit
import SyncWire

/// One attempt to sign in at the provider, from the button to the way back.
struct SignInAttempt: Sendable, Hashable {
    /// What comes back with the code (RFC 6749 section 10.12): it shows that this browser asked for it.
    let state: String
    /// What comes back in the ID token (OpenID Connect Core 1.0 section 3.1.2.1): it shows that it is for this attempt.
    let nonce: String
    /// What shows the provider that whoever has the code is who asked for it (RFC 7636 section 4.1).
    let verifier: String
    /// Where to go on afterwards.
    let path: String
    /// The tenant that was chosen; nil where there is none to choose.
    let tenant: String?
    let expiresAtMilliseconds: Int64

    /// `S256` of the verifier (RFC 7636 section 4.2).
    var challenge: String { Base64URL.encode(Array(SHA256.hash(data: Data(verifier.utf8)))) }

    /// Whether the state is this one's, in a time that tells nothing of where they differ.
    func has(state other: String) -> Bool {
        let (own, other) = (Array(state.utf8), Array(other.utf8))
        guard own.count == other.count else { return false }
        return zip(own, other).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}

/// Attempts that are under way. The browser keeps them, in a cookie that is signed, so that any server on the same data goes on with
/// what another one began, and a stranger who begins many costs no memory.
///
/// The cookie holds the state and no other secret: nonce and verifier come from the state and the server's key.
struct SignInAttempts: Sendable {
    /// How long somebody may take to sign in at the provider.
    static let validSeconds: Int64 = 600
    /// A longer way back is forgotten. Cookies have some thousand bytes.
    static let maximumPathBytes = 1_024

    private struct Claims: JWTPayload {
        let st: String
        let to: String
        let tn: String?
        let exp: Double

        func verify(using algorithm: some JWTAlgorithm) async throws {}
    }

    private let keys = JWTKeyCollection()
    private let key: SymmetricKey
    private let isSecure: Bool

    /// - Parameter isSecure: whether browsers come over TLS, by the server's public address.
    init(_ serverKeys: ServerKeys, isSecure: Bool) async {
        key = SymmetricKey(data: serverKeys.signIn)
        self.isSecure = isSecure
        await keys.add(hmac: HMACKey(from: serverKeys.signIn), digestAlgorithm: .sha256)
    }

    func begin(to path: String, tenant: String?, nowMilliseconds now: Int64) -> SignInAttempt {
        let random = (0..<32).map { _ in UInt8.random(in: .min ... .max) }
        return attempt(
            Claims(
                st: Base64URL.encode(random), to: path.utf8.count <= Self.maximumPathBytes ? path : "/review",
                tn: tenant, exp: Double(now / 1000 + Self.validSeconds)))
    }

    private func attempt(_ claims: Claims) -> SignInAttempt {
        SignInAttempt(
            state: claims.st, nonce: derived("nonce", claims.st), verifier: derived("verifier", claims.st),
            path: claims.to, tenant: claims.tn, expiresAtMilliseconds: Int64(claims.exp * 1000))
    }

    /// A text of 43 characters. What is authenticated has a space in it, and a signed cookie has none, so neither is ever the other.
    private func derived(_ purpose: String, _ state: String) -> String {
        Base64URL.encode(
            Array(HMAC<SHA256>.authenticationCode(for: Data("\(purpose) \(state)".utf8), using: key)))
    }

    private var name: String { isSecure ? "__Host-rejoin_sign_in" : "rejoin_sign_in" }

    func cookie(_ attempt: SignInAttempt) async throws -> String {
        let claims = Claims(
            st: attempt.state, to: attempt.path, tn: attempt.tenant,
            exp: Double(attempt.expiresAtMilliseconds / 1000))
        return header(try await keys.sign(claims), maximumAge: Self.validSeconds)
    }

    /// The cookie that makes the browser forget the attempt.
    var endingCookie: String { header("", maximumAge: 0) }

    /// The provider's own site sends the browser back, and a stricter cookie would not come along.
    private func header(_ value: String, maximumAge: Int64) -> String {
        Cookie(
            name: name, value: value, maxAge: Int(maximumAge), path: isSecure ? "/" : ProviderSignIn.path,
            secure: isSecure, httpOnly: true, sameSite: .lax
        ).description
    }

    /// The attempt of the browser; nil without one, with one that is not ours, and with one that took too long.
    func attempt(cookies: [String], nowMilliseconds: Int64) async -> SignInAttempt? {
        guard let cookie = Cookies(from: cookies)[name],
            let claims = try? await keys.verify(cookie.value, as: Claims.self),
            claims.exp * 1000 > Double(nowMilliseconds)
        else { return nil }
        return attempt(claims)
    }
}
