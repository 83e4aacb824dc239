import Causality
import Values

/// What one operation does to one unit.
public struct UnitWrite: Sendable, Hashable {
    /// How a unit is changed.
    public enum Change: Sendable, Hashable {
        /// The unit gets this value.
        case assign(Value)
        /// This is added to a counter; it may be negative.
        case increment(Int64)
        /// Elements leave a set, and then elements join it.
        case elements(adding: [Value], removing: [Value])
        /// The family alone can read this change. It is in the spelling of the wire.
        case edit(Value)
    }

    /// The unit that is written.
    public let unit: UnitKey
    /// The policy that is declared for it.
    public let policy: MergePolicy
    /// How it is changed.
    public let change: Change

    public init(unit: UnitKey, policy: MergePolicy, change: Change) {
        self.unit = unit
        self.policy = policy
        self.change = change
    }

    /// The change as a value, in the spelling of the wire.
    public var value: Value {
        switch change {
        case .assign(let value), .edit(let value): value
        case .increment(let amount): CounterTotals.spelling(amount)
        case .elements(let adding, let removing): ObservedRemoveSet.spelling(adding: adding, removing: removing)
        }
    }
}
