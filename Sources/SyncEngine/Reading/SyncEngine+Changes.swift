import Causality
import MergeCore
import SyncStorage
import SyncWire

/// What a device asks of the feed.
public struct ChangesRequest: Sendable, Hashable {
    /// The cursor up to which the caller has everything; nil: from the beginning.
    public var since: String?
    public var limit: Int
    public var collections: Set<ExactString>
    /// How long an empty answer may be held.
    public var waitSeconds: Int

    public init(since: String?, limit: Int, collections: Set<ExactString>, waitSeconds: Int) {
        self.since = since
        self.limit = limit
        self.collections = collections
        self.waitSeconds = waitSeconds
    }
}

/// One page of the feed.
public struct ChangesAnswer: Sendable {
    public let records: [WireRecord]
    public let cursor: String
    public let hasMore: Bool
    public let serverTimeMilliseconds: Int64

    public func encoded() -> [UInt8] {
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
    public func writeEnd(to writer: inout JSONWriter) {
        writer.member("cursor", cursor)
        writer.member("more", hasMore)
        writer.member("serverTime", Timestamp(milliseconds: serverTimeMilliseconds).text)
    }
}

extension SyncEngine {
    /// One page of the tenant's feed, held back while it would be empty and the caller is willing to wait.
    ///
    /// The cursor that the caller brings is noted as acknowledged: whoever pulls from it has saved what came before.
    public func changes(_ caller: Caller, _ request: ChangesRequest) async throws(Problem) -> ChangesAnswer {
        try await admit(caller)
        let seal = cursors(of: caller.tenant)
        let start = try position(request.since, seal)
        if let device = caller.device {
            await note(caller.tenant, device, acknowledged: start ?? 0, seenAtMilliseconds: clock.now())
        }
        let deadline = ContinuousClock.now + .seconds(request.waitSeconds)
        var after = start ?? 0
        while true {
            let query = ChangeQuery(after: after, limit: request.limit, collections: request.collections)
            let gaps = await notifier.gaps
            let page = try await reading { () throws(StoreError) in try await store.changes(caller.tenant, query) }
            if let start { try await check(start, against: page, of: caller.tenant) }
            let left = deadline - ContinuousClock.now
            guard page.rows.isEmpty, !page.hasMore, left > .zero, !Task.isCancelled else {
                return ChangesAnswer(
                    records: page.rows.map(WireRecord.init(_:)), cursor: Cursor(sequence: page.reached).text(seal),
                    hasMore: page.hasMore, serverTimeMilliseconds: clock.now())
            }
            after = page.reached
            await notifier.wait(caller.tenant, beyond: after, since: gaps, for: left)
            if await notifier.isClosed {
                return ChangesAnswer(
                    records: [], cursor: Cursor(sequence: after).text(seal), hasMore: false,
                    serverTimeMilliseconds: clock.now())
            }
        }
    }

    private func position(_ since: String?, _ seal: Cursor.Seal) throws(Problem) -> Int64? {
        guard let since else { return nil }
        do {
            return try Cursor(since, seal).sequence
        } catch {
            switch error {
            case .invalid:
                throw Problem(
                    .cursorInvalid, "This is no cursor of this tenant. Pull from the beginning, without 'since'.")
            case .otherLineage: throw .resyncRequired(.lineage)
            }
        }
    }

    private func check(_ start: Int64, against page: ChangePage, of tenant: TenantID) async throws(Problem) {
        if start < page.purgeFloor { throw .resyncRequired(.expired) }
        guard page.rows.isEmpty, !page.hasMore else { return }
        // A cursor ahead of the feed was given out before the data was set back without a new lineage.
        let head = try await reading { () throws(StoreError) in try await store.head(of: tenant) }
        if start > head.sequence { throw .resyncRequired(.lineage) }
    }
}
