import Causality
import Foundation
import JWTKit
import MergeCore
import SyncEngine
import SyncStorage
import SyncWire

/// The claims of a token (RFC 7519 section 4).
public struct TokenClaims: JWTPayload, Equatable {
    public var sub: String
    public var tenant: String
    public var device: String?
    public var roles: [String]?
    /// When the token ends, in seconds since 1970.
    public var exp: Double
    /// What the token is for; nil for a bearer token. `review` is the code of a link that signs a reviewer in once.
    public var use: String?
    /// The code's own name (RFC 7519 section 4.1.7), by which it is known when it comes again.
    public var jti: String?
    /// Who signed it, for whom, from when on it is valid and when it was signed, in seconds since 1970.
    public var iss: String?
    public var aud: Audience?
    public var nbf: Double?
    public var iat: Double?

    /// One name, or several (RFC 7519 section 4.1.3).
    public struct Audience: Codable, Sendable, Equatable {
        public let names: [String]

        public init(_ names: [String]) { self.names = names }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let name = try? container.decode(String.self) {
                names = [name]
            } else {
                names = try container.decode([String].self)
            }
        }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(names)
        }
    }

    /// Makes the claims of a token.
    /// - Parameter issuedAtSeconds: nil where it is not said. Such a token is refused once older ones are.
    public init(
        user: String, tenant: String, device: String?, roles: [String], issuedAtSeconds: Double? = nil,
        expiresAtSeconds: Double
    ) {
        sub = user
        self.tenant = tenant
        self.device = device
        self.roles = roles
        iat = issuedAtSeconds
        exp = expiresAtSeconds
    }

    /// The claims of a link that signs a reviewer in, once.
    /// - Parameter id: a random name, so that no two links are one.
    public static func link(
        user: String, tenant: String, id: String, issuedAtSeconds: Double? = nil,
        expiresAtSeconds: Double
    ) -> TokenClaims {
        var claims = TokenClaims(
            user: user, tenant: tenant, device: nil, roles: [Caller.Role.reviewer.rawValue],
            issuedAtSeconds: issuedAtSeconds, expiresAtSeconds: expiresAtSeconds)
        claims.use = linkUse
        claims.jti = id
        return claims
    }

    private static let linkUse = "review"

    /// Checks nothing: the library checks the signature. Whether the claims hold is decided where the time is known.
    public func verify(using algorithm: some JWTAlgorithm) async throws {}

    /// Who the token speaks for.
    /// - Throws: `token_expired`; `unauthenticated` for claims that are missing or malformed; `device_mismatch` for a device
    ///   id that no client may have.
    /// - Parameter membership: what the user is, where the token knows no tenant.
    func caller(
        nowMilliseconds: Int64, requirements: TokenRequirements, limits: WireLimits, as membership: Membership? = nil
    ) throws(Problem) -> Caller {
        // A link is in a browser's history and in somebody's mail: it opens the page once, and nothing else.
        guard use == nil else { throw Problem(.unauthenticated, "This is a link's code, not a token.") }
        return try identity(
            nowMilliseconds: nowMilliseconds, requirements: requirements, limits: limits, as: membership)
    }

    /// The user of a token that knows no tenant, so that the user's tenants can be looked up.
    /// - Throws: what ``caller(nowMilliseconds:requirements:limits:as:)`` throws, before anything is looked up.
    func member(
        nowMilliseconds: Int64, requirements: TokenRequirements, limits: WireLimits
    ) throws(Problem) -> ExactString {
        guard use == nil else { throw Problem(.unauthenticated, "This is a link's code, not a token.") }
        try check(nowMilliseconds: nowMilliseconds, requirements: requirements)
        guard let user = Self.name(sub, limits: limits) else {
            throw Problem(.unauthenticated, "'sub' is a name of 1 to \(limits.nameBytes) bytes.")
        }
        return user
    }

    /// Whom the code of a link signs in; nil for a token that is no such code.
    func link(
        nowMilliseconds: Int64, requirements: TokenRequirements, limits: WireLimits
    ) throws(Problem) -> (caller: Caller, code: OneTimeCode)? {
        guard use == Self.linkUse, !requirements.isByMembership, let jti, let id = Self.name(jti, limits: limits)
        else { return nil }
        let caller = try identity(nowMilliseconds: nowMilliseconds, requirements: requirements, limits: limits)
        guard caller.device == nil, caller.roles.contains(.reviewer),
            let code = OneTimeCode(id: id, expiresAtMilliseconds: Int64((exp * 1000).rounded(.up)))
        else { return nil }
        return (caller, code)
    }

    /// Checks who signed the token for whom, and that its time has come and is not over.
    /// - Throws: `token_expired`, `unauthenticated`.
    func check(nowMilliseconds: Int64, requirements: TokenRequirements) throws(Problem) {
        let now = Double(nowMilliseconds) / 1000
        let leeway = Double(requirements.leewaySeconds)
        // This is checked before the expiry: a new token of the same kind would be refused as well.
        guard requirements.issuer == nil || iss == requirements.issuer,
            requirements.audiences.isEmpty || aud?.names.contains(where: requirements.audiences.contains) == true,
            nbf.map({ $0 <= now + leeway }) ?? true
        else { throw Problem(.unauthenticated, "The token is not valid here.") }
        guard exp.isFinite, exp + leeway > now, exp < 1e12 else {
            throw Problem(.tokenExpired, "The token's 'exp' has passed. Get a new token and send the request again.")
        }
    }

    private func identity(
        nowMilliseconds: Int64, requirements: TokenRequirements, limits: WireLimits, as membership: Membership? = nil
    ) throws(Problem) -> Caller {
        try check(nowMilliseconds: nowMilliseconds, requirements: requirements)
        let tenantName = membership?.tenant.name ?? Self.name(tenant, limits: limits)
        guard let user = Self.name(sub, limits: limits), let tenant = tenantName else {
            throw Problem(.unauthenticated, "'sub' and 'tenant' are names of 1 to \(limits.nameBytes) bytes.")
        }
        guard requirements.tenants.contains(tenant) else {
            throw Problem(.unauthenticated, "The token is not valid here.")
        }
        // Where a member's roles are the tenant's to give, a claim gives none.
        let roleNames = membership.map { Optional(Array($0.roles)) } ?? self.roles
        var roles = Set((roleNames ?? []).compactMap(Caller.Role.init(rawValue:)))
        var deviceID: DeviceID?
        if let device {
            let id = DeviceID(device)
            if let issue = id.registrationIssue(limits) { throw Problem(.deviceMismatch, issue) }
            deviceID = id
            // A token that names a device and no role is a device's.
            if roleNames == nil { roles.insert(.device) }
        }
        var caller = Caller(
            tenant: TenantID(tenant), user: user, device: deviceID, roles: roles,
            expiresAtMilliseconds: Int64((exp * 1000).rounded(.up)))
        // A token that says which roles it has, and that of a device is not among them, is no device's.
        caller.mayNameDevice = deviceID == nil && (roleNames == nil || roles.contains(.device))
        caller.memberRoles = membership?.roles
        caller.issuedAtMilliseconds = iat.flatMap { Int64(exactly: ($0 * 1000).rounded()) }
        return caller
    }

    /// A name that is safe as a key: bounded, without control characters, and without U+0000, which a decoder that is less
    /// strict than the server's own lets through.
    private static func name(_ text: String, limits: WireLimits) -> ExactString? {
        let name = ExactString(text)
        return NameRule.issue(in: name, limits: limits) == nil ? name : nil
    }
}
