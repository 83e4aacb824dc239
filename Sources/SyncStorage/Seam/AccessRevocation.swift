import Causality

/// What ends somebody's access before its time. Known to every server on the same data, and outlives them.
public enum AccessRevocation: Sendable, Hashable {
    /// One session of a reviewer. It is remembered until a while after the session would have ended by itself.
    case session(ExactString, expiresAtMilliseconds: Int64)
    /// The sessions of a user, or of everybody, that began before a time.
    case sessions(of: ExactString?, beganBeforeMilliseconds: Int64)
    /// The tokens of a user, or of everybody, that were issued before a time.
    case tokens(of: ExactString?, issuedBeforeMilliseconds: Int64)

    /// How long an ended session is remembered after its expiry: clocks of servers differ (see `OneTimeCode`).
    public static let rememberedMilliseconds = OneTimeCode.rememberedMilliseconds
    /// How many are forgotten on the way of one that is noted, at most.
    public static let forgottenAtOnce = OneTimeCode.forgottenAtOnce
}

/// As it is stored: one row a kind and name, in which times only rise.
public struct AccessRevocationRow: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable, CaseIterable { case session, sessions, tokens }

    public let kind: Kind
    /// The session's id, or the user's name; empty for everybody.
    public let name: ExactString
    /// What is older has ended. Of a session: everything.
    public var endsBeforeMilliseconds: Int64
    /// When it says nothing any more; the end of time for what is kept.
    public var expiresAtMilliseconds: Int64

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

/// Whose access is asked about.
public struct AccessQuery: Sendable, Hashable {
    public let user: ExactString
    public let session: ExactString?
    public let device: DeviceID?

    public init(user: ExactString, session: ExactString? = nil, device: DeviceID? = nil) {
        self.user = user
        self.session = session
        self.device = device
    }
}

/// What has ended of somebody's access.
public struct AccessState: Sendable, Hashable {
    public var hasSessionEnded = false
    public var sessionsEndBeforeMilliseconds: Int64 = .min
    public var tokensEndBeforeMilliseconds: Int64 = .min
    /// nil: it was not, or is not known.
    public var deviceRetiredAtMilliseconds: Int64?

    public init() {}

    /// Takes in a row that was found by any of the query's names.
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
