/// A string that is compared by its Unicode scalars and by nothing else.
///
/// Swift's `==` on `String` is canonical equivalence: the composed and the decomposed spelling of "é" are equal there.
/// Two devices that write those two spellings wrote two different names, and SQL compares bytes, so every name that
/// leaves the process (device, collection, record, field, user) is carried in this type. The order is that of the UTF-8
/// bytes, which is the order of the scalars.
public struct ExactString: Sendable, Hashable, Comparable {
    public let text: String

    public init(_ text: String) {
        self.text = text
    }

    /// The length in bytes of the UTF-8 form; the unit in which limits are given.
    public var byteCount: Int { text.utf8.count }

    /// O(n) in bytes.
    public static func == (left: ExactString, right: ExactString) -> Bool {
        left.text.utf8.count == right.text.utf8.count && left.text.utf8.elementsEqual(right.text.utf8)
    }

    /// O(n) in bytes.
    public static func < (left: ExactString, right: ExactString) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    // Equal bytes are canonically equal, so the standard library's hash keeps the contract with the finer `==`.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(text)
    }
}

extension ExactString: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) {
        self.init(value)
    }
}

extension ExactString: CustomStringConvertible {
    public var description: String { text }
}
