import Causality
import HTTPTypes
import Hummingbird
import MergeCore
import NIOCore
import StrictJSON
import SyncEngine
import SyncStorage
import SyncWire

/// The audit, for reviewers.
struct ConflictRoutes: Sendable {
    let engine: SyncEngine
    let metrics: ServerMetrics

    var routes: [Route] {
        [
            Route(.get, "/v1/conflicts", .reviewer, query: Exchange.conflictConditions.union(["limit", "page"])) {
                try await list($0)
            },
            Route(.get, "/v1/conflicts/summary", .reviewer) {
                .json(try await engine.conflictCounts(try $0.requireCaller()))
            },
            Route(.get, "/v1/conflicts/export", .reviewer, query: Exchange.conflictConditions) { try await export($0) },
            Route(.get, "/v1/conflicts/{id}", .reviewer) { try await show($0) },
        ]
    }

    private func list(_ exchange: Exchange) async throws -> Response {
        let limit = try exchange.query.integer("limit", in: 1...engine.limits.entriesPerPage, default: 50)
        let query = try exchange.conflictQuery(limit: limit)
        return .json(
            try await engine.conflicts(try exchange.requireCaller(), query, page: try exchange.query.one("page")))
    }

    private func show(_ exchange: Exchange) async throws -> Response {
        .json(try await engine.conflictView(try exchange.requireCaller(), try exchange.conflictID()).document)
    }

    /// All conflicts that the filters select, a page at a time: memory does not grow with their number.
    private func export(_ exchange: Exchange) async throws -> Response {
        let caller = try exchange.requireCaller()
        var query = try exchange.conflictQuery(limit: engine.limits.entriesPerPage)
        // Oldest first unless asked otherwise: conflicts that arrive during the export are then at its end.
        query.order = try exchange.query.choice("order", ConflictQuery.Order.self) ?? .oldest
        let type = try MediaType.accepted(exchange.request.headers, among: [.ndjson, .csv])
        let stream = try engine.openStream(caller)
        let first = try await engine.conflicts(caller, query, page: nil)
        let selection = query
        let write: @Sendable (inout any ResponseBodyWriter) async throws -> Void = { writer in
            var page = first
            if type == .csv { try await writer.write(ByteBuffer(string: WireConflict.csvHeader)) }
            while true {
                try await writer.write(ByteBuffer(bytes: Self.lines(page.conflicts, as: type)))
                guard let next = page.next else { break }
                try await stream.check()
                page = try await engine.conflicts(caller, selection, page: next)
            }
        }
        let body: ResponseBody
        switch type {
        case .json, .ndjson, .html, .eventStream: body = exchange.lines(metrics).body(write)
        // A table has no place for a reason: what is not whole breaks off.
        case .csv:
            body = ResponseBody { writer in
                try await write(&writer)
                try await writer.finish(nil)
            }
        }
        return exchange.stream(body, as: type)
    }

    private static func lines(_ conflicts: [WireConflict], as type: MediaType) -> [UInt8] {
        switch type {
        case .csv:
            var lines: [UInt8] = []
            for conflict in conflicts { conflict.writeCSV(to: &lines) }
            return lines
        case .json, .ndjson, .html, .eventStream:
            var writer = JSONWriter()
            for conflict in conflicts {
                conflict.write(to: &writer)
                writer.endLine()
            }
            return writer.bytes
        }
    }
}
