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
    /// The device that the token is bound to; nil for people.
    public let device: DeviceID?
    /// What the caller may do.
    public let roles: Set<Role>
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
}
