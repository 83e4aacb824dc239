import Causality
import Values

/// A conflict's name: the position in its tenant's audit of the entry that opened it.
public struct ConflictID: Sendable, Hashable, Comparable {
    public let position: Int64

    public init(position: Int64) { self.position = position }

    public static func < (left: ConflictID, right: ConflictID) -> Bool { left.position < right.position }
}

public enum ConflictKind: String, Sendable, Hashable, CaseIterable {
    /// Two writes that had not seen each other want different values for one unit.
    case writeWrite = "write_write"
    /// A delete and a write had not seen each other.
    case deleteWrite = "delete_write"
    /// An operation whose counter was in the history already carried values that the record does not hold.
    case stale
}

/// Derived from a conflict's entries, never stored as a fact of its own.
public enum ConflictStatus: String, Sendable, Hashable, CaseIterable {
    /// A policy decided.
    case automatic
    /// Waits for a decision.
    case open
    /// A reviewer decided.
    case resolved
    /// A later write that had seen the sides decided.
    case superseded
}

/// One of the values that met.
public struct ConflictSide: Sendable, Hashable {
    public enum Role: String, Sendable, Hashable, CaseIterable {
        /// Was in the record.
        case stored
        /// Came with the operation.
        case incoming
    }

    public let role: Role
    /// Whether this side showed after the entry was written.
    public let won: Bool
    /// nil: the side is a delete, it wants the record to be absent.
    public let value: Value?
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
    public let kind: ConflictKind
    public let unit: UnitKey
    /// The rule that chose the winner: a `MergePolicy` or, for deletes, a `DeletePolicy`.
    public let policy: String
    public let awaitsDecision: Bool
    /// Two or more.
    public let sides: [ConflictSide]

    public init(kind: ConflictKind, unit: UnitKey, policy: String, awaitsDecision: Bool = false, sides: [ConflictSide])
    {
        self.kind = kind
        self.unit = unit
        self.policy = policy
        self.awaitsDecision = awaitsDecision
        self.sides = sides
    }

    public var status: ConflictStatus { awaitsDecision ? .open : .automatic }

    /// Which role shows.
    public var winner: ConflictSide.Role { sides.first { $0.won }?.role ?? .stored }
}

/// What one merge means for the conflict of one unit.
public enum ConflictNote: Sendable, Hashable {
    case opened(ConflictOpening)
    /// An open conflict gained a side, or a write that saw some of its sides took them away.
    case sidesChanged(ConflictID, unit: UnitKey, joined: [ConflictSide], dropped: [Dot])
    /// A write that had seen all other sides ended an open conflict.
    case superseded(ConflictID, unit: UnitKey, by: Event)
}
