import Causality

extension Value {
    /// Whether this value comes before another one in the total order over all values (rule V5). O(n).
    ///
    /// Numbers go by mathematical value, strings by scalars; across kinds the order is `null` < booleans < numbers <
    /// strings < arrays < objects. `max` and `min` choose by it, and the elements of a set are sent in it. Values are
    /// not `Comparable`, because `<` between a number and a string would look like a statement about the domain.
    public func precedes(_ other: Value) -> Bool {
        switch (self, other) {
        case (.boolean(let left), .boolean(let right)): return !left && right
        case (.integer(let left), .integer(let right)): return left < right
        case (.double(let left), .double(let right)): return left < right
        case (.integer(let left), .double(let right)): return Self.isBelow(left, right)
        case (.double(let left), .integer(let right)): return !Self.isBelow(right, left)
        case (.string(let left), .string(let right)): return left < right
        case (.array(let left), .array(let right)):
            return left.lexicographicallyPrecedes(right) { $0.precedes($1) }
        case (.object(let left), .object(let right)):
            return left.members.lexicographicallyPrecedes(right.members) {
                $0.name == $1.name ? $0.value.precedes($1.value) : $0.name < $1.name
            }
        default: return kindRank < other.kindRank
        }
    }

    /// Whether an integer is below a number that is known not to be an exact `Int64`, without rounding either.
    private static func isBelow(_ integer: Int64, _ number: Double) -> Bool {
        if number >= 0x1p63 { return true }
        if number < -0x1p63 { return false }
        // The number has a fraction, so it lies strictly above its floor, and the floor fits.
        return integer <= Int64(number.rounded(.down))
    }

    private var kindRank: Int {
        switch self {
        case .null: 0
        case .boolean: 1
        case .integer, .double: 2
        case .string: 3
        case .array: 4
        case .object: 5
        }
    }
}
