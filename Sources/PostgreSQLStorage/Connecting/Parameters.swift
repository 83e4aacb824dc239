import SyncStorage

/// The values of a statement's parameters, in their order and in PostgreSQL's binary format, which needs neither quoting nor
/// parsing. (PostgreSQL documentation, "Frontend/Backend Protocol", and `array_recv`, `int8recv`, `textrecv` in its source.)
struct Parameters {
    /// All values, one after the other.
    private(set) var bytes: [UInt8] = []
    /// Where each value lies; nil for NULL.
    private(set) var ranges: [Range<Int>?] = []

    /// PostgreSQL takes no value of a gigabyte or more (`MaxAllocSize` in its source).
    static let maximumValueBytes = 1 << 30
    /// Whether a value is longer than PostgreSQL takes.
    var isTooLarge: Bool { ranges.contains { ($0?.count ?? 0) >= Self.maximumValueBytes } }

    mutating func text(_ text: String) { value { $0.append(contentsOf: text.utf8) } }

    mutating func text(_ text: String?) {
        if let text { self.text(text) } else { ranges.append(nil) }
    }

    mutating func integer(_ number: Int64) { value { Self.append(number, to: &$0) } }

    mutating func integer(_ number: Int64?) {
        if let number { integer(number) } else { ranges.append(nil) }
    }

    mutating func boolean(_ truth: Bool) { value { $0.append(truth ? 1 : 0) } }

    mutating func uuid(_ key: IndexKey?) {
        guard let key else { return ranges.append(nil) }
        value { bytes in
            Self.append(key.high, to: &bytes)
            Self.append(key.low, to: &bytes)
        }
    }

    mutating func bytes(_ bytes: [UInt8]) { value { $0.append(contentsOf: bytes) } }

    // MARK: Columns of many rows, each an array for `unnest`

    mutating func texts<Row>(_ rows: some Collection<Row>, _ text: (Row) -> String) {
        array(rows, of: .text) { row, bytes in Self.append(text(row), to: &bytes) }
    }

    mutating func texts<Row>(_ rows: some Collection<Row>, optional text: (Row) -> String?) {
        array(rows, of: .text) { row, bytes in
            if let text = text(row) { Self.append(text, to: &bytes) } else { Self.append(Int32(-1), to: &bytes) }
        }
    }

    mutating func integers<Row>(_ rows: some Collection<Row>, _ number: (Row) -> Int64) {
        array(rows, of: .integer) { row, bytes in
            Self.append(Int32(8), to: &bytes)
            Self.append(number(row), to: &bytes)
        }
    }

    mutating func integers<Row>(_ rows: some Collection<Row>, optional number: (Row) -> Int64?) {
        array(rows, of: .integer) { row, bytes in
            guard let number = number(row) else { return Self.append(Int32(-1), to: &bytes) }
            Self.append(Int32(8), to: &bytes)
            Self.append(number, to: &bytes)
        }
    }

    mutating func booleans<Row>(_ rows: some Collection<Row>, _ truth: (Row) -> Bool) {
        array(rows, of: .boolean) { row, bytes in
            Self.append(Int32(1), to: &bytes)
            bytes.append(truth(row) ? 1 : 0)
        }
    }

    mutating func blobs<Row>(_ rows: some Collection<Row>, _ blob: (Row) -> [UInt8]) {
        array(rows, of: .bytes) { row, bytes in
            let blob = blob(row)
            Self.append(Int32(clamping: blob.count), to: &bytes)
            bytes.append(contentsOf: blob)
        }
    }

    mutating func uuids<Row>(_ rows: some Collection<Row>, _ key: (Row) -> IndexKey?) {
        array(rows, of: .uuid) { row, bytes in
            guard let key = key(row) else { return Self.append(Int32(-1), to: &bytes) }
            Self.append(Int32(16), to: &bytes)
            Self.append(key.high, to: &bytes)
            Self.append(key.low, to: &bytes)
        }
    }

    // MARK: Encoding

    /// Object ids of the element types, fixed in PostgreSQL's catalogue (`pg_type.dat`).
    private enum ElementType: Int32 {
        case boolean = 16
        case bytes = 17
        case integer = 20
        case text = 25
        case uuid = 2950
    }

    private mutating func value(_ write: (inout [UInt8]) -> Void) {
        let start = bytes.count
        write(&bytes)
        ranges.append(start..<bytes.count)
    }

    /// Writes an array of one dimension, which begins at 1. Each element is its length and its bytes, or the length -1
    /// for NULL.
    private mutating func array<Row>(
        _ rows: some Collection<Row>, of type: ElementType, _ element: (Row, inout [UInt8]) -> Void
    ) {
        value { bytes in
            Self.append(Int32(rows.isEmpty ? 0 : 1), to: &bytes)
            Self.append(Int32(1), to: &bytes)  // NULLs may follow; it is allowed to say so without cause
            Self.append(type.rawValue, to: &bytes)
            guard !rows.isEmpty else { return }
            Self.append(Int32(clamping: rows.count), to: &bytes)
            Self.append(Int32(1), to: &bytes)
            for row in rows { element(row, &bytes) }
        }
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        let utf8 = text.utf8
        append(Int32(clamping: utf8.count), to: &bytes)
        bytes.append(contentsOf: utf8)
    }

    private static func append(_ number: some FixedWidthInteger, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }
}
