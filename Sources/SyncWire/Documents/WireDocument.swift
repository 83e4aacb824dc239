import StrictJSON
import Values

/// A document of the wire that is written and read by the same type: the server writes it and a client reads it, or the other
/// way round.
///
/// What is read from what was written is equal to it, and is written as the same bytes again.
public protocol WireDocument: Sendable {
    /// Writes the document as one JSON value.
    func write(to writer: inout JSONWriter)

    /// Reads the document. Members that are not known are passed over: a newer server may say more.
    /// - Throws: what is missing, or is not what it should be, and where.
    init(reading members: DocumentMembers) throws(WireError)
}

extension WireDocument {
    /// The document as a JSON text of its own. O(its size).
    public func encoded() -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: 512)
        write(to: &writer)
        return writer.bytes
    }

    /// Reads the document from its JSON text. O(its size).
    /// - Throws: a `WireError` at the root where the bytes are no JSON object.
    public init(encoded bytes: [UInt8]) throws(WireError) {
        try self.init(reading: DocumentMembers(encoded: bytes))
    }
}

/// Why a client cannot read what a server sent.
public struct WireError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Where, as an RFC 6901 pointer.
    public let pointer: JSONPointer
    /// For the client's developers. Holds no value.
    public let detail: String

    /// What is wrong, in words that hold no value of the document, and where.
    public init(_ detail: String, at pointer: JSONPointer) {
        self.detail = detail
        self.pointer = pointer
    }

    public var description: String { pointer == .root ? detail : "\(detail) (at \(pointer))" }
}
