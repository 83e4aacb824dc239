import Causality
import Values

/// What one operation does to one unit.
public struct UnitWrite: Sendable, Hashable {
    public enum Change: Sendable, Hashable {
        case assign(Value)
        case increment(Int64)
        case elements(adding: [Value], removing: [Value])
        /// A change that only its family can read, in the spelling of the wire.
        case edit(Value)
    }

    public let unit: UnitKey
    public let policy: MergePolicy
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
