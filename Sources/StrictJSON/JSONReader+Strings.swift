extension JSONReader {
    /// Reads the string at the position (RFC 8259 section 7). The answer is nil when the string is faulty; then the
    /// issue is noted.
    mutating func string(_ bytes: Span<UInt8>) throws(JSONRefusal) -> String? {
        let start = position + 1
        var highBits: UInt64 = 0
        let end = Self.specialByte(bytes, from: start, &highBits)
        guard end < bytes.count else { throw JSONRefusal(.unexpectedEnd, at: end) }
        switch bytes[end] {
        case UInt8(ascii: "\""):
            position = end + 1
            return try Self.text(bytes.extracting(start..<end), isASCII: highBits == 0, at: start)
        case UInt8(ascii: "\\"): return try escapedString(bytes, from: start, firstEscape: end)
        default: throw JSONRefusal(.controlCharacter, at: end)
        }
    }

    /// The first quotation mark, backslash or control character from a position on; the end of the text if there is
    /// none.
    /// - Parameters:
    ///   - bytes: the text.
    ///   - start: where to begin.
    ///   - highBits: gets the highest bits of the bytes before it; zero if all of them are ASCII.
    private static func specialByte(_ bytes: Span<UInt8>, from start: Int, _ highBits: inout UInt64) -> Int {
        var index = start
        while bytes.count - index >= 8 {
            let word = bytes.word(at: index)
            let special = ByteWord.needingEscape(word)
            guard special == 0 else {
                let count = special.trailingZeroBitCount / 8
                highBits |= ByteWord.first(count, of: word) & ByteWord.highBits
                return index + count
            }
            highBits |= word & ByteWord.highBits
            index += 8
        }
        while index < bytes.count, !bytes[index].needsEscape {
            highBits |= UInt64(bytes[index] & 0x80)
            index += 1
        }
        return index
    }

    private mutating func escapedString(
        _ bytes: Span<UInt8>, from start: Int, firstEscape: Int
    ) throws(JSONRefusal) -> String? {
        var decoded: [UInt8] = []
        // Room for the string, if it is no longer than most.
        decoded.reserveCapacity(min(firstEscape - start + 128, bytes.count - start))
        for index in start..<firstEscape { decoded.append(bytes[index]) }
        var issue: (kind: JSONIssue.Kind, offset: Int)?
        position = firstEscape
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                // An escape decodes to whole sequences, so what was invalid around it stays invalid.
                let text = try Self.text(decoded.span, isASCII: false, at: start)
                guard let issue else { return text }
                try note(issue.kind, at: issue.offset, bytes)
                return nil
            case UInt8(ascii: "\\"):
                let offset = position
                switch try escape(bytes) {
                case .scalar(let scalar):
                    decoded.append(contentsOf: scalar.utf8)
                case .faulty(let kind):
                    if issue == nil { issue = (kind, offset) }
                }
            case 0..<0x20: throw JSONRefusal(.controlCharacter, at: position)
            default:
                decoded.append(byte)
                position += 1
            }
        }
        throw JSONRefusal(.unexpectedEnd, at: position)
    }

    private enum Escape {
        case scalar(Unicode.Scalar)
        case faulty(JSONIssue.Kind)
    }

    /// Reads one escape, or two that are the halves of a surrogate pair.
    private mutating func escape(_ bytes: Span<UInt8>) throws(JSONRefusal) -> Escape {
        guard position + 1 < bytes.count else { throw JSONRefusal(.unexpectedEnd, at: bytes.count) }
        let scalar: Unicode.Scalar
        switch bytes[position + 1] {
        case UInt8(ascii: "\""): scalar = "\""
        case UInt8(ascii: "\\"): scalar = "\\"
        case UInt8(ascii: "/"): scalar = "/"
        case UInt8(ascii: "b"): scalar = "\u{8}"
        case UInt8(ascii: "f"): scalar = "\u{C}"
        case UInt8(ascii: "n"): scalar = "\n"
        case UInt8(ascii: "r"): scalar = "\r"
        case UInt8(ascii: "t"): scalar = "\t"
        case UInt8(ascii: "u"):
            let unit = try codeUnit(bytes)
            if unit == 0 { return .faulty(.nullCharacter) }
            if let scalar = Unicode.Scalar(unit) { return .scalar(scalar) }
            guard unit < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                bytes[position + 1] == UInt8(ascii: "u")
            else { return .faulty(.loneSurrogate) }
            // What follows a high half without being its low half goes down with it: the string is faulty either way.
            let low = try codeUnit(bytes)
            guard (0xDC00...0xDFFF).contains(low),
                let scalar = Unicode.Scalar(0x10000 + (UInt32(unit) - 0xD800) << 10 + (UInt32(low) - 0xDC00))
            else { return .faulty(.loneSurrogate) }
            return .scalar(scalar)
        default: throw JSONRefusal(.malformedEscape, at: position)
        }
        position += 2
        return .scalar(scalar)
    }

    /// Reads `\uXXXX` at the position.
    private mutating func codeUnit(_ bytes: Span<UInt8>) throws(JSONRefusal) -> UInt16 {
        let start = position
        position += 2
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard position < bytes.count else { throw JSONRefusal(.unexpectedEnd, at: position) }
            let byte = bytes[position]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw JSONRefusal(.malformedEscape, at: start)
            }
            unit = unit << 4 | UInt16(digit)
            position += 1
        }
        return unit
    }

    /// A copy of bytes as text, if they are UTF-8.
    /// - Parameters:
    ///   - bytes: the bytes of the string.
    ///   - isASCII: whether they are known to be ASCII.
    ///   - offset: where the bytes stand, as near as it is known.
    private static func text(_ bytes: Span<UInt8>, isASCII: Bool, at offset: Int) throws(JSONRefusal) -> String {
        guard #available(macOS 26, iOS 26, tvOS 26, watchOS 26, visionOS 26, *) else {
            // Older systems lack `UTF8Span`; everywhere else this branch is compiled away.
            var copy: [UInt8] = []
            copy.reserveCapacity(bytes.count)
            for index in bytes.indices { copy.append(bytes[index]) }
            guard let text = String(validating: copy, as: UTF8.self) else {
                throw JSONRefusal(.invalidUTF8, at: offset)
            }
            return text
        }
        if isASCII { return String(copying: UTF8Span(unchecked: bytes, isKnownASCII: true)) }
        do {
            return String(copying: try UTF8Span(validating: bytes))
        } catch {
            throw JSONRefusal(.invalidUTF8, at: offset + error.byteOffsets.lowerBound)
        }
    }
}
