import Causality

/// What one operation does to one unit.
public struct UnitWrite: Sendable, Hashable {
    public enum Change: Sendable, Hashable {
        case assign(Value)
        case increment(Int64)
        case elements(adding: [Value], removing: [Value])
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
        case .assign(let value): value
        case .increment(let amount): [FieldMarker.increment: .integer(amount)]
        case .elements(let adding, let removing):
            .object([(FieldMarker.add, .array(adding)), (FieldMarker.remove, .array(removing))])
        }
    }
}

/// The names that mark an object as a change of a counter or a set rather than a plain value.
enum FieldMarker {
    static let increment: ExactString = "$increment"
    static let add: ExactString = "$add"
    static let remove: ExactString = "$remove"

    static func isMarker(_ name: ExactString) -> Bool {
        guard name.text.utf8.first == UInt8(ascii: "$") else { return false }
        return name == increment || name == add || name == remove
    }
}
