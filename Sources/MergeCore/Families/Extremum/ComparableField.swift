import Causality
import Values

extension FieldType {
    /// Whether `max` and `min` can order the values of the type: numbers, or texts by their scalars.
    ///
    /// Times qualify in the one spelling whose scalar order is the order of time (see `isComparable(_:)`).
    public var hasExtremum: Bool {
        switch self {
        case .integer, .number, .string, .timestamp: true
        case .boolean, .uuid, .set, .json: false
        }
    }

    /// Whether a value of the type can take part in `max` or `min`: never `null`, and a time only as the server itself
    /// writes it (UTC, milliseconds, `Z`).
    public func isComparable(_ value: Value) -> Bool {
        switch value {
        case .integer, .double: self == .integer || self == .number
        case .string(let text):
            self == .string || (self == .timestamp && Timestamp(text.text).map { ExactString($0.text) } == text)
        case .null, .boolean, .array, .object: false
        }
    }
}
