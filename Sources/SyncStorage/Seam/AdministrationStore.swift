import Causality

/// What those who look after a tenant keep of it: who belongs to it, who is signed in at the reviewers' page, and what was
/// changed by whom.
public protocol AdministrationStore: Sendable {
    /// Carries out an act and records it, in one transaction. What changes nothing is not recorded.
    /// - Parameters:
    ///   - tenant: whose people, devices or access it is about. It is there afterwards.
    ///   - act: what is done.
    ///   - actor: the user who does it; empty for a command on the server's machine.
    ///   - nowMilliseconds: when it is done.
    /// - Returns: whether it changed anything.
    func administer(
        _ tenant: TenantID, _ act: AdministrativeAct, by actor: ExactString, nowMilliseconds: Int64
    ) async throws(StoreError) -> Bool
    /// What was done, the newest first.
    /// - Parameters:
    ///   - tenant: of whom.
    ///   - ordinal: the list begins before this one; nil where it begins with the newest.
    ///   - limit: how many rows the list has at most.
    func administration(
        _ tenant: TenantID, before ordinal: Int64?, limit: Int
    ) async throws(StoreError) -> [AdministrationRow]
    /// The tenant's members, sorted by user.
    func members(_ tenant: TenantID) async throws(StoreError) -> [MemberRow]
    /// The tenants of a user, sorted by name, at most `limit` of them. This alone is asked before a tenant is known.
    func memberships(of user: ExactString, limit: Int) async throws(StoreError) -> [Membership]
    /// Notes that a reviewer signed in. Sessions that ended long ago are forgotten on the way, the oldest first.
    func begin(_ tenant: TenantID, _ session: ReviewSessionRow, nowMilliseconds: Int64) async throws(StoreError)
    /// The sessions that have not expired, the newest first, at most `limit` of them. Those that were ended before their time
    /// are not among them.
    /// - Parameters:
    ///   - tenant: of whom.
    ///   - user: whose sessions; nil for everybody's.
    ///   - nowMilliseconds: what has expired by then is left out.
    ///   - limit: how many rows the list has at most.
    func reviewSessions(
        _ tenant: TenantID, of user: ExactString?, nowMilliseconds: Int64, limit: Int
    ) async throws(StoreError) -> [ReviewSessionRow]
}

/// Something that is done to who may do what.
public enum AdministrativeAct: Sendable, Hashable {
    /// Makes the tenant, where it is not there.
    case addTenant
    /// Makes a user a member, or gives a member other roles: names without spaces.
    case setMember(ExactString, roles: Set<String>)
    /// Takes a user out. What the user did stays.
    case removeMember(ExactString)
    /// Retires a device.
    case retireDevice(DeviceID)
    /// Ends access before its time.
    case endAccess(AccessRevocation)

    /// The act's name in the list of what was done.
    public var name: String {
        switch self {
        case .addTenant: "tenant added"
        case .setMember: "member set"
        case .removeMember: "member removed"
        case .retireDevice: "device retired"
        case .endAccess(.session): "session ended"
        case .endAccess(.sessions): "sessions ended"
        case .endAccess(.tokens): "tokens revoked"
        }
    }

    /// Whom or what it is about; empty for everybody.
    public var subject: ExactString {
        switch self {
        case .addTenant: ""
        case .setMember(let user, _), .removeMember(let user): user
        case .retireDevice(let device): device.name
        case .endAccess(.session(let id, _)): id
        case .endAccess(.sessions(let user, _)), .endAccess(.tokens(let user, _)): user ?? ""
        }
    }

    /// What else there is to say.
    public var detail: String {
        if case .setMember(_, let roles) = self { MemberRow.text(of: roles) } else { "" }
    }

    /// Whether somebody may have lost access by it, so that whoever waits has to be asked again.
    public var mayEndAccess: Bool {
        if case .addTenant = self { false } else { true }
    }
}

