import Causality
import Values

/// What a reviewer wants a conflict to end with.
public struct Decision: Sendable, Hashable {
    public enum Choice: Sendable, Hashable {
        /// The value of the side with this number.
        case side(Int)
        /// The only side that stands with this role.
        case role(ConflictSide.Role)
        /// The side that the merge let show.
        case winner
        /// The only other side that stands.
        case loser
        /// What the record shows now.
        case current
        /// A value that no side has to have.
        case value(Value)
    }

    /// What becomes of a record that is deleted by now.
    public enum DeletedRecord: Sendable, Hashable {
        case staysDeleted
        /// Comes back with the decided value.
        case isRestored
    }

    /// The conflict's version that the reviewer looked at.
    public let version: Int64
    public let choice: Choice
    /// The record's clock that the reviewer looked at: what the unit has gone through since is not to be overwritten unseen.
    /// nil: only the sides were looked at.
    public let seen: VersionVector?
    public let deletedRecord: DeletedRecord
    public let note: ExactString?

    public init(
        version: Int64, choice: Choice, seen: VersionVector? = nil, deletedRecord: DeletedRecord = .staysDeleted,
        note: ExactString? = nil
    ) {
        self.version = version
        self.choice = choice
        self.seen = seen
        self.deletedRecord = deletedRecord
        self.note = note
    }
}

/// Who reviews, and when.
public struct Reviewer: Sendable, Hashable {
    public let user: ExactString
    public let nowMilliseconds: Int64

    public init(user: ExactString, nowMilliseconds: Int64) {
        self.user = user
        self.nowMilliseconds = nowMilliseconds
    }

    /// The replica that authors the reviewer's operations.
    public var device: DeviceID { .reviewer(user) }
}

/// What became of a decision. All of it is an expected outcome: nothing here is an error of the server.
public enum DecisionOutcome: Sendable, Hashable {
    case decided(DecidedConflict)
    /// The conflict had ended with the same before: nothing to do.
    case repeated
    /// The conflict had ended with something else before.
    case decidedOtherwise
    /// The conflict, or the unit that it is about, is not what the reviewer looked at.
    case changed
    /// The decision cannot be carried out.
    case refused([Rejection])
}

/// A decision that was carried out: an operation of the reviewer's replica, merged like any other.
public struct DecidedConflict: Sendable, Hashable {
    public let conflict: ConflictID
    /// The conflict's version after it.
    public let version: Int64
    public let record: RecordKey
    public let resolution: ConflictResolution
    public let kind: OperationKind
    /// The operation's clock: the record's whole clock and its own event.
    public let clock: VersionVector
    /// What it wrote; empty where the record showed what was wanted.
    public let fields: ObjectValue
    /// The record's place in the change feed after it.
    public let sequence: Int64
}
