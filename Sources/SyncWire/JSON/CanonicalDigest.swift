import Crypto
import MergeCore

/// The SHA-256 (FIPS 180-4) of a canonical form: what says that two bodies or two operations have the same content.
public struct Fingerprint: Sendable, Hashable {
    // Four words instead of an array: a fingerprint is kept for every operation, and allocates nothing so.
    private let words: (UInt64, UInt64, UInt64, UInt64)

    public static let byteCount = 32

    /// The digest of a value's canonical form, whatever order and spelling it came in. O(n).
    public init(of value: Value) {
        self.init(ofCanonicalBytes: value.canonicalBytes)
    }

    /// The digest of bytes that are a canonical form already. O(n).
    public init(ofCanonicalBytes bytes: [UInt8]) {
        var hasher = SHA256()
        bytes.withUnsafeBytes { hasher.update(bufferPointer: $0) }
        words = hasher.finalize().withUnsafeBytes { digest in
            func word(_ index: Int) -> UInt64 {
                UInt64(bigEndian: digest.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
            }
            return (word(0), word(1), word(2), word(3))
        }
    }

    /// A digest that was stored as bytes.
    /// - Returns: nil unless there are 32 of them.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        var words: [UInt64] = [0, 0, 0, 0]
        for (index, byte) in bytes.enumerated() { words[index / 8] = words[index / 8] << 8 | UInt64(byte) }
        self.words = (words[0], words[1], words[2], words[3])
    }

    /// A digest that was stored as text.
    /// - Returns: nil unless there are 64 lowercase hexadecimal digits.
    public init?(hex: String) {
        guard hex.utf8.count == 2 * Self.byteCount else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        var high: UInt8?
        for character in hex.utf8 {
            let digit: UInt8
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = character - UInt8(ascii: "a") + 10
            default: return nil
            }
            if let upper = high {
                bytes.append(upper << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        self.init(bytes: bytes)
    }

    /// The 32 bytes.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        for word in [words.0, words.1, words.2, words.3] {
            for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
        }
        return bytes
    }

    /// The 64 lowercase hexadecimal digits.
    public var hex: String {
        let digits = [UInt8](capacity: 2 * Self.byteCount) { output in
            Self.append(words.0, to: &output)
            Self.append(words.1, to: &output)
            Self.append(words.2, to: &output)
            Self.append(words.3, to: &output)
        }
        return String(decoding: digits, as: UTF8.self)
    }

    private static func append(_ word: UInt64, to output: inout OutputSpan<UInt8>) {
        var rest = word
        for _ in 0..<16 {
            let nibble = UInt8(truncatingIfNeeded: rest >> 60)
            output.append(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10)
            rest <<= 4
        }
    }

    public static func == (left: Fingerprint, right: Fingerprint) -> Bool { left.words == right.words }

    public func hash(into hasher: inout Hasher) {
        // Any word of a digest is as good as all of them.
        hasher.combine(words.0)
    }
}

extension Fingerprint: CustomStringConvertible {
    public var description: String { hex }
}
