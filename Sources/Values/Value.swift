import Causality

/// A JSON value, compared by what it means.
///
/// `==` is the equality of the merge (rules V1 to V3): objects have no order, strings go by Unicode scalars and numbers
/// by mathematical value (`1` equals `1.0`, `-0` equals `0`), and `true` is not `1`. It is structural, because every
/// case is kept in one normal form: a number that is an exact `Int64` is always `integer`, and objects hold their
/// members sorted by name.
///
/// The other cases are `null`, `boolean`, `string`, `array` and `object`.
public enum Value: Sendable, Hashable {
    case null
    case boolean(Bool)
    case integer(Int64)
    /// A finite number that is not an exact `Int64`. Build it with `Value.number(_:)`, which keeps the normal form.
    case double(Double)
    case string(ExactString)
    case array([Value])
    case object(ObjectValue)

    /// The value of a number, in normal form.
    /// - Returns: nil when the number is not finite.
    public static func number(_ number: Double) -> Value? {
        guard number.isFinite else { return nil }
        if let exact = Int64(exactly: number) { return .integer(exact) }
        return .double(number)
    }

    /// The value of a text.
    public static func string(_ text: String) -> Value { .string(ExactString(text)) }

    /// The value of an object, from members in any order. See ``ObjectValue/init(_:)``.
    public static func object(_ members: some Sequence<(ExactString, Value)>) -> Value {
        .object(ObjectValue(members.map { ObjectValue.Member(name: $0.0, value: $0.1) }))
    }
}

/// The members of a JSON object, sorted by the bytes of their names, each name once.
public struct ObjectValue: Sendable, Hashable {
    /// A `name` and the `value` under it.
    public struct Member: Sendable, Hashable {
        public let name: ExactString
        public let value: Value

        public init(name: ExactString, value: Value) {
            self.name = name
            self.value = value
        }
    }

    /// The members in the order of their names.
    public let members: [Member]

    /// Takes members in any order. A parser refuses duplicate names before it comes here; of duplicates that code
    /// builds the first counts. O(n log n); O(n) when they are sorted already.
    public init(_ unordered: [Member]) {
        var isSorted = true
        for index in unordered.indices.dropFirst() where !(unordered[index - 1].name < unordered[index].name) {
            isSorted = false
            break
        }
        guard !isSorted else {
            members = unordered
            return
        }
        var sorted: [Member] = []
        sorted.reserveCapacity(unordered.count)
        for (_, member) in unordered.enumerated().sorted(by: { left, right in
            left.element.name == right.element.name
                ? left.offset < right.offset : left.element.name < right.element.name
        }) where sorted.last?.name != member.name {
            sorted.append(member)
        }
        members = sorted
    }

    /// Takes members that are sorted by name, each name once.
    package init(sorted members: [Member]) {
        assert(zip(members, members.dropFirst()).allSatisfy { $0.name < $1.name }, "members out of order")
        self.members = members
    }

    /// Whether the object has no members.
    public var isEmpty: Bool { members.isEmpty }
    /// The number of members.
    public var count: Int { members.count }

    /// The value under a name. O(log n).
    public subscript(name: ExactString) -> Value? {
        var low = 0
        var high = members.count
        while low < high {
            let middle = (low + high) / 2
            if members[middle].name < name { low = middle + 1 } else { high = middle }
        }
        return low < members.count && members[low].name == name ? members[low].value : nil
    }
}

// A value is not expressible by `nil`: a `nil` that was meant as "no value" would silently become the value `null`.
extension Value: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(ExactString(value)) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
    public init(arrayLiteral elements: Value...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (ExactString, Value)...) { self = .object(elements) }
}
