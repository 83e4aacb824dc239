import Causality
import SyncStorage

/// Who asks, as a verified token says.
public struct Caller: Sendable, Hashable {
    /// What somebody may do: act as a `device`, decide as a `reviewer`, or manage devices and access as an `admin`. The
    /// role of a conflict's side is `ConflictSide.Role`.
    public enum Role: String, Sendable, Hashable, CaseIterable {
        case device, reviewer, admin
    }

    /// The tenant whose data the caller may touch.
    public let tenant: TenantID
    /// The user on whose behalf the caller acts.
    public let user: ExactString
    /// The device that the token is bound to, or that the request names; nil for people.
    public private(set) var device: DeviceID?
    /// What the caller may do.
    public private(set) var roles: Set<Role>
    /// Whether the request names the device, and not the token. Then nothing is known of it but its name, until it is
    /// seen that the same user registered it.
    public private(set) var isDeviceNamed = false
    /// Whether a request may name the device, because the token knows none and does not rule it out.
    public var mayNameDevice = false
    /// The roles that the user has as a member of the tenant; nil where the token itself says which tenant it is for. It is
    /// asked again with the caller's access, so that a member who was taken out hears it soon.
    public var memberRoles: Set<String>?
    /// When the token or the session was issued; nil where a token does not say.
    public var issuedAtMilliseconds: Int64?
    /// The session of a reviewer's browser; nil for a token.
    public var session: ExactString?
    /// When the token ends; nil where nothing says so. A caller that waits is not answered beyond it.
    public let expiresAtMilliseconds: Int64?

    public init(
        tenant: TenantID, user: ExactString, device: DeviceID?, roles: Set<Role>, expiresAtMilliseconds: Int64? = nil
    ) {
        self.expiresAtMilliseconds = expiresAtMilliseconds
        self.tenant = tenant
        self.user = user
        self.device = device
        self.roles = roles
    }

    /// The caller as the device that the request names. Whether it is the caller's is asked with their access
    /// (`SyncEngine.permit`).
    public func naming(_ device: DeviceID) -> Caller {
        var caller = self
        caller.device = device
        caller.roles.insert(.device)
        caller.isDeviceNamed = true
        return caller
    }
}
