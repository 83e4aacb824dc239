/// A text to be found in answers, at the price of a look at every n-th byte, n being its length (Horspool 1980, "Practical
/// fast searching in strings").
struct SubstringSearch: Sendable {
    private let bytes: [UInt8]
    private let skip: [Int]

    init(_ text: String) {
        bytes = Array(text.utf8)
        var skip = [Int](repeating: bytes.count, count: 256)
        for (index, byte) in bytes.dropLast().enumerated() { skip[Int(byte)] = bytes.count - 1 - index }
        self.skip = skip
    }

    /// Where the text is first found, from an index on.
    func firstIndex(in text: UnsafeRawBufferPointer, from start: Int = 0) -> Int? {
        var index = start
        while index + bytes.count <= text.count {
            var last = bytes.count - 1
            while last >= 0, text[index + last] == bytes[last] { last -= 1 }
            if last < 0 { return index }
            index += skip[Int(text[index + bytes.count - 1])]
        }
        return nil
    }

    /// How often it occurs.
    func count(in text: UnsafeRawBufferPointer) -> Int {
        var found = 0
        var index = 0
        while let place = firstIndex(in: text, from: index) {
            found += 1
            index = place + bytes.count
        }
        return found
    }
}
