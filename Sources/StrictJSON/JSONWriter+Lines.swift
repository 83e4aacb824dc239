extension JSONWriter {
    /// Escapes U+0085, U+2028 and U+2029 in what was written since the last line's end. O(n); nothing is copied where
    /// there are none.
    mutating func escapeLineBreaks() {
        guard let first = bytes.span.indexOfLineBreak(from: lineStart) else {
            lineStart = bytes.count + 1
            return
        }
        var line: [UInt8] = []
        line.reserveCapacity(bytes.count - first + 64)
        var rest = first
        var next: Int? = first
        while let found = next {
            line.append(contentsOf: bytes[rest..<found])
            switch bytes[found] {
            case 0xC2:
                line.append(contentsOf: "\\u0085".utf8)
                rest = found + 2
            default:
                line.append(contentsOf: (bytes[found + 2] == 0xA8 ? "\\u2028" : "\\u2029").utf8)
                rest = found + 3
            }
            next = bytes.span.indexOfLineBreak(from: rest)
        }
        line.append(contentsOf: bytes[rest...])
        bytes.replaceSubrange(first..., with: line)
        lineStart = bytes.count + 1
    }
}

extension Span<UInt8> {
    /// Where one of the three characters begins in UTF-8: C2 85, E2 80 A8, E2 80 A9.
    fileprivate func indexOfLineBreak(from start: Int) -> Int? {
        var index = start
        while index + 1 < count {
            switch self[index] {
            case 0xC2 where self[index + 1] == 0x85: return index
            case 0xE2 where self[index + 1] == 0x80 && index + 2 < count && self[index + 2] & 0xFE == 0xA8: return index
            case _: index += 1
            }
        }
        return nil
    }
}
