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
    /// Seconds since 1970.
    public var exp: Double

    public init(user: String, tenant: String, device: String?, roles: [String], expiresAtSeconds: Double) {
        sub = user
        self.tenant = tenant
        self.device = device
        self.roles = roles
        exp = expiresAtSeconds
    }

    /// The signature is all that is checked here. Whether the claims hold is decided where the time is known.
    public func verify(using algorithm: some JWTAlgorithm) async throws {}

    /// Who the token speaks for.
    /// - Throws: `token_expired`; `unauthenticated` for claims that are missing or malformed; `device_mismatch` for a device
    ///   id that no client may have.
    func caller(nowMilliseconds: Int64, limits: Limits) throws(Problem) -> Caller {
        guard exp.isFinite, exp * 1000 > Double(nowMilliseconds) else {
            throw Problem(.tokenExpired, "The token's 'exp' has passed.")
        }
        guard let user = Self.name(sub, limits: limits), let tenant = Self.name(tenant, limits: limits) else {
            throw Problem(.unauthenticated, "'sub' and 'tenant' are names of 1 to \(limits.nameBytes) bytes.")
        }
        var roles = Set((roles ?? []).compactMap(Caller.Role.init(rawValue:)))
        var deviceID: DeviceID?
        if let device {
            let id = DeviceID(device)
            if let fault = id.registrationFault(limits) { throw Problem(.deviceMismatch, fault) }
            deviceID = id
            // A token that names a device and no role is a device's.
            if self.roles == nil { roles.insert(.device) }
        }
        return Caller(tenant: TenantID(tenant), user: user, device: deviceID, roles: roles)
    }

    /// A name that is safe as a key: bounded, without control characters, and without U+0000, which a decoder that is less
    /// strict than the server's own lets through.
    private static func name(_ text: String, limits: Limits) -> ExactString? {
        let name = ExactString(text)
        return NameRule.fault(in: name, limits: limits) == nil ? name : nil
    }
}
