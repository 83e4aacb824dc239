import Causality
import MergeCore
import StrictJSON

/// A record as devices get it, in the answer to a batch and in the pull. The JSON parts are canonical texts, which are sent
/// as they are stored.
public struct WireRecord: Sendable, Hashable {
    public let key: RecordKey
    public let sequence: Int64
    public let isDeleted: Bool
    public let clock: String
    public let stampMilliseconds: Int64
    public let fields: String
    /// Values beside the visible ones, where a decision is awaited.
    public let siblings: String?
    public let openConflicts: Int64

    public init(
        key: RecordKey, sequence: Int64, isDeleted: Bool, clock: String, stampMilliseconds: Int64, fields: String,
        siblings: String?, openConflicts: Int64
    ) {
        self.key = key
        self.sequence = sequence
        self.isDeleted = isDeleted
        self.clock = clock
        self.stampMilliseconds = stampMilliseconds
        self.fields = fields
        self.siblings = siblings
        self.openConflicts = openConflicts
    }

    /// About what the record takes in an answer.
    public var byteCount: Int {
        let shown = isDeleted ? 0 : fields.utf8.count + (siblings?.utf8.count ?? 0)
        return 160 + key.collection.byteCount + key.id.byteCount + clock.utf8.count + shown
    }

    /// A deleted record is sent without its fields.
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writeMembers(to: &writer)
        writer.endObject()
    }

    public func writeMembers(to writer: inout JSONWriter) {
        writer.member("collection", key.collection)
        writer.member("id", key.id)
        writer.member("sequence", sequence)
        writer.member("deleted", isDeleted)
        writer.key("clock")
        writer.raw(canonicalText: clock)
        writer.key("stamp")
        writer.timestamp(milliseconds: stampMilliseconds)
        if !isDeleted {
            writer.key("fields")
            writer.raw(canonicalText: fields)
            if let siblings {
                writer.key("siblings")
                writer.raw(canonicalText: siblings)
            }
        }
        writer.member("openConflicts", openConflicts)
    }
}
