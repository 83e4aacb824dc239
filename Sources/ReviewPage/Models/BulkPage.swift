/// Deciding many conflicts at once: first the choice, then what it would do.
public struct BulkPage: Sendable, Hashable {
    /// What is chosen in each conflict.
    public enum Choice: String, Sendable, Hashable, CaseIterable {
        /// What shows stays.
        case current
        /// The side that does not show, where there is one such.
        case loser
        /// What arrived last.
        case incoming
        /// What was there before.
        case stored
    }

    public struct Row: Sendable, Hashable {
        public enum Effect: Sendable, Hashable {
            case changes(shown: PageValue?, would: PageValue?)
            case keeps(shown: PageValue?)
            /// The conflict cannot be decided this way. The reason is a sentence.
            case impossible(reason: String)
        }

        public let conflict: ConflictHead
        public let effect: Effect

        public init(conflict: ConflictHead, effect: Effect) {
            self.conflict = conflict
            self.effect = effect
        }
    }

    public struct Preview: Sendable, Hashable {
        public let choice: Choice
        public let rows: [Row]
        /// Records that would show another value.
        public let changedRecords: Int
        /// Whether more conflicts fit the filters than one call takes.
        public let isCut: Bool

        public init(choice: Choice, rows: [Row], changedRecords: Int, isCut: Bool = false) {
            self.choice = choice
            self.rows = rows
            self.changedRecords = changedRecords
            self.isCut = isCut
        }
    }

    public let session: ReviewSession
    public let filters: ConflictFilters
    /// How many conflicts fit the filters, as in `ListPage.Counts`.
    public let count: String
    public let note: String
    /// What the choice would do; nil until something was chosen.
    public let preview: Preview?
    public let message: PageMessage?

    public init(
        session: ReviewSession, filters: ConflictFilters, count: String, note: String = "", preview: Preview? = nil,
        message: PageMessage? = nil
    ) {
        self.session = session
        self.filters = filters
        self.count = count
        self.note = note
        self.preview = preview
        self.message = message
    }
}

/// What became of a decision on many conflicts.
public struct BulkResultPage: Sendable, Hashable {
    public struct Refusal: Sendable, Hashable {
        public let conflict: String
        /// The conflict; nil where it could not be read.
        public let head: ConflictHead?
        public let reason: String

        public init(conflict: String, head: ConflictHead? = nil, reason: String) {
            self.conflict = conflict
            self.head = head
            self.reason = reason
        }
    }

    public let session: ReviewSession
    public let filters: ConflictFilters
    public let decided: Int
    public let refusals: [Refusal]

    public init(session: ReviewSession, filters: ConflictFilters, decided: Int, refusals: [Refusal]) {
        self.session = session
        self.filters = filters
        self.decided = decided
        self.refusals = refusals
    }
}
