import Causality
import MergeCore
import StrictJSON
import SyncStorage
import SyncWire
import Synchronization
import Values

/// One page of the feed.
public struct ChangesAnswer: Sendable {
    public let records: [WireRecord]
    /// The sequence that the cursor stands for.
    let reached: Int64
    public let cursor: String
    public let hasMore: Bool
    public let serverTimeMilliseconds: Int64
    private let body = SharedBody()

    init(records: [WireRecord], reached: Int64, cursor: String, hasMore: Bool, serverTimeMilliseconds: Int64) {
        self.records = records
        self.reached = reached
        self.cursor = cursor
        self.hasMore = hasMore
        self.serverTimeMilliseconds = serverTimeMilliseconds
    }

    /// Whether it says nothing, and another may be waited for.
    var isEmpty: Bool { records.isEmpty && !hasMore }

    /// The page as JSON, in the form that the caller needs it in, made once for all who are answered with this page.
    public func body<Body: Sendable>(_ make: ([UInt8]) -> Body) -> Body {
        body.value { make(encoded()) }
    }

    private func encoded() -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: 256 + records.count * 256)
        writer.beginObject()
        writer.key("changes")
        writer.beginArray()
        for record in records { record.write(to: &writer) }
        writer.endArray()
        writeEnd(to: &writer)
        writer.endObject()
        return writer.bytes
    }

    /// `cursor`, `more` and `serverTime`.
    private func writeEnd(to writer: inout JSONWriter) {
        writer.member("cursor", cursor)
        writer.member("more", hasMore)
        writer.member("serverTime", Timestamp(milliseconds: serverTimeMilliseconds).text)
    }

    /// The page as lines: one record each, and after them where the next page begins.
    public func lines() -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: 256 + records.count * 256)
        for record in records {
            record.write(to: &writer)
            writer.endLine()
        }
        writer.beginObject()
        writeEnd(to: &writer)
        writer.endObject()
        writer.endLine()
        return writer.bytes
    }
}

/// What is made of a page once, whoever asks first.
private final class SharedBody: Sendable {
    private let made = Mutex<(any Sendable)?>(nil)

    func value<Body: Sendable>(_ make: () -> Body) -> Body {
        made.withLock { made in
            if let there = made as? Body { return there }
            let new = make()
            made = new
            return new
        }
    }
}

/// A catch-up under way: the pages from where its device asked, up to the feed's end.
///
/// It is one request of its device's budget. Only the cursor that the device itself brought is noted as what it has: what was
/// sent may not have arrived.
public struct ChangesCatchUp: Sendable {
    let stream: ReaderStream
    let query: ChangeQuery
    public let first: ChangesAnswer

    /// The page after one of these; nil after the last.
    /// - Throws: `token_expired` and `device_retired` where that has happened meanwhile.
    public func page(after page: ChangesAnswer) async throws(Problem) -> ChangesAnswer? {
        guard page.hasMore else { return nil }
        try await stream.check()
        var query = query
        query.after = page.reached
        return try await stream.engine.page(stream.caller.tenant, query)
    }
}
