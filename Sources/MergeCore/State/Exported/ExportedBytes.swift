/// Writes numbers and texts one after the other, each as short as it can be.
struct ExportedBytes {
    private(set) var bytes: [UInt8] = []

    mutating func byte(_ byte: UInt8) { bytes.append(byte) }

    /// Writes seven bits a byte, the lowest first. The highest bit says that more follow.
    mutating func count(_ number: Int) { unsigned(UInt64(number)) }

    private mutating func unsigned(_ number: UInt64) {
        var left = number
        while left >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: left) | 0x80)
            left >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: left))
    }

    /// Writes a number so that those near zero are short, whatever their sign.
    mutating func integer(_ number: Int64) { unsigned(UInt64(bitPattern: number << 1 ^ number >> 63)) }

    /// Writes eight or four bytes, the lowest first.
    mutating func fixed(_ number: some FixedWidthInteger & UnsignedInteger) {
        for shift in stride(from: 0, to: number.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    /// Writes a text with its length before it.
    mutating func text(_ text: String) {
        count(text.utf8.count)
        bytes.append(contentsOf: text.utf8)
    }

    mutating func raw(_ other: [UInt8]) { bytes.append(contentsOf: other) }
}

/// Reads what ``ExportedBytes`` wrote.
struct ImportedBytes {
    private let bytes: ArraySlice<UInt8>
    private(set) var offset: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        offset = bytes.startIndex
    }

    var left: Int { bytes.endIndex - offset }
    var damaged: StateImportError { .damaged(offset: offset) }

    func peek() throws(StateImportError) -> UInt8 {
        guard left > 0 else { throw damaged }
        return bytes[offset]
    }

    mutating func byte() throws(StateImportError) -> UInt8 {
        let byte = try peek()
        offset += 1
        return byte
    }

    private mutating func unsigned() throws(StateImportError) -> UInt64 {
        var number: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            let byte = try byte()
            number |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return number }
        }
        throw damaged
    }

    /// How many things follow. Each takes a byte at least, so there are no more than there are bytes.
    mutating func count() throws(StateImportError) -> Int {
        guard let count = Int(exactly: try unsigned()), count <= left else { throw damaged }
        return count
    }

    /// A place in a list of so many.
    mutating func index(below count: Int) throws(StateImportError) -> Int {
        guard let index = Int(exactly: try unsigned()), index < count else { throw damaged }
        return index
    }

    mutating func integer() throws(StateImportError) -> Int64 {
        let number = try unsigned()
        return Int64(bitPattern: number >> 1) ^ -Int64(bitPattern: number & 1)
    }

    mutating func fixed<Number: FixedWidthInteger & UnsignedInteger>(
        _: Number.Type = Number.self
    ) throws(StateImportError) -> Number {
        var number: Number = 0
        for shift in stride(from: 0, to: Number.bitWidth, by: 8) { number |= Number(try byte()) << shift }
        return number
    }

    mutating func text() throws(StateImportError) -> String {
        let count = try count()
        guard let text = String(validating: bytes[offset..<offset + count], as: UTF8.self) else { throw damaged }
        offset += count
        return text
    }
}

/// The checksum of IEEE 802.3, by which damage shows that still could be read.
struct Checksum {
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { sum, _ in sum & 1 == 0 ? sum >> 1 : sum >> 1 ^ 0xEDB8_8320 }
    }

    let value: UInt32

    /// O(n).
    init(of bytes: some Sequence<UInt8>) {
        value = ~bytes.reduce(~0) { sum, byte in Self.table[Int(UInt8(truncatingIfNeeded: sum) ^ byte)] ^ sum >> 8 }
    }
}
