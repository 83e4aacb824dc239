import Causality

/// What ends somebody's access before its time. Every server on the same data knows of it, and it outlives them.
public enum AccessRevocation: Sendable, Hashable {
    /// One session of a reviewer ends. This is remembered until a while after the session would have ended by itself.
    case session(ExactString, expiresAtMilliseconds: Int64)
    /// The sessions of a user, or of everybody, that began before a time end.
    case sessions(of: ExactString?, beganBeforeMilliseconds: Int64)
    /// The tokens of a user, or of everybody, that were issued before a time end.
    case tokens(of: ExactString?, issuedBeforeMilliseconds: Int64)

    /// How long an ended session is remembered after its expiry, because clocks of servers differ (see
    /// ``OneTimeCode``).
    public static let rememberedMilliseconds = OneTimeCode.rememberedMilliseconds
    /// How many rows are forgotten, at most, when one is noted.
    public static let forgottenAtOnce = OneTimeCode.forgottenAtOnce
}

/// A revocation as it is stored: one row a kind and name, in which times only rise.
public struct AccessRevocationRow: Sendable, Hashable {
    /// What ends: one `session`, the `sessions` of a user or of everybody, or the `tokens` of one of them.
    public enum Kind: String, Sendable, Hashable, CaseIterable { case session, sessions, tokens }

    /// What ends.
    public let kind: Kind
    /// The session's id, or the user's name; empty for everybody.
    public let name: ExactString
    /// What began or was issued before this has ended; of one session, everything.
    public var endsBeforeMilliseconds: Int64
    /// When the row says nothing any more; the end of time for a row that is kept.
    public var expiresAtMilliseconds: Int64

    /// Makes the row of a revocation.
    public init(_ end: AccessRevocation) {
        switch end {
        case .session(let id, let expiresAt):
            (kind, name, endsBeforeMilliseconds, expiresAtMilliseconds) = (.session, id, .max, expiresAt)
        case .sessions(let user, let before):
            (kind, name, endsBeforeMilliseconds, expiresAtMilliseconds) = (
                .sessions, user ?? "", before, .max
            )
        case .tokens(let user, let before):
            (kind, name, endsBeforeMilliseconds, expiresAtMilliseconds) = (
                .tokens, user ?? "", before, .max
            )
        }
    }
}

/// Whose access is asked about: a `user`, and the `session` or the `device` that acts.
public struct AccessQuery: Sendable, Hashable {
    public let user: ExactString
    public let session: ExactString?
    public let device: DeviceID?
    /// Whether the user's access comes from being a member of the tenant.
    public let asMember: Bool

    public init(
        user: ExactString, session: ExactString? = nil, device: DeviceID? = nil, asMember: Bool = false
    ) {
        self.asMember = asMember
        self.user = user
        self.session = session
        self.device = device
    }
}

/// What has ended of somebody's access.
public struct AccessState: Sendable, Hashable {
    /// Whether the session that was asked about was ended.
    public var hasSessionEnded = false
    /// Sessions of the user that began before this have ended.
    public var sessionsEndBeforeMilliseconds: Int64 = .min
    /// Tokens of the user that were issued before this have ended.
    public var tokensEndBeforeMilliseconds: Int64 = .min
    /// Who registered the device that was asked about; nil where it is not registered. A device that is stays so, retired
    /// or not.
    public var deviceUser: ExactString?
    /// Whether the device that was asked about is registered.
    public var isDeviceRegistered: Bool { deviceUser != nil }
    /// The roles that the user has as a member; nil where the user is none, and where that was not asked.
    public var memberRoles: Set<String>?
    /// When the device was retired; nil where it was not, or is not registered.
    public var deviceRetiredAtMilliseconds: Int64?

    /// Begins with nothing ended.
    public init() {}

    /// Takes in the row of the device that was asked about; nil where there is none.
    public mutating func take(_ device: DeviceRow?) {
        deviceUser = device?.user
        deviceRetiredAtMilliseconds = device?.retiredAtMilliseconds
    }

    /// Takes in a row that was found by any of the query's names. A kind that is not known says nothing.
    public mutating func take(
        _ kind: String, _ name: String, endsBefore: Int64, for query: AccessQuery
    ) {
        let isOfUser = name.isEmpty || ExactString(name) == query.user
        switch AccessRevocationRow.Kind(rawValue: kind) {
        case .session?: if ExactString(name) == query.session { hasSessionEnded = true }
        case .sessions?:
            if isOfUser { sessionsEndBeforeMilliseconds = max(sessionsEndBeforeMilliseconds, endsBefore) }
        case .tokens?:
            if isOfUser { tokensEndBeforeMilliseconds = max(tokensEndBeforeMilliseconds, endsBefore) }
        case nil: break
        }
    }
}
