import Causality
import MergeCore
import StrictJSON

extension Digest {
    /// The digest of what an operation asks for, without its clock, its device and its dependencies. O(length of the
    /// fields).
    /// - Parameters:
    ///   - kind: what the operation asks for.
    ///   - record: the record that it is about.
    ///   - claimedMilliseconds: the author's time; nil where it named none.
    ///   - fields: the canonical text of the fields.
    ///   - writer: an empty one, which is empty again afterwards.
    public init(
        kind: OperationKind, record: RecordKey, claimedMilliseconds: Int64?, fields: String,
        using writer: inout JSONWriter
    ) {
        writer.beginArray()
        writer.string(kind.rawValue)
        writer.string(record.collection)
        writer.string(record.id)
        if let claimedMilliseconds { writer.integer(claimedMilliseconds) } else { writer.null() }
        writer.raw(canonicalText: fields)
        writer.endArray()
        defer { writer.clear() }
        self.init(ofCanonicalBytes: writer.bytes)
    }
}
