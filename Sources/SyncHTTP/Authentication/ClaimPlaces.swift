import Causality
import MergeCore
import SyncEngine
import Values

/// Where in a token's claims an issuer says whom it speaks for.
public struct ClaimPlaces: Sendable, Hashable {
    /// The roles of an issuer, by names of its own.
    public struct Roles: Sendable, Hashable {
        /// Where the names are: one text, several with spaces between them, or an array of texts.
        public let path: ClaimPath
        /// What each name means. A name that is not here means nothing, so that an "admin" of something else is none here.
        public let meanings: [String: Set<Caller.Role>]

        public init(_ path: ClaimPath, meanings: [String: Set<Caller.Role>]) {
            self.path = path
            self.meanings = meanings
        }
    }

    /// Whose roles are said how.
    public enum RoleRule: Sendable, Hashable {
        /// `roles` has this server's own names.
        case own
        /// The issuer knows no roles: its users may act through their devices, and do nothing else.
        case none
        case mapped(Roles)
    }

    /// Whence the tenant is known.
    public enum TenantRule: Sendable, Hashable {
        /// The claims say it.
        case claimed(ClaimText)
        /// The claims know none: the user is a member of it.
        case membership

        /// Whether both can come to one tenant.
        func canMeet(_ other: TenantRule) -> Bool {
            switch (self, other) {
            case (.claimed(let text), .claimed(let other)): text.canMeet(other)
            case (.membership, _), (_, .membership): true
            }
        }

        /// Whether it can come to this tenant.
        public func canBe(_ tenant: ExactString) -> Bool {
            switch self {
            case .claimed(let text): text.canBe(tenant)
            case .membership: true
            }
        }
    }

    /// The tenant.
    public var tenant: TenantRule
    /// The user.
    public var user: ClaimText
    /// The device; nil where the issuer knows none.
    public var device: ClaimPath?
    /// The roles.
    public var roles: RoleRule

    public init(tenant: TenantRule, user: ClaimText = .subject, device: ClaimPath? = nil, roles: RoleRule = .none) {
        self.tenant = tenant
        self.user = user
        self.device = device
        self.roles = roles
    }

    /// Where this server's own tokens have them: `tenant`, `sub`, `device` and `roles`.
    public static let own = ClaimPlaces(
        tenant: .claimed(ClaimText(ClaimPath(known: "tenant"))), user: .subject, device: ClaimPath(known: "device"),
        roles: .own)

    /// The names of roles that the claims give; nil where they say nothing of roles.
    /// - Throws: ``Unreadable`` for a claim of another form.
    func roleNames(in claims: ObjectValue) throws(Unreadable) -> [String]? {
        switch roles {
        case .none: return [Caller.Role.device.rawValue]
        case .own:
            return try Self.names(ClaimPath(known: "roles").value(in: claims))
        case .mapped(let rule):
            let names = try Self.names(rule.path.value(in: claims)) ?? []
            var found = names.reduce(into: Set<Caller.Role>()) { $0.formUnion(rule.meanings[$1] ?? []) }
            // Where no name stands for it, every user of the issuer may have devices.
            if !rule.meanings.values.contains(where: { $0.contains(.device) }) { found.insert(.device) }
            return found.map(\.rawValue).sorted()
        }
    }

    /// A claim that is not of the form that it has.
    struct Unreadable: Error {}

    private static func names(_ value: Value?) throws(Unreadable) -> [String]? {
        switch value {
        case nil: return nil
        case .string(let text)?: return text.text.split(separator: " ").map(String.init)
        case .array(let values)?:
            var names: [String] = []
            for value in values {
                guard case .string(let name) = value else { throw Unreadable() }
                names.append(name.text)
            }
            return names
        case _?: throw Unreadable()
        }
    }
}
