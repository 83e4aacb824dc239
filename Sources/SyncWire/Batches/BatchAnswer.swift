import Causality
import MergeCore
import StrictJSON

/// Whether the answer carries the records that the batch touched.
public enum BatchReturn: String, Sendable, Hashable, CaseIterable {
    case full, minimal
}

/// The body of the answer to a batch.
public struct BatchAnswer: Sendable {
    /// Whether the batch was committed now, before, or not at all.
    public enum Kind: Sendable, Hashable {
        case committed
        case replayed
        case dryRun
    }

    public let key: ExactString
    public let serverTimeMilliseconds: Int64
    public let cursor: String
    public let kind: Kind
    /// One an operation, in the order of the batch.
    public let outcomes: [OperationOutcome]
    public let records: TouchedRecords?

    /// - Parameter records: nil for an answer without records.
    public init(
        key: ExactString, serverTimeMilliseconds: Int64, cursor: String, kind: Kind, outcomes: [OperationOutcome],
        records: TouchedRecords?
    ) {
        self.key = key
        self.serverTimeMilliseconds = serverTimeMilliseconds
        self.cursor = cursor
        self.kind = kind
        self.outcomes = outcomes
        self.records = records
    }

    /// O(size of the answer).
    public func encoded() -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: 256 + outcomes.count * 128 + (records?.byteCount ?? 0))
        writer.beginObject()
        writer.member("batch", key)
        writer.key("serverTime")
        writer.timestamp(milliseconds: serverTimeMilliseconds)
        writer.member("cursor", cursor)
        switch kind {
        case .committed: writer.member("replayed", false)
        case .replayed: writer.member("replayed", true)
        case .dryRun: writer.member("dryRun", true)
        }
        writer.key("results")
        writer.beginArray()
        for (index, outcome) in outcomes.enumerated() { outcome.write(to: &writer, index: index) }
        writer.endArray()
        records?.writeMembers(to: &writer)
        writer.endObject()
        return writer.bytes
    }
}

/// The records that a batch touched, each once, within a bound of bytes.
public struct TouchedRecords: Sendable, Hashable {
    public private(set) var records: [WireRecord] = []
    /// Those that do not fit, to be pulled.
    public private(set) var omitted: [RecordKey] = []
    /// About what the records take in the answer.
    public private(set) var byteCount = 0
    private let limit: Int

    /// - Parameter byteLimit: of the records together.
    public init(byteLimit: Int) { limit = byteLimit }

    /// Takes a record, or only its name where it does not fit.
    public mutating func take(_ record: WireRecord) {
        guard byteCount + record.byteCount <= limit else { return omit(record.key) }
        byteCount += record.byteCount
        records.append(record)
    }

    public mutating func omit(_ key: RecordKey) { omitted.append(key) }

    fileprivate func writeMembers(to writer: inout JSONWriter) {
        writer.key("records")
        writer.beginArray()
        for record in records { record.write(to: &writer) }
        writer.endArray()
        guard !omitted.isEmpty else { return }
        writer.key("omitted")
        writer.beginArray()
        for key in omitted {
            writer.beginObject()
            writer.member("collection", key.collection)
            writer.member("id", key.id)
            writer.endObject()
        }
        writer.endArray()
    }
}

extension OperationOutcome {
    /// - Parameter index: the operation's place in the batch, for the pointers of its error.
    public func write(to writer: inout JSONWriter, index: Int) {
        writer.beginObject()
        writer.key("id")
        if let id { writer.string(id.name) } else { writer.null() }
        result.writeMembers(to: &writer, index: index)
        writer.member("replayed", isReplayed)
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

extension ConflictSummary {
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
