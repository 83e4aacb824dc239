import Causality
import MergeCore
import StrictJSON
import Values

/// A conflict as people and programs read it: the sides that stand, what was said about it and how it ended.
///
/// Words such as `kind` and `status` are texts here, as a newer server may have more of them.
public struct WireConflict: WireDocument, Hashable {
    /// One of the values that met.
    public struct Side: Sendable, Hashable {
        public let role: String
        /// Whether the merge lets this side show.
        public let won: Bool
        /// Whether the side has a value; false where it wants the record, or the field, to be absent.
        public let present: Bool
        /// A later write had seen this side and replaced it.
        public let isDropped: Bool
        /// Canonical JSON; `null` where the side is not present.
        public let value: String
        public let device: String
        public let user: String
        public let counter: Int64
        public let stampMilliseconds: Int64
        /// When the author says that it was written.
        public let claimedAtMilliseconds: Int64?
        public let operation: String

        public init(
            role: String, won: Bool, present: Bool, isDropped: Bool, value: String, device: String, user: String,
            counter: Int64, stampMilliseconds: Int64, claimedAtMilliseconds: Int64?, operation: String
        ) {
            self.role = role
            self.won = won
            self.present = present
            self.isDropped = isDropped
            self.value = value
            self.device = device
            self.user = user
            self.counter = counter
            self.stampMilliseconds = stampMilliseconds
            self.claimedAtMilliseconds = claimedAtMilliseconds
            self.operation = operation
        }
    }

    /// What somebody wrote about the conflict.
    public struct Comment: Sendable, Hashable {
        public let user: ExactString
        public let text: ExactString
        public let atMilliseconds: Int64

        public init(user: ExactString, text: ExactString, atMilliseconds: Int64) {
            self.user = user
            self.text = text
            self.atMilliseconds = atMilliseconds
        }
    }

    /// How the conflict ended.
    public struct Ending: Sendable, Hashable {
        public let kind: ConflictStatus
        public let atMilliseconds: Int64
        /// The event that ended it.
        public let device: ExactString
        public let counter: Int64
        public let operation: ExactString
        public let user: ExactString
        /// Of a reviewer's decision only. `value` is nil where the record, or the field, is to be absent.
        public let side: Int?
        public let value: Value?
        public let note: ExactString?

        public init(
            kind: ConflictStatus, atMilliseconds: Int64, device: ExactString, counter: Int64, operation: ExactString,
            user: ExactString, side: Int? = nil, value: Value? = nil, note: ExactString? = nil
        ) {
            self.kind = kind
            self.atMilliseconds = atMilliseconds
            self.device = device
            self.counter = counter
            self.operation = operation
            self.user = user
            self.side = side
            self.value = value
            self.note = note
        }
    }

    public let id: ConflictID
    public let kind: String
    public let status: String
    /// What a decision names, to say which state of the conflict was looked at.
    public let version: Int64
    public let collection: String
    public let record: String
    public let unit: String
    public let policy: String
    public let openedAtMilliseconds: Int64
    /// The idempotency key of the batch that opened it.
    public let batch: String
    /// Canonical JSON, as are those after it.
    public let clockBefore: String
    public let clockAfter: String
    /// In the order in which they joined: a side's place is its number.
    public let sides: [Side]
    public let assignee: String?
    /// Oldest first.
    public let comments: [Comment]
    /// nil while it waits, or where a policy decided.
    public let ending: Ending?

    public init(
        id: ConflictID, kind: String, status: String, version: Int64, collection: String, record: String, unit: String,
        policy: String, openedAtMilliseconds: Int64, batch: String, clockBefore: String, clockAfter: String,
        sides: [Side], assignee: String?, comments: [Comment], ending: Ending?
    ) {
        self.id = id
        self.kind = kind
        self.status = status
        self.version = version
        self.collection = collection
        self.record = record
        self.unit = unit
        self.policy = policy
        self.openedAtMilliseconds = openedAtMilliseconds
        self.batch = batch
        self.clockBefore = clockBefore
        self.clockAfter = clockAfter
        self.sides = sides
        self.assignee = assignee
        self.comments = comments
        self.ending = ending
    }
}