extension AccessRevocation {
    /// Whether it ends a session of a reviewer's browser. Those that end are not listed any more.
    public func ends(_ session: ReviewSessionRow) -> Bool {
        switch self {
        case .session(let id, _): session.id == id
        case .sessions(let user, let time), .tokens(let user, let time):
            (user == nil || session.user == user) && session.beganAtMilliseconds < time
        }
    }
}

/// Something that was done.
public struct AdministrationRow: Sendable, Hashable {
    /// Its place among what was done for the tenant, from 1.
    public let ordinal: Int64
    /// When it was done, in server milliseconds.
    public let recordedAtMilliseconds: Int64
    /// Who did it; empty for a command on the server's machine.
    public let actor: ExactString
    /// What was done, as ``AdministrativeAct/name`` says.
    public let act: String
    /// To whom or what; empty for everybody.
    public let subject: ExactString
    /// What else there is to say; empty where there is nothing.
    public let detail: String

    public init(
        ordinal: Int64, recordedAtMilliseconds: Int64, actor: ExactString, act: String, subject: ExactString,
        detail: String
    ) {
        self.ordinal = ordinal
        self.recordedAtMilliseconds = recordedAtMilliseconds
        self.actor = actor
        self.act = act
        self.subject = subject
        self.detail = detail
    }

    /// The row of an act.
    public init(_ act: AdministrativeAct, by actor: ExactString, at ordinal: Int64, nowMilliseconds: Int64) {
        self.init(
            ordinal: ordinal, recordedAtMilliseconds: nowMilliseconds, actor: actor, act: act.name,
            subject: act.subject, detail: act.detail)
    }
}

/// Somebody who belongs to a tenant.
public struct MemberRow: Sendable, Hashable {
    /// The user, as tokens name them.
    public let user: ExactString
    /// What the member may do there, by names of roles.
    public let roles: Set<String>
    /// When the user became a member, in server milliseconds. Other roles do not change it.
    public let addedAtMilliseconds: Int64

    public init(user: ExactString, roles: Set<String>, addedAtMilliseconds: Int64) {
        self.user = user
        self.roles = roles
        self.addedAtMilliseconds = addedAtMilliseconds
    }

    /// Roles as they are stored: sorted, with a space between them.
    public static func text(of roles: Set<String>) -> String { roles.sorted().joined(separator: " ") }

    /// Reads roles as they are stored.
    public static func roles(in text: String) -> Set<String> { Set(text.split(separator: " ").map(String.init)) }
}

/// A tenant of a user.
public struct Membership: Sendable, Hashable {
    /// The tenant.
    public let tenant: TenantID
    /// What the user may do there, by names of roles.
    public let roles: Set<String>

    public init(tenant: TenantID, roles: Set<String>) {
        self.tenant = tenant
        self.roles = roles
    }
}

/// A session of a reviewer's browser.
public struct ReviewSessionRow: Sendable, Hashable {
    /// How somebody signed in: by a `link`, or at the identity `provider`.
    public enum Way: String, Sendable, Hashable, CaseIterable { case link, provider }

    /// The session's name. It is in its cookie, beside what signs that; knowing it opens nothing.
    public let id: ExactString
    /// Whose session it is.
    public let user: ExactString
    /// When it began, in server milliseconds.
    public let beganAtMilliseconds: Int64
    /// When it ends by itself, in server milliseconds.
    public let expiresAtMilliseconds: Int64
    /// How its user signed in.
    public let way: Way
    /// What the browser called itself, cut to 200 bytes or so; empty where it said nothing.
    public let browser: String

    public init(
        id: ExactString, user: ExactString, beganAtMilliseconds: Int64, expiresAtMilliseconds: Int64, way: Way,
        browser: String
    ) {
        self.id = id
        self.user = user
        self.beganAtMilliseconds = beganAtMilliseconds
        self.expiresAtMilliseconds = expiresAtMilliseconds
        self.way = way
        self.browser = browser
    }
}
