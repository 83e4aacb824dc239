import Causality
import Values

/// What a reviewer wants a conflict to end with.
public struct Decision: Sendable, Hashable {
    /// What the conflict's unit is to have.
    public enum Choice: Sendable, Hashable {
        /// The value of the side with this number.
        case side(Int)
        /// The only side that stands with this role.
        case role(ConflictSide.Role)
        /// The value of the side that the merge let show.
        case winner
        /// The value of the only other side that stands.
        case loser
        /// What the record shows now.
        case current
        /// A value that no side has to have.
        case value(Value)
    }

    /// What becomes of a record that has been deleted by the time of the decision.
    public enum DeletedRecord: Sendable, Hashable {
        /// The record stays deleted.
        case staysDeleted
        /// The record comes back with the decided value.
        case isRestored
    }

    /// The conflict's version that the reviewer looked at.
    public let version: Int64
    /// What the conflict's unit is to have.
    public let choice: Choice
    /// The record's clock that the reviewer looked at, so that what the unit has gone through since is not overwritten
    /// unseen. nil where the reviewer looked at the sides only.
    public let seen: VersionVector?
    /// What becomes of a record that is deleted.
    public let deletedRecord: DeletedRecord
    /// What the reviewer writes about the decision.
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
    /// The reviewer's name.
    public let user: ExactString
    /// Server time.
    public let nowMilliseconds: Int64

    public init(user: ExactString, nowMilliseconds: Int64) {
        self.user = user
        self.nowMilliseconds = nowMilliseconds
    }

    /// The replica that authors the reviewer's operations.
    public var device: DeviceID { .reviewer(user) }
}

/// What became of a decision. Each case is an expected outcome: none is an error of the server.
public enum DecisionOutcome: Sendable, Hashable {
    /// The decision was carried out.
    case decided(DecidedConflict)
    /// The conflict had ended with the same before, so there is nothing to do.
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
    /// The conflict that ended.
    public let conflict: ConflictID
    /// The conflict's version after the decision.
    public let version: Int64
    /// The record that it is about.
    public let record: RecordKey
    /// What the audit says of the decision.
    public let resolution: ConflictResolution
    /// What the reviewer's operation does.
    public let kind: OperationKind
    /// The operation's clock: the record's whole clock and its own event.
    public let clock: VersionVector
    /// What the operation wrote; empty where the record showed what was wanted.
    public let fields: ObjectValue
    /// The record's place in the change feed after the decision.
    public let sequence: Int64
}
