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
        /// Where the value came from: the name of a `ConflictSide.Role`.
        public let role: String
        /// Whether the merge lets this side show.
        public let won: Bool
        /// Whether the side has a value; false where it wants the record, or the field, to be absent.
        public let present: Bool
        /// A later write had seen this side and replaced it.
        public let isDropped: Bool
        /// Canonical JSON; `null` where the side is not present.
        public let value: String
        /// The device of the event that wrote the value, or the delete.
        public let device: String
        /// The user on whose behalf the device sent it.
        public let user: String
        /// The counter of that event, from 1.
        public let counter: Int64
        /// The corrected time of the edit, in milliseconds since 1970.
        public let stampMilliseconds: Int64
        /// When the author says that it was written, in milliseconds since 1970; nil where the author named no time.
        public let claimedAtMilliseconds: Int64?
        /// The id of the operation that it was.
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

    /// What somebody (`user`) wrote about the conflict, and when (`atMilliseconds`, since 1970), as `text`.
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
        /// What ended it: for `resolved` a reviewer, for `superseded` a later write that had seen all sides.
        public let kind: ConflictStatus
        /// When it ended, in server milliseconds since 1970.
        public let atMilliseconds: Int64
        /// The device of the event that ended it; a reviewer's is `reviewer:<user>`.
        public let device: ExactString
        /// The counter of that event, from 1.
        public let counter: Int64
        /// The id of the operation that became that event.
        public let operation: ExactString
        /// The user who ended it.
        public let user: ExactString
        /// The number of the side that a reviewer chose; nil for another value, and where no reviewer decided.
        public let side: Int?
        /// The value that a reviewer decided on; nil where the record, or the field, is to be absent, and where no
        /// reviewer decided.
        public let value: Value?
        /// What the reviewer wrote about the decision; nil where there is nothing.
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

    /// The conflict's name, by which calls ask for it.
    public let id: ConflictID
    /// What met what: the name of a `ConflictKind`.
    public let kind: String
    /// How the conflict stands: the name of a `ConflictStatus`.
    public let status: String
    /// What a decision names, to say which state of the conflict was looked at.
    public let version: Int64
    /// The record's collection.
    public let collection: String
    /// The record's id in its collection.
    public let record: String
    /// The name of the unit in which the values met.
    public let unit: String
    /// The name of the policy.
    public let policy: String
    /// When it was recorded, in server milliseconds since 1970.
    public let openedAtMilliseconds: Int64
    /// The idempotency key of the batch that opened it.
    public let batch: String
    /// The record's clock before that batch's operation, as canonical JSON.
    public let clockBefore: String
    /// The record's clock after it, as canonical JSON.
    public let clockAfter: String
    /// In the order in which they joined: a side's place is its number.
    public let sides: [Side]
    /// The user whose task it is to decide; nil where it is nobody's.
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
