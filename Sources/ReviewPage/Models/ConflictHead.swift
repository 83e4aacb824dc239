/// What the list and the conflict's own page both say of a conflict.
public struct ConflictHead: Sendable, Hashable {
    public let id: String
    /// The conflict's version. A decision names the version that the reviewer looked at.
    public let version: Int64
    public let kind: PageKind
    public let status: PageStatus
    public let collection: String
    public let record: String
    /// The unit: a field, a group, or `$record`.
    public let unit: String
    public let policy: String
    public let openedAtMilliseconds: Int64
    /// The user whose task the conflict is; nil for nobody.
    public let assignee: String?

    public init(
        id: String, version: Int64, kind: PageKind, status: PageStatus, collection: String, record: String,
        unit: String, policy: String, openedAtMilliseconds: Int64, assignee: String? = nil
    ) {
        self.id = id
        self.version = version
        self.kind = kind
        self.status = status
        self.collection = collection
        self.record = record
        self.unit = unit
        self.policy = policy
        self.openedAtMilliseconds = openedAtMilliseconds
        self.assignee = assignee
    }
}

/// Whether a side shows.
public enum SideStanding: Sendable, Hashable {
    /// The side is what the record showed as of the conflict's version.
    case shows
    /// The side stands beside the one that shows.
    case beside
    /// A later write had seen the side and replaced it.
    case dropped
}
