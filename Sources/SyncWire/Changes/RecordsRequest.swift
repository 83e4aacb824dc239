import Causality
import MergeCore
import StrictJSON
import Values

/// The body of `POST /v1/records/query`: records that are wanted as they stand now.
public struct RecordsRequest: Sendable, Hashable {
    /// A cursor of the feed. What is answered is no older than what was pulled up to it; nil where that does not matter.
    public var since: ExactString?
    /// The records' ids by their collections.
    public var records: [ExactString: Set<ExactString>]

    /// Takes what is wanted.
    public init(since: ExactString?, records: [ExactString: Set<ExactString>]) {
        self.since = since
        self.records = records
    }

    /// Takes what is wanted, by keys.
    public init(since: ExactString?, keys: some Sequence<RecordKey>) {
        self.init(since: since, records: keys.reduce(into: [:]) { $0[$1.collection, default: []].insert($1.id) })
    }

    /// The records' keys, sorted.
    public var keys: [RecordKey] {
        records.flatMap { collection, ids in ids.map { RecordKey(collection: collection, id: $0) } }.sorted()
    }

    /// Reads a body.
    /// - Throws: `malformed_json`, `invalid_request` with pointers, `query_too_large`.
    public init(body: Span<UInt8>, limits: WireLimits) throws(Problem) {
        let object = try ObjectValue(body: body)
        var reading = MemberReading(object)
        reading.admit(["since", "records"])
        since = reading.cursor("since", limits: limits)
        if object["records"] == nil { reading.reject("records", "'records' is an object of collections and ids.") }
        records = try reading.idsByCollection("records", limits: limits)
        try reading.finish()
    }

    /// The body as JSON, with names in the order of their bytes. O(its size).
    public func encoded() -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: 512)
        writer.beginObject()
        if let since { writer.member("since", since) }
        writer.key("records")
        writer.idsByCollection(records)
        writer.endObject()
        return writer.bytes
    }
}

/// Records that were asked for by their ids, as they stand. One that is neither in `records` nor in `omitted` is not there.
public struct RecordsAnswer: WireDocument, Hashable {
    /// The records that are there, deleted ones among them, in the order of their keys.
    public let records: [WireRecord]
    /// Records that are there and did not fit into the answer: they are to be asked for again.
    public let omitted: [RecordKey]
    /// When the answer was made by the server's clock, in milliseconds since 1970.
    public let serverTimeMilliseconds: Int64

    public init(records: [WireRecord], omitted: [RecordKey], serverTimeMilliseconds: Int64) {
        self.records = records
        self.omitted = omitted
        self.serverTimeMilliseconds = serverTimeMilliseconds
    }

    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.documents("records", records)
        writer.key("omitted")
        writer.beginArray()
        for key in omitted {
            writer.beginObject()
            writer.member("collection", key.collection)
            writer.member("id", key.id)
            writer.endObject()
        }
        writer.endArray()
        writer.timeMember("serverTime", milliseconds: serverTimeMilliseconds)
        writer.endObject()
    }

    public init(reading members: DocumentMembers) throws(WireError) {
        records = try members.documents("records")
        omitted = try members.elements("omitted") { key throws(WireError) in
            RecordKey(collection: try key.text("collection"), id: try key.text("id"))
        }
        serverTimeMilliseconds = try members.time("serverTime")
    }
}
