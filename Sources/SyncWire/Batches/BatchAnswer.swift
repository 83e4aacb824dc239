import Causality
import MergeCore
import StrictJSON

/// Whether the answer carries the records that the batch touched: `full`, or `minimal` for results alone.
public enum BatchReturn: String, Sendable, Hashable, CaseIterable {
    case full, minimal
}

/// The body of the answer to a batch.
public struct BatchAnswer: WireDocument, Hashable {
    /// Whether the batch was committed now, before, or not at all.
    public enum Kind: Sendable, Hashable {
        /// The batch was committed by this request.
        case committed
        /// An earlier request with the same key and body committed it, and these are its results.
        case replayed
        /// The answer says what would happen, and nothing was stored.
        case dryRun
    }

    /// The batch's key.
    public let key: ExactString
    /// When the answer was made, in server milliseconds.
    public let serverTimeMilliseconds: Int64
    /// A cursor behind all that the batch changed.
    public let cursor: String
    /// Whether the batch was committed.
    public let kind: Kind
    /// One an operation, in the order of the batch. An answer that was read names no records in them.
    public let outcomes: [OperationOutcome]
    /// nil for an answer without records.
    public let records: TouchedRecords?

    /// Makes an answer.
    /// - Parameters:
    ///   - key: the batch's key.
    ///   - serverTimeMilliseconds: when the answer is made.
    ///   - cursor: the text of a cursor behind all that the batch changed.
    ///   - kind: whether the batch was committed.
    ///   - outcomes: one an operation, in the order of the batch.
    ///   - records: nil for an answer without records.
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

    /// Whether the results are those of an earlier request with the same key and body.
    public var isReplayed: Bool { kind == .replayed }

    public func encoded() -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: 256 + outcomes.count * 128 + (records?.byteCount ?? 0))
        write(to: &writer)
        return writer.bytes
    }

    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("batch", key)
        writer.timeMember("serverTime", milliseconds: serverTimeMilliseconds)
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
    }

    public init(reading members: DocumentMembers) throws(WireError) {
        key = try members.text("batch")
        serverTimeMilliseconds = try members.time("serverTime")
        cursor = try members.text("cursor").text
        kind =
            if try members.optionalBoolean("dryRun") == true { .dryRun } else {
                try members.boolean("replayed") ? .replayed : .committed
            }
        outcomes = try members.elements("results") { result throws(WireError) in try OperationOutcome(reading: result) }
        records = members.value("records") == nil ? nil : try TouchedRecords(reading: members)
    }
}

/// The records that a batch touched, each once, within a bound of bytes.
public struct TouchedRecords: Sendable, Hashable {
    /// The records that fit.
    public private(set) var records: [WireRecord] = []
    /// The records that do not fit, to be pulled.
    public private(set) var omitted: [RecordKey] = []
    /// About how many bytes the records take in the answer.
    public private(set) var byteCount = 0
    private let limit: Int

    /// Begins without records.
    /// - Parameter byteLimit: how many bytes the records may take together.
    public init(byteLimit: Int) { limit = byteLimit }

    /// Takes a record, or only its name where it does not fit.
    public mutating func take(_ record: WireRecord) {
        guard byteCount + record.byteCount <= limit else { return omit(record.key) }
        byteCount += record.byteCount
        records.append(record)
    }

    /// Takes a record's name alone.
    public mutating func omit(_ key: RecordKey) { omitted.append(key) }

    // How much there could have been is no part of what is there.
    public static func == (left: TouchedRecords, right: TouchedRecords) -> Bool {
        left.records == right.records && left.omitted == right.omitted
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(records)
        hasher.combine(omitted)
    }

    fileprivate func writeMembers(to writer: inout JSONWriter) {
        writer.documents("records", records)
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

    fileprivate init(reading members: DocumentMembers) throws(WireError) {
        limit = .max
        for record in try members.documents("records", WireRecord.self) { take(record) }
        guard members.value("omitted") != nil else { return }
        omitted = try members.elements("omitted") { key throws(WireError) in
            RecordKey(collection: try key.text("collection"), id: try key.text("id"))
        }
    }
}
