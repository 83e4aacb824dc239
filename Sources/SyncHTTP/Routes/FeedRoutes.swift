import Causality
import HTTPTypes
import Hummingbird
import MergeCore
import NIOCore
import SyncEngine
import SyncWire

/// The change feed and single records.
struct FeedRoutes: Sendable {
    let engine: SyncEngine
    let metrics: ServerMetrics
    /// The limits that a client is told.
    let toldLimits: [SessionAnswer.Limit]

    var routes: [Route] {
        [
            Route(.get, "/v1/session", .anyone) {
                .json(try await engine.session(try $0.requireCaller(), limits: toldLimits))
            },
            Route(
                .get, "/v1/changes", .deviceOrReviewer, query: ["since", "limit", "collection", "wait"],
                accessCheck: .byHandler
            ) { try await answer($0, try request($0)) },
            Route(.post, "/v1/changes/query", .deviceOrReviewer, body: .query, accessCheck: .byHandler) {
                try await answer($0, try await query($0))
            },
            Route(.post, "/v1/records/query", .deviceOrReviewer, body: .query) { try await records($0) },
            Route(.get, "/v1/records/{collection}/{id}", .deviceOrReviewer) { try await record($0) },
            Route(.get, "/v1/records/{collection}/{id}/history", .deviceOrReviewer, query: ["limit", "page"]) {
                try await history($0)
            },
            Route(.get, "/v1/collections", .anyone) { _ in .json(engine.schema) },
        ]
    }

    /// What the parameters of a pull ask.
    private func request(_ exchange: Exchange) throws(Problem) -> ChangesRequest {
        let limits = engine.limits
        return ChangesRequest(
            since: try exchange.query.one("since"),
            limit: try exchange.query.integer("limit", in: 1...limits.changesPerPage, default: 500),
            collections: try exchange.collections(limits.wire),
            waitSeconds: try exchange.waitSeconds(limits.waitSeconds))
    }

    /// What the body of a query asks.
    private func query(_ exchange: Exchange) async throws -> ChangesRequest {
        let limits = engine.limits
        let body = try await exchange.jsonBody()
        let asked = try FeedRequest(body: body.readableBytesUInt8Span, limits: limits.wire)
        return ChangesRequest(
            since: asked.since?.text,
            limit: try Self.bounded(asked.limit, "limit", in: 1...limits.changesPerPage, default: 500),
            collections: Set(asked.collections), only: asked.only,
            waitSeconds: try Self.bounded(asked.waitSeconds, "wait", in: 0...limits.waitSeconds, default: 0))
    }

    private static func bounded(
        _ number: Int64?, _ name: String, in bounds: ClosedRange<Int>, default standard: Int
    ) throws(Problem) -> Int {
        guard let number else { return standard }
        guard let number = Int(exactly: number), bounds.contains(number) else {
            let detail = "'\(name)' is a whole number from \(bounds.lowerBound) to \(bounds.upperBound)."
            throw Problem(
                .invalidRequest, detail, errors: [.init(.invalidRequest, detail, at: .root.appending(name: name))])
        }
        return number
    }

    private func answer(_ exchange: Exchange, _ request: ChangesRequest) async throws -> Response {
        let caller = try exchange.requireCaller()
        let type = try MediaType.accepted(exchange.request.headers, among: [.json, .ndjson])
        switch type {
        // The first page is read before the head is sent, so that a bad cursor is still a problem document.
        case .ndjson: return exchange.stream(lines(try await engine.catchUp(caller, request), exchange), as: type)
        case .json, .csv, .html, .eventStream:
            let answer = try await engine.changes(caller, request)
            return await exchange.json(answer.form { AnswerForms(ByteBuffer(bytes: $0.encoded())) })
        }
    }

    /// The whole catch-up, one change a line, and after every page a line with the cursor from which it can go on. If
    /// it is ended early, the last line says why. It takes the memory of one page.
    private func lines(_ catchUp: ChangesCatchUp, _ exchange: Exchange) -> ResponseBody {
        exchange.lines(metrics).body { writer in
            var next: ChangesAnswer? = catchUp.first
            while let page = next {
                try await writer.write(ByteBuffer(bytes: page.page.lines()))
                next = try await catchUp.page(after: page)
            }
        }
    }

    private func records(_ exchange: Exchange) async throws -> Response {
        let body = try await exchange.jsonBody()
        let request = try RecordsRequest(body: body.readableBytesUInt8Span, limits: engine.limits.wire)
        let answer = try await engine.records(try exchange.requireCaller(), request)
        return await exchange.json(AnswerForms(ByteBuffer(bytes: answer.encoded())))
    }

    private func key(_ exchange: Exchange) throws(Problem) -> RecordKey {
        RecordKey(
            collection: try exchange.name("collection"),
            id: try exchange.name("id"))
    }

    private func record(_ exchange: Exchange) async throws -> Response {
        .json(try await engine.record(try exchange.requireCaller(), try key(exchange)))
    }

    private func history(_ exchange: Exchange) async throws -> Response {
        let limit = try exchange.query.integer("limit", in: 1...engine.limits.entriesPerPage, default: 50)
        return .json(
            try await engine.history(
                try exchange.requireCaller(), try key(exchange), page: try exchange.query.one("page"), limit: limit))
    }
}
