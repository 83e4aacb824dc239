import Values

/// What a field may hold. `null` is a value of every type except `set`.
///
/// - `string`: a text.
/// - `integer`: a whole number of 64 bits.
/// - `number`: an `integer`, or a finite double.
/// - `boolean`: `true` or `false`.
/// - `timestamp`: a text that RFC 3339 section 5.6 calls a `date-time`.
/// - `uuid`: a text as in RFC 9562 section 4.
/// - `set`: an array, which only additions and removals change.
/// - `json`: any value.
public enum FieldType: String, Sendable, Hashable, CaseIterable {
    case string, integer, number, boolean, timestamp, uuid, set, json

    /// Whether the value is of the type. O(n) in the length of a text.
    public func admits(_ value: Value) -> Bool {
        if case .null = value { return self != .set }
        switch (self, value) {
        case (.json, _), (.string, .string), (.integer, .integer), (.number, .integer), (.number, .double),
            (.boolean, .boolean), (.set, .array):
            return true
        case (.timestamp, .string(let text)): return Timestamp(text.text) != nil
        case (.uuid, .string(let text)): return Self.isUUID(text.text)
        default: return false
        }
    }

    /// Whether a text is a UUID as in RFC 9562 section 4: 8-4-4-4-12 hexadecimal digits, either case.
    static func isUUID(_ text: String) -> Bool {
        guard text.utf8.count == 36 else { return false }
        let bytes = Array(text.utf8)
        for (index, byte) in bytes.enumerated() {
            switch index {
            case 8, 13, 18, 23:
                guard byte == 45 else { return false }
            default:
                guard (48...57).contains(byte) || (65...70).contains(byte) || (97...102).contains(byte) else {
                    return false
                }
            }
        }
        return true
    }
}
