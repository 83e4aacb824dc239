import Causality
import Values

extension JSONWriter {
    /// Writes a value in canonical form. O(n), because the members of an object are sorted already.
    public mutating func write(_ value: Value) {
        switch value {
        case .null: null()
        case .boolean(let flag): boolean(flag)
        case .integer(let number): integer(number)
        case .double(let number): self.number(number)
        case .string(let text): string(text)
        case .array(let elements):
            beginArray()
            for element in elements { write(element) }
            endArray()
        case .object(let object):
            beginObject()
            for member in object.members {
                key(member.name)
                write(member.value)
            }
            endObject()
        }
    }

    /// Writes a member with a text.
    public mutating func member(_ name: String, _ text: String) {
        key(name)
        string(text)
    }

    /// Writes a member with a text.
    public mutating func member(_ name: String, _ text: ExactString) {
        key(name)
        string(text)
    }

    /// Writes a member with a whole number.
    public mutating func member(_ name: String, _ number: Int64) {
        key(name)
        integer(number)
    }

    /// Writes a member with a whole number, which `Int64` has to hold.
    @inlinable
    public mutating func member(_ name: String, _ number: some FixedWidthInteger & SignedInteger) {
        member(name, Int64(number))
    }

    /// Writes a member with `true` or `false`.
    public mutating func member(_ name: String, _ flag: Bool) {
        key(name)
        boolean(flag)
    }

    /// Writes a member with a value in canonical form. O(n).
    public mutating func member(_ name: ExactString, _ value: Value) {
        key(name)
        write(value)
    }

    /// Writes a member with a value in canonical form. O(n).
    public mutating func member(_ name: String, _ value: Value) {
        key(name)
        write(value)
    }
}
