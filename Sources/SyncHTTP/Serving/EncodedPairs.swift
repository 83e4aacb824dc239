import Foundation
import SyncWire

/// The pairs of `application/x-www-form-urlencoded`, in their order. O(bytes).
struct EncodedPairs: Sendable {
    /// How many bytes and pairs are read at most.
    struct Bounds: Sendable, Hashable {
        let bytes: Int
        let pairs: Int
    }

    let pairs: [(name: String, value: String)]

    /// - Throws: `invalid_request` for too many bytes or pairs, and for percent signs that encode no UTF-8.
    init(_ bytes: some Collection<UInt8>, within bounds: Bounds) throws(Problem) {
        guard bytes.count <= bounds.bytes else {
            throw Problem(.invalidRequest, "Parameters take at most \(bounds.bytes) bytes.", limit: bounds.bytes)
        }
        var pairs: [(name: String, value: String)] = []
        for pair in bytes.split(separator: UInt8(ascii: "&")) {
            guard pairs.count < bounds.pairs else {
                throw Problem(.invalidRequest, "There are at most \(bounds.pairs) parameters.", limit: bounds.pairs)
            }
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(parts[0]), let value = parts.count > 1 ? Self.decoded(parts[1]) : ""
            else { throw Problem(.invalidRequest, "The parameters are not valid percent-encoded UTF-8.") }
            pairs.append((name, value))
        }
        self.pairs = pairs
    }

    /// - Returns: nil for what encodes no UTF-8, and for U+0000, which no engine's text can hold.
    private static func decoded(_ text: some Collection<UInt8>) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(digit(_:)), let low = rest.popFirst().flatMap(digit(_:))
                else { return nil }
                bytes.append(high << 4 | low)
            case let byte: bytes.append(byte)
            }
        }
        guard !bytes.contains(0) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
