/// A digest of 32 bytes: a SHA-256 (FIPS 180-4), or a code made with one.
///
/// The core compares digests and makes none. Which content has which digest is not told here.
public struct Digest: Sendable, Hashable {
    // Four words are used instead of an array: a digest is kept for every operation, and so allocates nothing.
    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// The number of bytes in a digest.
    public static let byteCount = 32

    /// The 32 zero bytes, which stand where there is no digest. No content is known to have them.
    public static let zero = Digest(words: (0, 0, 0, 0))

    /// Takes the digest as words.
    /// - Parameter words: the bytes, eight a word, the first of them the highest.
    public init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    /// Takes the digest as bytes.
    /// - Returns: nil unless there are 32 of them.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        var words: [UInt64] = [0, 0, 0, 0]
        for (index, byte) in bytes.enumerated() { words[index / 8] = words[index / 8] << 8 | UInt64(byte) }
        self.words = (words[0], words[1], words[2], words[3])
    }

    /// Reads the digest from its hexadecimal form.
    /// - Returns: nil unless there are 64 lowercase hexadecimal digits.
    public init?(hex: String) {
        guard hex.utf8.count == 2 * Self.byteCount else { return nil }
        var words: [UInt64] = [0, 0, 0, 0]
        for (index, character) in hex.utf8.enumerated() {
            let digit: UInt8
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = character - UInt8(ascii: "a") + 10
            default: return nil
            }
            words[index / 16] = words[index / 16] << 4 | UInt64(digit)
        }
        self.words = (words[0], words[1], words[2], words[3])
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

    /// The 64 lowercase hexadecimal digits of the digest.
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

    public static func == (left: Digest, right: Digest) -> Bool { left.words == right.words }

    public func hash(into hasher: inout Hasher) {
        // Any word of a digest is as good as all of them.
        hasher.combine(words.0)
    }
}

extension Digest: CustomStringConvertible {
    public var description: String { hex }
}
