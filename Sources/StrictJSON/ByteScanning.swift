// Texts are looked at eight bytes at a time, as one number: on short strings that is quicker than vectors, and on long ones
// quick enough.

extension Span<UInt8> {
    /// The eight bytes from an index on, the first one lowest. There have to be eight.
    func word(at index: Int) -> UInt64 {
        precondition(index >= 0 && count - index >= 8, "fewer than eight bytes")
        return UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self))
    }

    /// Whether a string of these bytes has escapes in canonical form. O(n).
    var needsEscapes: Bool {
        guard count >= 8 else {
            for index in indices where self[index].needsEscape { return true }
            return false
        }
        // The last word overlaps the one before it where the bytes are no whole number of words.
        var found = ByteWord.needingEscape(word(at: count - 8))
        var index = 0
        while index + 8 < count {
            found |= ByteWord.needingEscape(word(at: index))
            index += 8
        }
        return found != 0
    }

    /// Whether one of the bytes is a control character: below U+0020, or U+007F.
    var hasControlCharacters: Bool {
        guard count >= 8 else {
            for index in indices where self[index] < 0x20 || self[index] == 0x7F { return true }
            return false
        }
        var found = ByteWord.controlCharacters(word(at: count - 8))
        var index = 0
        while index + 8 < count {
            found |= ByteWord.controlCharacters(word(at: index))
            index += 8
        }
        return found != 0
    }
}

extension Span<UInt8> {
    /// Whether the UTF-8 has control characters: C0 and U+007F, C1 (U+0080 to U+009F), or those that turn the direction of
    /// what stands around them (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069; UAX #9 section 2).
    package var hasControlsOfText: Bool {
        if hasControlCharacters { return true }
        var index = 0
        while index + 1 < count {
            switch (self[index], self[index + 1]) {
            case (0xC2, 0x80...0x9F), (0xD8, 0x9C): return true
            case (0xE2, 0x80) where index + 2 < count:
                switch self[index + 2] {
                case 0x8E, 0x8F, 0xAA...0xAE: return true
                default: break
                }
            case (0xE2, 0x81) where index + 2 < count && (0xA6...0xA9).contains(self[index + 2]): return true
            case (_, _): break
            }
            index += 1
        }
        return false
    }
}

extension UInt8 {
    /// Whether the byte ends a string or is escaped in it (RFC 8259 section 7): control characters, `"` and `\`.
    var needsEscape: Bool { self < 0x20 || self == UInt8(ascii: "\"") || self == UInt8(ascii: "\\") }
}

/// Tests of eight bytes at once, held in one number.
enum ByteWord {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    static let highBits: UInt64 = 0x8080_8080_8080_8080

    /// Marks the bytes of a word that need an escape. The answer is zero when no byte does; else its lowest bit that is
    /// set is the highest bit of the first byte that does. Bytes above it may be marked wrongly.
    static func needingEscape(_ word: UInt64) -> UInt64 {
        let quotes = word ^ (ones &* 0x22)
        let backslashes = word ^ (ones &* 0x5C)
        let controls = (word &- ones &* 0x20) & ~word
        return (controls | ((quotes &- ones) & ~quotes) | ((backslashes &- ones) & ~backslashes)) & highBits
    }

    /// Marks the bytes of a word that are below U+0020 or are U+007F. The answer is zero when no byte is.
    static func controlCharacters(_ word: UInt64) -> UInt64 {
        let deletes = word ^ (ones &* 0x7F)
        return (((word &- ones &* 0x20) & ~word) | ((deletes &- ones) & ~deletes)) & highBits
    }

    /// The first bytes of a word; the others are zero.
    static func first(_ count: Int, of word: UInt64) -> UInt64 {
        count >= 8 ? word : word & ((1 << UInt64(8 * count)) - 1)
    }
}
