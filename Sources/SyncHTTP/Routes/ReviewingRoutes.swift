import Causality
import HTTPTypes
import Hummingbird
import MergeCore
import SyncEngine
import SyncStorage
import SyncWire
import Values

/// What reviewers do with conflicts: decide, comment, assign.
struct ReviewingRoutes: Sendable {
    let engine: SyncEngine

    var routes: [Route] {
        [
            Route(
                .post, "/v1/conflicts/resolutions", .reviewer, body: .decision,
                query: Exchange.conflictConditions.union(["dryRun", "limit", "page"])
            ) { try await resolveMany($0) },
            Route(.post, "/v1/conflicts/{id}/resolutions", .reviewer, body: .decision) { try await resolve($0) },
            Route(.post, "/v1/conflicts/{id}/comments", .reviewer) { try await comment($0) },
            Route(.put, "/v1/conflicts/{id}/assignee", .reviewer) { try await assign($0) },
        ]
    }

    private func resolve(_ exchange: Exchange) async throws -> Response {
        let caller = try exchange.requireCaller()
        let id = try exchange.conflictID()
        let body = try await exchange.jsonBody()
        let request = try DecisionRequest(body: body.readableBytesUInt8Span, limits: engine.limits.wire)
        guard request.conflicts == nil else {
            throw Problem(.invalidRequest, "The path names the conflict; 'conflicts' is for many.")
        }
        let result = try await engine.review(caller, id, .decide(try request.decision()))
        return .json(result.answer, status: result.isRepeated ? .ok : .created)
    }

    private func resolveMany(_ exchange: Exchange) async throws -> Response {
        let caller = try exchange.requireCaller()
        let isPreview = try exchange.query.boolean("dryRun")
        let limit = try exchange.query.integer("limit", in: 1...engine.limits.entriesPerPage, default: 500)
        var query = try exchange.conflictQuery(limit: limit)
        // Oldest first: conflicts that arrive meanwhile come last, and those that were decided leave what is before them.
        query.order = try exchange.query.choice("order", ConflictQuery.Order.self) ?? .oldest
        let body = try await exchange.jsonBody()
        let request = try DecisionRequest(body: body.readableBytesUInt8Span, limits: engine.limits.wire)
        guard request.conflicts != nil || query.hasCondition else {
            throw Problem(.invalidRequest, "Name the conflicts, or a condition that selects them.")
        }
        let bulk = BulkDecision(
            request.conflicts.map { .listed($0) } ?? .matching(query), choice: request.choice,
            deletedRecord: request.deletedRecord, note: request.note)
        let outcome = try await engine.decide(
            caller, bulk, page: try exchange.query.one("page"), preview: isPreview)
        return .json(outcome.answer(isPreview: isPreview))
    }

    private func comment(_ exchange: Exchange) async throws -> Response {
        let caller = try exchange.requireCaller()
        let id = try exchange.conflictID()
        let body = try await exchange.jsonBody()
        let request = try CommentRequest(body: body.readableBytesUInt8Span, limits: engine.limits.wire)
        let result = try await engine.review(caller, id, .comment(request.text))
        return .json(result.conflict.document, status: result.isRepeated ? .ok : .created)
    }

    private func assign(_ exchange: Exchange) async throws -> Response {
        let caller = try exchange.requireCaller()
        let id = try exchange.conflictID()
        let body = try await exchange.jsonBody()
        let request = try AssignmentRequest(body: body.readableBytesUInt8Span, limits: engine.limits.wire)
        let result = try await engine.review(caller, id, .assign(request.assignee))
        return .json(result.conflict.document)
    }
}

extension Exchange {
    /// The conflict that the path names. A text that is no number names nothing.
    func conflictID() throws(Problem) -> ConflictID {
        guard let id = ConflictID(text: try text("id")) else { throw .notFound }
        return id
    }

    /// The parameters that `conflictQuery` reads.
    static let conflictConditions: Set = [
        "status", "kind", "collection", "record", "unit", "policy", "device", "user", "assignee", "unassigned", "since",
        "until", "order",
    ]

    /// The conditions that the query sets on conflicts.
    func conflictQuery(limit: Int) throws(Problem) -> ConflictQuery {
        var query = ConflictQuery(limit: limit)
        query.status = try self.query.choice("status", ConflictStatus.self)
        query.kind = try self.query.choice("kind", ConflictKind.self)
        query.collection = try queryName("collection")
        query.record = try queryName("record")
        query.unit = try queryName("unit")
        query.policy = try queryName("policy")
        query.device = try queryName("device").map { DeviceID($0) }
        query.user = try queryName("user")
        query.assignee = try queryName("assignee").map { .user($0) }
        if try self.query.boolean("unassigned") {
            guard query.assignee == nil else { throw .invalidQuery("Give 'assignee' or 'unassigned', not both.") }
            query.assignee = .nobody
        }
        query.sinceMilliseconds = try time("since")
        query.untilMilliseconds = try time("until")
        query.order = try self.query.choice("order", ConflictQuery.Order.self) ?? .newest
        return query
    }

    private func time(_ name: String) throws(Problem) -> Int64? {
        guard let text = try query.one(name) else { return nil }
        guard let time = Timestamp(text) else { throw .invalidQuery("'\(name)' is an RFC 3339 time.") }
        return time.milliseconds
    }
}
