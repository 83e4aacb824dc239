/// Writes numbers and texts one after the other, each as short as it can be.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    init(reservingCapacity capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    mutating func byte(_ byte: UInt8) { bytes.append(byte) }

    /// Writes seven bits a byte, the lowest first. The highest bit says that more follow.
    mutating func unsigned(_ number: UInt64) {
        var left = number
        while left >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: left) | 0x80)
            left >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: left))
    }

    /// Writes a number so that those near zero are short, whatever their sign.
    mutating func integer(_ number: Int64) { unsigned(UInt64(bitPattern: number << 1 ^ number >> 63)) }

    mutating func raw(_ other: [UInt8]) { bytes.append(contentsOf: other) }

    /// Writes a text with its length before it.
    mutating func text(_ text: String) {
        unsigned(UInt64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }
}

/// Reads what a ``ByteWriter`` wrote.
struct ByteReader {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { offset == bytes.count }

    mutating func byte() throws(StoreError) -> UInt8 {
        guard offset < bytes.count else { throw .damaged("stored operations end too early") }
        defer { offset += 1 }
        return bytes[offset]
    }

    mutating func unsigned() throws(StoreError) -> UInt64 {
        var number: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            let byte = try byte()
            number |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return number }
        }
        throw .damaged("a number among stored operations cannot be read")
    }

    mutating func integer() throws(StoreError) -> Int64 {
        let number = try unsigned()
        return Int64(bitPattern: number >> 1) ^ -Int64(bitPattern: number & 1)
    }

    mutating func raw(_ count: Int) throws(StoreError) -> ArraySlice<UInt8> {
        guard count <= bytes.count - offset else { throw .damaged("stored operations end too early") }
        defer { offset += count }
        return bytes[offset..<offset + count]
    }

    mutating func text() throws(StoreError) -> String {
        guard let count = Int(exactly: try unsigned()),
            let text = String(validating: try raw(count), as: UTF8.self)
        else { throw .damaged("a text among stored operations cannot be read") }
        return text
    }

    /// Passes over a text.
    /// - Returns: the empty text.
    mutating func skippedText() throws(StoreError) -> String {
        guard let count = Int(exactly: try unsigned()) else {
            throw .damaged("a text among stored operations cannot be read")
        }
        _ = try raw(count)
        return ""
    }
}
