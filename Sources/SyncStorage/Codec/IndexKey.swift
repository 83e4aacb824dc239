import Causality
import Crypto
import MergeCore

/// Sixteen bytes that stand for a name in the keys of an engine's tables.
///
/// A key of a table is written and compared for every operation, so it is short, and as long for every name. Names that
/// begin with the time (UUIDs of version 7, RFC 9562 section 5.7) have keys in that order, so that new rows lie beside
/// one another. Two names may have one key: whoever finds a row by its key compares the name itself.
public struct IndexKey: Sendable, Hashable {
    /// The first eight bytes, the first of them the highest.
    public let high: UInt64
    /// The last eight bytes.
    public let low: UInt64

    /// Takes the bytes as two numbers.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The key of an operation's id: the id itself where it is a UUID in lower case, else the beginning of its
    /// SHA-256.
    public init(_ id: OperationID) {
        if let uuid = Self.uuid(id.name) {
            self = uuid
        } else {
            let digest = Self.digest { $0.update(text: id.name) }
            self.init(high: digest.0, low: digest.1)
        }
    }

    /// The key of a record's name: the beginning of its id where that is a UUID in lower case, and a digest of the whole
    /// name behind it.
    public init(_ record: RecordKey) {
        let digest = Self.digest { hash in
            hash.update(text: record.collection)
            hash.update(text: record.id)
        }
        self.init(high: Self.uuid(record.id)?.high ?? digest.1, low: digest.0)
    }

    /// Eight bytes that stand for a device. Two devices may have the same.
    public static func author(_ device: DeviceID) -> Int64 {
        Int64(bitPattern: digest { $0.update(text: device.name) }.0)
    }

    /// The sixteen bytes.
    public var bytes: [UInt8] {
        [UInt8](capacity: 16) { output in
            for word in [high, low] {
                for shift in stride(from: 56, through: 0, by: -8) {
                    output.append(UInt8(truncatingIfNeeded: word >> shift))
                }
            }
        }
    }

    /// Reads the bytes of a column.
    /// - Throws: `damaged` unless there are sixteen of them.
    public init(stored bytes: some Collection<UInt8>) throws(StoreError) {
        guard bytes.count == 16 else { throw .damaged("a stored key has not sixteen bytes") }
        var words: (UInt64, UInt64) = (0, 0)
        for (index, byte) in bytes.enumerated() {
            if index < 8 { words.0 = words.0 << 8 | UInt64(byte) } else { words.1 = words.1 << 8 | UInt64(byte) }
        }
        self.init(high: words.0, low: words.1)
    }

    // MARK: Making keys

    private static func digest(_ update: (inout SHA256) -> Void) -> (UInt64, UInt64) {
        var hash = SHA256()
        update(&hash)
        return hash.finalize().withUnsafeBytes { bytes in
            (
                UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }

    /// Reads the canonical form of a UUID in lower case: 8, 4, 4, 4 and 12 hexadecimal digits (RFC 9562 section 4).
    private static func uuid(_ name: ExactString) -> IndexKey? {
        guard name.byteCount == 36 else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        var digits = 0
        for (position, character) in name.text.utf8.enumerated() {
            let digit: UInt8
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = character - UInt8(ascii: "a") + 10
            case UInt8(ascii: "-") where [8, 13, 18, 23].contains(position): continue
            default: return nil
            }
            if digits < 16 { words.0 = words.0 << 4 | UInt64(digit) } else { words.1 = words.1 << 4 | UInt64(digit) }
            digits += 1
        }
        return digits == 32 ? IndexKey(high: words.0, low: words.1) : nil
    }
}

extension SHA256 {
    /// Adds a text with its length before it, so that no two sequences of texts are hashed as one.
    fileprivate mutating func update(text: ExactString) {
        withUnsafeBytes(of: UInt64(text.byteCount).bigEndian) { update(bufferPointer: $0) }
        var text = text.text
        text.withUTF8 { update(bufferPointer: UnsafeRawBufferPointer($0)) }
    }
}
