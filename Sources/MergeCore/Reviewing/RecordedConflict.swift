import Causality
import Values

/// A conflict as its entries tell it by now: what a decision is made on.
public struct RecordedConflict: Sendable, Hashable {
    /// One of the values that met, in the order in which they joined. Its place in that order is its number, from 0.
    public struct Side: Sendable, Hashable {
        public let role: ConflictSide.Role
        /// Whether the merge let this side show.
        public let won: Bool
        /// A later write had seen this side and replaced it.
        public let isDropped: Bool
        /// As the audit keeps it; nil: the side wants the unit, or the whole record, to be absent.
        public let value: Value?
        public let dot: Dot

        public init(role: ConflictSide.Role, won: Bool, isDropped: Bool, value: Value?, dot: Dot) {
            self.role = role
            self.won = won
            self.isDropped = isDropped
            self.value = value
            self.dot = dot
        }
    }

    /// How a conflict ended, as far as a decision on it has to know. `ConflictView` in `SyncEngine` has who ended it and when.
    public enum Ending: Sendable, Hashable {
        /// By a write that had seen all sides.
        case superseded
        case resolved(side: Int?, value: Value?)
    }

    public let id: ConflictID
    public let record: RecordKey
    public let kind: ConflictKind
    /// As the audit names it; which unit that is depends on the collection's rules.
    public let unit: ExactString
    public let version: Int64
    public let sides: [Side]
    /// nil while it waits, or where a policy decided.
    public let ending: Ending?

    public init(
        id: ConflictID, record: RecordKey, kind: ConflictKind, unit: ExactString, version: Int64, sides: [Side],
        ending: Ending?
    ) {
        self.id = id
        self.record = record
        self.kind = kind
        self.unit = unit
        self.version = version
        self.sides = sides
        self.ending = ending
    }
}

extension CollectionRules {
    /// The unit that the audit calls by this name. A group that is declared no more is taken for a field.
    public func unit(named name: ExactString) -> UnitKey {
        if name == UnitKey.record.name { return .record }
        return groups[name] == nil ? .field(name) : .group(name)
    }
}
