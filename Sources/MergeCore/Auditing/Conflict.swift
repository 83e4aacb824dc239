import Causality
import Values

/// A conflict's name: the position, in its tenant's audit, of the entry that opened the conflict.
public struct ConflictID: Sendable, Hashable, Comparable {
    /// The position of the entry that opened the conflict, from 1.
    public let position: Int64

    public init(position: Int64) { self.position = position }

    /// An older conflict comes first.
    public static func < (left: ConflictID, right: ConflictID) -> Bool { left.position < right.position }
}

/// What met what.
public enum ConflictKind: String, Sendable, Hashable, CaseIterable {
    /// Two writes that had not seen each other want different values for one unit.
    case writeWrite = "write_write"
    /// A delete and a write had not seen each other.
    case deleteWrite = "delete_write"
    /// An operation whose counter was already in the history carried values that the record does not hold (rule K2).
    case stale
}

/// How a conflict stands. The status is derived from the conflict's entries, and never stored as a fact of its own.
public enum ConflictStatus: String, Sendable, Hashable, CaseIterable {
    /// A policy decided.
    case automatic
    /// The conflict waits for a decision.
    case open
    /// A reviewer decided.
    case resolved
    /// A later write that had seen the sides decided.
    case superseded
}

/// One of the values that met.
public struct ConflictSide: Sendable, Hashable {
    /// Where a side's value came from.
    public enum Role: String, Sendable, Hashable, CaseIterable {
        /// The value was in the record.
        case stored
        /// The value came with the operation.
        case incoming
    }

    /// Where the value came from.
    public let role: Role
    /// Whether this side showed after the entry was written.
    public let won: Bool
    /// The value; nil where the side is a delete, which wants the record to be absent.
    public let value: Value?
    /// The event that wrote the value, or the delete.
    public let event: Event

    public init(role: Role, won: Bool, value: Value?, event: Event) {
        self.role = role
        self.won = won
        self.value = value
        self.event = event
    }
}

/// A conflict as it is first recorded.
public struct ConflictOpening: Sendable, Hashable {
    /// What met what.
    public let kind: ConflictKind
    /// Where the values met.
    public let unit: UnitKey
    /// The name of the rule that chose the winner: of a ``MergePolicy`` or, for deletes, of a ``DeletePolicy``.
    public let policy: String
    /// Whether a person has to decide, as under `manual`.
    public let awaitsDecision: Bool
    /// The values that met, two or more.
    public let sides: [ConflictSide]

    public init(kind: ConflictKind, unit: UnitKey, policy: String, awaitsDecision: Bool = false, sides: [ConflictSide])
    {
        self.kind = kind
        self.unit = unit
        self.policy = policy
        self.awaitsDecision = awaitsDecision
        self.sides = sides
    }

    /// The conflict's status at its beginning: `open` where it awaits a decision, else `automatic`.
    public var status: ConflictStatus { awaitsDecision ? .open : .automatic }

    /// The role of the side that shows.
    public var winner: ConflictSide.Role { sides.first { $0.won }?.role ?? .stored }
}

/// What one merge means for the conflict of one unit.
public enum ConflictNote: Sendable, Hashable {
    /// A conflict begins.
    case opened(ConflictOpening)
    /// An open conflict gained a side, or a write that saw some of its sides took them away.
    case sidesChanged(ConflictID, unit: UnitKey, joined: [ConflictSide], dropped: [Dot])
    /// A write that had seen all other sides ended an open conflict.
    case superseded(ConflictID, unit: UnitKey, by: Event)
}
