/// A string that is compared by its Unicode scalars and by nothing else.
///
/// Swift's `==` on `String` is canonical equivalence: the composed and the decomposed spelling of "é" are equal there.
/// Two devices that write those two spellings wrote two different names, and SQL compares bytes, so every name that
/// leaves the process (device, collection, record, field, user) is carried in this type. The order is that of the UTF-8
/// bytes, which is the order of the scalars.
public struct ExactString: Sendable, Hashable, Comparable {
    /// The characters as they came. Nothing was normalised.
    public let text: String

    /// Takes the characters as they are.
    public init(_ text: String) {
        self.text = text
    }

    /// The length in bytes of the UTF-8 form, the unit in which limits are given. O(1) for a native string.
    public var byteCount: Int { text.utf8.count }

    /// Whether both have the same bytes. O(n) in bytes; O(1) for copies of one string.
    @inlinable
    public static func == (left: ExactString, right: ExactString) -> Bool {
        // The same storage, or the same bytes within the string itself (SE-0494 gives this test a public name).
        if left.text._isIdentical(to: right.text) { return true }
        return left.text.utf8.count == right.text.utf8.count && left.hasBytes(of: right)
    }

    /// - Parameter other: of the same length.
    @usableFromInline
    func hasBytes(of other: ExactString) -> Bool {
        // Texts that are not even canonically equal have other bytes, and the standard library is quickest to compare
        // short ones.
        if text.utf8.count < 16, text != other.text { return false }
        let isEqual = text.utf8.withContiguousStorageIfAvailable { left in
            other.text.utf8.withContiguousStorageIfAvailable { right in
                // No early exit: so the loop is done in wide steps.
                var difference: UInt8 = 0
                for index in 0..<min(left.count, right.count) { difference |= left[index] ^ right[index] }
                return difference == 0
            }
        }
        return (isEqual ?? nil) ?? text.utf8.elementsEqual(other.text.utf8)
    }

    /// Compares the UTF-8 bytes in their order. O(n) in bytes, eight at a time.
    public static func < (left: ExactString, right: ExactString) -> Bool {
        let precedes = left.text.utf8.withContiguousStorageIfAvailable { left in
            right.text.utf8.withContiguousStorageIfAvailable { right in
                UnsafeRawBufferPointer(left).precedes(UnsafeRawBufferPointer(right))
            }
        }
        return (precedes ?? nil) ?? left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    // The bytes as they are: the standard library's hash of a string normalises it first.
    public func hash(into hasher: inout Hasher) {
        let isHashed = text.utf8.withContiguousStorageIfAvailable { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        if isHashed == nil { for byte in text.utf8 { hasher.combine(byte) } }
        // No UTF-8 has this byte, so that no two sequences of strings hash as one.
        hasher.combine(0xFF as UInt8)
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

extension UnsafeRawBufferPointer {
    /// Whether these bytes come before others in lexicographical order.
    fileprivate func precedes(_ other: UnsafeRawBufferPointer) -> Bool {
        let common = Swift.min(count, other.count)
        var offset = 0
        while offset + 8 <= common {
            let left = loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let right = other.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            // As big-endian numbers, words are ordered as their bytes are.
            if left != right { return left.bigEndian < right.bigEndian }
            offset += 8
        }
        while offset < common {
            if self[offset] != other[offset] { return self[offset] < other[offset] }
            offset += 1
        }
        return count < other.count
    }
}
