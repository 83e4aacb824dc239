import Causality

/// One conflict with all that a reviewer needs to decide it. Its parts are texts for the page. They are made from the
/// types of the same names in `MergeCore` and `SyncEngine`.
public struct ConflictPage: Sendable, Hashable {
    public let session: ReviewSession
    public let conflict: ConflictHead
    public let batch: String
    public let clockBefore: VersionVector
    public let clockAfter: VersionVector
    /// The sides in the order of their numbers, which decisions name.
    public let sides: [Side]
    public let record: RecordNow
    public let decision: Decision
    public let resolution: Resolution?
    /// The comments, the oldest first.
    public let comments: [Comment]
    public let history: History
    public let neighbours: Neighbours
    /// Where the audit stood, as in `ListPage`.
    public let position: String
    public let message: PageMessage?

    public init(
        session: ReviewSession, conflict: ConflictHead, batch: String, clockBefore: VersionVector,
        clockAfter: VersionVector, sides: [Side], record: RecordNow, decision: Decision,
        resolution: Resolution? = nil, comments: [Comment] = [], history: History = History(),
        neighbours: Neighbours = Neighbours(), position: String, message: PageMessage? = nil
    ) {
        self.session = session
        self.conflict = conflict
        self.batch = batch
        self.clockBefore = clockBefore
        self.clockAfter = clockAfter
        self.sides = sides
        self.record = record
        self.decision = decision
        self.resolution = resolution
        self.comments = comments
        self.history = history
        self.neighbours = neighbours
        self.position = position
        self.message = message
    }
}

extension ConflictPage {
    public struct Side: Sendable, Hashable {
        /// The side's value; nil where the side deletes, or has no value.
        public let value: PageValue?
        public let standing: SideStanding
        public let device: String
        public let user: String
        public let counter: Int64
        public let operation: String
        public let stampMilliseconds: Int64
        /// The device's own time, where the server corrected it.
        public let claimedAtMilliseconds: Int64?

        public init(
            value: PageValue?, standing: SideStanding, device: String, user: String, counter: Int64,
            operation: String, stampMilliseconds: Int64, claimedAtMilliseconds: Int64? = nil
        ) {
            self.value = value
            self.standing = standing
            self.device = device
            self.user = user
            self.counter = counter
            self.operation = operation
            self.stampMilliseconds = stampMilliseconds
            self.claimedAtMilliseconds = claimedAtMilliseconds
        }
    }

    /// The record as it stands while the page is read.
    public struct RecordNow: Sendable, Hashable {
        public enum Life: Sendable, Hashable {
            case alive
            case deleted
            case purged
        }

        public let life: Life
        /// What the conflict's unit shows; nil where it has no value. For a deleted record, what it would show.
        public let value: PageValue?
        /// All fields; nil where the record is gone.
        public let whole: PageValue?
        public let clock: VersionVector
        /// The same clock in the form in which the decision form sends it back.
        public let clockText: String

        public init(life: Life, value: PageValue?, whole: PageValue?, clock: VersionVector, clockText: String) {
            self.life = life
            self.value = value
            self.whole = whole
            self.clock = clock
            self.clockText = clockText
        }
    }

    /// What can be decided, and what the reviewer had entered where a decision came back.
    public struct Decision: Sendable, Hashable {
        public enum Offer: Sendable, Hashable {
            case possible
            /// The conflict was decided already, or is gone. The reason is said instead of a form.
            case closed(reason: String)
        }

        public let offer: Offer
        /// The choice in the form in which the form sends it: a side's number, `current` or `value`.
        public let chosen: String?
        /// The value that was entered; nil for what shows now.
        public let valueText: String?
        public let note: String
        public let restores: Bool

        public init(
            offer: Offer = .possible, chosen: String? = nil, valueText: String? = nil, note: String = "",
            restores: Bool = false
        ) {
            self.offer = offer
            self.chosen = chosen
            self.valueText = valueText
            self.note = note
            self.restores = restores
        }
    }

    public struct Resolution: Sendable, Hashable {
        public enum Ending: Sendable, Hashable {
            case decided(value: PageValue?)
            /// A later write ended it that had seen all sides.
            case superseded(device: String)
        }

        public let ending: Ending
        public let user: String
        public let atMilliseconds: Int64
        public let note: String

        public init(ending: Ending, user: String, atMilliseconds: Int64, note: String = "") {
            self.ending = ending
            self.user = user
            self.atMilliseconds = atMilliseconds
            self.note = note
        }
    }

    public struct Comment: Sendable, Hashable {
        public let user: String
        public let atMilliseconds: Int64
        public let text: String

        public init(user: String, atMilliseconds: Int64, text: String) {
            self.user = user
            self.atMilliseconds = atMilliseconds
            self.text = text
        }
    }

    public struct History: Sendable, Hashable {
        /// The events, in any order.
        public let events: [RecordEvent]
        /// How many events the caller left out of `events`.
        public let omitted: Int

        public init(events: [RecordEvent] = [], omitted: Int = 0) {
            self.events = events
            self.omitted = omitted
        }
    }

    /// The conflicts before and after this one in the list that it was opened from.
    public struct Neighbours: Sendable, Hashable {
        public let previous: String?
        public let next: String?
        public let filters: ConflictFilters

        public init(previous: String? = nil, next: String? = nil, filters: ConflictFilters = ConflictFilters()) {
            self.previous = previous
            self.next = next
            self.filters = filters
        }
    }
}
