/// The list of conflicts.
public struct ListPage: Sendable, Hashable {
    /// How many conflicts there are of a status, under the other filters. It is a text, because counting may stop at a
    /// bound ("999+").
    public struct Counts: Sendable, Hashable {
        public let open: String
        public let automatic: String
        public let resolved: String
        public let superseded: String
        public let all: String

        public init(open: String, automatic: String, resolved: String, superseded: String, all: String) {
            self.open = open
            self.automatic = automatic
            self.resolved = resolved
            self.superseded = superseded
            self.all = all
        }
    }

    public struct Row: Sendable, Hashable {
        public let conflict: ConflictHead
        /// The first sides; the page shows few of many.
        public let sides: [SideBrief]
        /// How many sides the conflict has beside those.
        public let omittedSides: Int
        public let comments: Int

        /// How many sides of a conflict are worth reading for its row.
        public static var sidesShown: Int { Allowance.briefs }

        public init(conflict: ConflictHead, sides: [SideBrief], omittedSides: Int = 0, comments: Int) {
            self.conflict = conflict
            self.sides = sides
            self.omittedSides = omittedSides
            self.comments = comments
        }
    }

    public struct SideBrief: Sendable, Hashable {
        /// The side's value; nil where the side deletes, or has no value.
        public let value: PageValue?
        public let device: String
        public let user: String
        public let standing: SideStanding

        public init(value: PageValue?, device: String, user: String, standing: SideStanding) {
            self.value = value
            self.device = device
            self.user = user
            self.standing = standing
        }
    }

    public let session: ReviewSession
    public let filters: ConflictFilters
    public let counts: Counts
    public let rows: [Row]
    /// The `page` of the next page's address; nil on the last.
    public let nextPage: String?
    public let isFirstPage: Bool
    /// Where the audit stood when the list was read; the script waits for it to change.
    public let position: String
    public let message: PageMessage?

    public init(
        session: ReviewSession, filters: ConflictFilters, counts: Counts, rows: [Row], nextPage: String? = nil,
        isFirstPage: Bool = true, position: String, message: PageMessage? = nil
    ) {
        self.session = session
        self.filters = filters
        self.counts = counts
        self.rows = rows
        self.nextPage = nextPage
        self.isFirstPage = isFirstPage
        self.position = position
        self.message = message
    }
}
