import Causality
import Values

extension Value {
    /// The bytes of the value's canonical JSON; of a number with a fraction, the most that one can take. O(n).
    public var weight: Int {
        switch self {
        case .null: 4
        case .boolean(let flag): flag ? 4 : 5
        case .integer(let number): Self.digits(number)
        // The longest is like -0.0000012345678901234567.
        case .double: 25
        case .string(let text): text.weight
        case .array(let elements):
            elements.reduce(2 + max(elements.count - 1, 0)) { $0 + $1.weight }
        case .object(let object):
            object.members.reduce(2 + max(object.count - 1, 0)) { $0 + $1.name.weight + 1 + $1.value.weight }
        }
    }

    private static func digits(_ number: Int64) -> Int {
        var count = number < 0 ? 2 : 1
        var rest = number.magnitude
        while rest >= 10 {
            rest /= 10
            count += 1
        }
        return count
    }
}

extension ExactString {
    /// The bytes of the text as a JSON string, with its quotation marks and escapes. O(n).
    var weight: Int {
        let escapes = text.utf8.withContiguousStorageIfAvailable { Self.escapes(in: $0) }
        return 2 + byteCount + (escapes ?? Array(text.utf8).withUnsafeBufferPointer { Self.escapes(in: $0) })
    }

    /// How many bytes escaping adds.
    private static func escapes(in bytes: UnsafeBufferPointer<UInt8>) -> Int {
        // The loop has no branches, so that it is done in wide steps: nearly no text has anything to escape.
        var special = 0
        for byte in bytes where byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { special += 1 }
        guard special > 0 else { return 0 }
        return bytes.reduce(0) { added, byte in
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), 0x08, 0x09, 0x0A, 0x0C, 0x0D: added + 1
            case 0..<0x20: added + 5
            default: added
            }
        }
    }
}
