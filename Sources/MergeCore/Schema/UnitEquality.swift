import Causality
import Values

/// When two values of a unit are the same value, by the types of its fields (rule V4).
///
/// The texts of a `uuid` are equal whatever case their digits have. Those of a `timestamp` are equal when they name one
/// instant. Values of all other types are equal by `==`. What a record holds does not depend on this equality: writes
/// in two spellings stand beside each other as two events, of which one shows. Only whether they disagree depends on
/// it.
public enum UnitEquality: Sendable, Hashable {
    /// Values are compared by `==`.
    case exact
    /// Values of one field are compared, by its type.
    case field(FieldType)
    /// Objects are compared member by member; members that are not named are equal by `==`.
    case members([ExactString: FieldType])

    /// Whether the two are the same value. O(n) in their size.
    public func areSame(_ left: Value, _ right: Value) -> Bool {
        switch self {
        case .exact: return left == right
        case .field(let type): return type.areSame(left, right)
        case .members(let types):
            guard case (.object(let left), .object(let right)) = (left, right), left.count == right.count else {
                return left == right
            }
            return zip(left.members, right.members).allSatisfy { left, right in
                left.name == right.name && (types[left.name] ?? .json).areSame(left.value, right.value)
            }
        }
    }

    /// The same where a value may be absent.
    public func areSame(_ left: Value?, _ right: Value?) -> Bool {
        guard let left, let right else { return left == nil && right == nil }
        return areSame(left, right)
    }
}

extension FieldType {
    /// Whether one value of the type has several spellings.
    var hasSpellings: Bool {
        switch self {
        case .uuid, .timestamp: true
        case .string, .integer, .number, .boolean, .set, .json: false
        }
    }

    /// Whether two values of the type are the same.
    public func areSame(_ left: Value, _ right: Value) -> Bool {
        guard hasSpellings, case (.string(let one), .string(let two)) = (left, right), one != two else {
            return left == right
        }
        switch self {
        case .uuid:
            // No uuid has other letters, so nothing but their case can differ.
            return one.byteCount == two.byteCount && Self.isUUID(one.text) && Self.isUUID(two.text)
                && zip(one.text.utf8, two.text.utf8).allSatisfy { $0 | 0x20 == $1 | 0x20 }
        case .timestamp:
            guard let instant = Timestamp.Instant(one.text) else { return false }
            return instant == Timestamp.Instant(two.text)
        case .string, .integer, .number, .boolean, .set, .json: return false
        }
    }
}

extension Value {
    /// A number that is the same for values that are the same by any type (and, but by chance, different for others). Lets
    /// values that stand beside one another be compared without reading them again. Holds within one process. O(n).
    var fingerprint: Int {
        var hasher = Hasher()
        switch self {
        case .string(let text): text.hashSpelling(into: &hasher)
        case .object(let object):
            for member in object.members {
                hasher.combine(member.name)
                if case .string(let text) = member.value {
                    text.hashSpelling(into: &hasher)
                } else {
                    hasher.combine(member.value)
                }
            }
        case .null, .boolean, .integer, .double, .array: hasher.combine(self)
        }
        return hasher.finalize()
    }
}

extension ExactString {
    /// The text, or what it names where it looks like a value with several spellings.
    fileprivate func hashSpelling(into hasher: inout Hasher) {
        if FieldType.isUUID(text) {
            for byte in text.utf8 { hasher.combine(byte | 0x20) }
        } else if let instant = Timestamp.Instant(text) {
            hasher.combine(instant)
        } else {
            hasher.combine(self)
        }
    }
}
