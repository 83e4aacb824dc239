import Causality
import Foundation
import Hummingbird
import JWTKit
import MergeCore
import SyncEngine
import SyncStorage
import SyncWire

/// A reviewer who is signed in at the page.
struct SignedInReviewer: Sendable {
    let caller: Caller
    let expiresAtMilliseconds: Int64
    /// The token that comes back with every form. A page of somebody else's cannot know it.
    let formToken: String
}

/// The cookies of reviewers. They are signed, and valid at every server on the same data, because these share the
/// secret that their key comes from. The secret does not lie in the data: a backup signs nobody in.
///
/// The key is another than the one that signs bearer tokens, so that neither is ever taken for the other. The data
/// holds which sessions have ended before their time (see `SyncEngine.permit`).
struct ReviewSessions: Sendable {
    /// How long a session is good: a working day. Then a new link is needed.
    static let validSeconds: Int64 = 12 * 3_600
    /// Over TLS the name itself has browsers take the cookie from this host alone, and over TLS alone (RFC 6265bis section
    /// 4.1.3.2): no neighbouring site can put one of its own in its place.
    static func cookieName(isSecure: Bool) -> String { isSecure ? "__Host-rejoin_review" : "rejoin_review" }

    private struct Claims: JWTPayload {
        let sub: String
        let tenant: String
        let exp: Double
        let iat: Double
        /// The session's name, so that it can be ended.
        let sid: String
        let form: String
        /// The roles that the reviewer has as a member of the tenant; nil where it was signed that they review.
        let member: [String]?

        func verify(using algorithm: some JWTAlgorithm) async throws {}
    }

    private let keys = JWTKeyCollection()

    init(_ serverKeys: ServerKeys) async {
        await keys.add(hmac: HMACKey(from: serverKeys.session), digestAlgorithm: .sha256)
    }

    /// As much of a browser's name for itself as is kept.
    private static let browserBytes = 200

    private static func random() -> String {
        Data((0..<16).map { _ in UInt8.random(in: .min ... .max) }).base64EncodedString()
    }

    /// A new session.
    /// - Parameter browser: what the browser calls itself. It proves nothing, and is shown to its user alone.
    static func newSession(
        of user: ExactString, by way: ReviewSessionRow.Way, nowMilliseconds: Int64, browser: String?
    ) -> ReviewSessionRow {
        // Header fields are ASCII, or what somebody else made of it.
        let name = (browser ?? "").unicodeScalars.filter { (" "..."~").contains($0) }.prefix(browserBytes)
        return ReviewSessionRow(
            id: ExactString(random()), user: user, beganAtMilliseconds: nowMilliseconds,
            expiresAtMilliseconds: (nowMilliseconds / 1000 + validSeconds) * 1000, way: way,
            browser: String(String.UnicodeScalarView(name)))
    }

    /// The cookie of a session.
    /// - Parameters:
    ///   - session: the session.
    ///   - reviewer: whose it is.
    ///   - isSecure: whether the browser came over TLS, so that the cookie must not go without it.
    func cookie(of session: ReviewSessionRow, _ reviewer: Caller, isSecure: Bool) async throws -> String {
        let claims = Claims(
            sub: session.user.text, tenant: reviewer.tenant.name.text,
            exp: Double(session.expiresAtMilliseconds) / 1000,
            iat: Double(session.beganAtMilliseconds) / 1000, sid: session.id.text, form: Self.random(),
            member: reviewer.memberRoles?.sorted())
        return Self.header(try await keys.sign(claims), maximumAge: Self.validSeconds, isSecure: isSecure)
    }

    /// The cookie that makes the browser forget the session.
    static func endingCookie(isSecure: Bool) -> String { header("", maximumAge: 0, isSecure: isSecure) }

    private static func header(_ value: String, maximumAge: Int64, isSecure: Bool) -> String {
        Cookie(
            name: cookieName(isSecure: isSecure), value: value, maxAge: Int(maximumAge),
            // The stricter name wants the whole host.
            path: isSecure ? "/" : "/review", secure: isSecure, httpOnly: true, sameSite: .strict
        ).description
    }

    /// Who is signed in; nil without a cookie, with one that is not ours, and with one that has expired.
    /// - Parameters:
    ///   - cookies: the values of `Cookie`.
    ///   - nowMilliseconds: the time.
    ///   - isSecure: whether the browser came over TLS; then a cookie of the weaker name is nobody's.
    func reviewer(cookies: [String], nowMilliseconds: Int64, isSecure: Bool) async -> SignedInReviewer? {
        guard let cookie = Cookies(from: cookies)[Self.cookieName(isSecure: isSecure)],
            let claims = try? await keys.verify(cookie.value, as: Claims.self),
            claims.exp * 1000 > Double(nowMilliseconds)
        else { return nil }
        var caller = Caller(
            tenant: TenantID(claims.tenant), user: ExactString(claims.sub), device: nil,
            roles: [.reviewer])
        caller.issuedAtMilliseconds = Int64((claims.iat * 1000).rounded())
        caller.session = ExactString(claims.sid)
        // Whoever is no member any more is signed out by that (`SyncEngine.permit`).
        caller.memberRoles = claims.member.map { Set($0) }
        return SignedInReviewer(
            caller: caller, expiresAtMilliseconds: Int64(claims.exp * 1000), formToken: claims.form)
    }
}
