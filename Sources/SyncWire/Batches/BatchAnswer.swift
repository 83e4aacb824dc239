import Causality
import MergeCore

/// Whether results carry the record that they leave behind.
public enum BatchReturn: String, Sendable, Hashable, CaseIterable {
    case full, minimal
}

/// The body of the answer to a batch.
public struct BatchAnswer: Sendable {
    public let key: ExactString
    public let serverTimeMilliseconds: Int64
    public let cursor: String
    public let outcomes: [OperationOutcome]
    public let isDryRun: Bool

    public init(
        key: ExactString, serverTimeMilliseconds: Int64, cursor: String, outcomes: [OperationOutcome],
        isDryRun: Bool = false
    ) {
        self.key = key
        self.serverTimeMilliseconds = serverTimeMilliseconds
        self.cursor = cursor
        self.outcomes = outcomes
        self.isDryRun = isDryRun
    }

    /// - Parameter record: the record as it stands after the batch; nil where there is none or it is not wanted.
    public func encoded(record: (RecordKey) -> WireRecord?) -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: 256 + outcomes.count * 384)
        writer.beginObject()
        writer.member("batch", key)
        writer.key("serverTime")
        writer.timestamp(milliseconds: serverTimeMilliseconds)
        writer.member("cursor", cursor)
        if isDryRun { writer.member("dryRun", true) }
        writer.key("results")
        writer.beginArray()
        for (index, outcome) in outcomes.enumerated() {
            outcome.write(to: &writer, index: index, record: outcome.record.flatMap(record))
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }
}

extension OperationOutcome {
    /// - Parameter index: the operation's place in the batch, for the pointers of its error.
    public func write(to writer: inout JSONWriter, index: Int, record: WireRecord?) {
        writer.beginObject()
        writer.key("id")
        if let id { writer.string(id.name) } else { writer.null() }
        result.writeMembers(to: &writer, index: index)
        writer.member("replayed", isReplayed)
        if let record {
            writer.key("record")
            record.write(to: &writer)
        }
        writer.endObject()
    }
}

extension OperationResult {
    /// `outcome`, and either `relation`, `sequence` and `conflicts` or `error`.
    public func writeMembers(to writer: inout JSONWriter, index: Int) {
        writer.member("outcome", outcome.rawValue)
        if let relation {
            writer.member("relation", relation.rawValue)
            if let sequence { writer.member("sequence", sequence) }
            writer.key("conflicts")
            writer.beginArray()
            for conflict in conflicts { conflict.write(to: &writer) }
            writer.endArray()
        } else {
            writer.key("error")
            Problem(rejections, index: index).write(to: &writer, requestID: nil)
        }
    }
}

extension ConflictMention {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", String(id.position))
        writer.member("unit", unit)
        writer.member("policy", policy)
        writer.member("status", status.rawValue)
        writer.member("winner", winner.rawValue)
        writer.endObject()
    }
}
