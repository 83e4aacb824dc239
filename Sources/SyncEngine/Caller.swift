import Causality
import SyncStorage

/// Who asks, as a verified token says.
public struct Caller: Sendable, Hashable {
    public enum Role: String, Sendable, Hashable, CaseIterable {
        case device, reviewer, admin
    }

    public let tenant: TenantID
    public let user: ExactString
    /// The device that the token is bound to; nil for people.
    public let device: DeviceID?
    public let roles: Set<Role>

    public init(tenant: TenantID, user: ExactString, device: DeviceID?, roles: Set<Role>) {
        self.tenant = tenant
        self.user = user
        self.device = device
        self.roles = roles
    }
}
