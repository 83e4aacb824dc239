import Causality
import Values

/// A conflict as its entries tell it by now. A decision is made on this.
public struct RecordedConflict: Sendable, Hashable {
    /// One of the values that met. Sides stand in the order in which they joined, and a side's place in that order is
    /// its number, from 0.
    public struct Side: Sendable, Hashable {
        /// Where the value came from.
        public let role: ConflictSide.Role
        /// Whether the merge let this side show.
        public let won: Bool
        /// Whether a later write had seen this side and replaced it.
        public let isDropped: Bool
        /// The value as the audit keeps it; nil where the side wants the unit, or the whole record, to be absent.
        public let value: Value?
        /// The event that wrote the value.
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
        /// A write ended it that had seen all sides.
        case superseded
        /// A reviewer ended it, with a side or with a value that no side has.
        case resolved(side: Int?, value: Value?)
    }

    /// The conflict's name.
    public let id: ConflictID
    /// The record that it is about.
    public let record: RecordKey
    /// What met what.
    public let kind: ConflictKind
    /// The unit's name in the audit. Which unit that is depends on the collection's rules.
    public let unit: ExactString
    /// How many of its entries changed its sides or its status.
    public let version: Int64
    /// All sides, those that were dropped among them.
    public let sides: [Side]
    /// How it ended; nil while it waits, or where a policy decided.
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
    /// The unit that the audit calls by this name. A group that is not declared any more is taken for a field.
    public func unit(named name: ExactString) -> UnitKey {
        if name == UnitKey.record.name { return .record }
        return groups[name] == nil ? .field(name) : .group(name)
    }
}
