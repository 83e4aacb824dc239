import Causality
import HTTPTypes
import Hummingbird
import MergeCore
import SyncEngine
import SyncStorage
import SyncWire

/// Committing batches, and asking later what they and their operations were answered.
struct BatchRoutes: Sendable {
    let engine: SyncEngine
    let metrics: ServerMetrics

    var routes: [Route] {
        [
            Route(.post, "/v1/batches", .device, body: .batch, query: ["return", "dryRun"], charging: .byHandler) {
                try await commit($0)
            },
            Route(.get, "/v1/batches/{key}", .deviceOrReviewer, query: ["device"]) { try await batch($0) },
            Route(.get, "/v1/operations/{id}", .deviceOrReviewer, query: ["device"]) { try await operation($0) },
            Route(.get, "/v1/operations", .reviewer, query: ["outcome", "device", "limit", "page"]) {
                try await rejected($0)
            },
        ]
    }

    private func commit(_ exchange: Exchange) async throws -> Response {
        let receivedAt = engine.clock.now()
        let caller = try exchange.requireCaller()
        guard let device = caller.device else { throw Problem(.forbidden, "A batch needs a device's token.") }
        let key = try Self.key(exchange.request.headers, limits: engine.limits.wire)
        let charge = try await engine.charge(caller, device: device, key: key)
        let answer = try exchange.query.choice("return", BatchReturn.self) ?? .full
        let isDryRun = try exchange.query.boolean("dryRun")
        let body = try await exchange.jsonBody()
        let committed = try await BatchCommitting(engine: engine, metrics: metrics).commit(
            body, key: key, of: device, caller, charge, mode: isDryRun ? .dryRun : .commit, returning: answer,
            receivedAtMilliseconds: receivedAt)
        return Self.response(committed.answer, isReplayed: committed.isReplayed)
    }

    private static func response(_ answer: [UInt8], isReplayed: Bool) -> Response {
        .json(answer, headers: [.idempotencyReplayed: isReplayed ? "true" : "false"])
    }

    private static func key(_ headers: HTTPFields, limits: WireLimits) throws(Problem) -> ExactString {
        let fields = headers[values: .idempotencyKey]
        guard let field = fields.first else {
            throw Problem(
                .idempotencyKeyMissing, "Send an Idempotency-Key: a new one for each batch, the same for a retry.")
        }
        guard fields.count == 1, let key = IdempotencyKey(field: field, limit: limits.batchKeyCharacters) else {
            throw Problem(
                .idempotencyKeyInvalid,
                "An Idempotency-Key is one string of 1 to \(limits.batchKeyCharacters) visible characters.",
                limit: limits.batchKeyCharacters)
        }
        return key.text
    }

    /// Whose batch or operation is meant: a device's own, or for a reviewer the one that the query names.
    private func owner(_ exchange: Exchange) throws(Problem) -> DeviceID? {
        let caller = try exchange.requireCaller()
        let named = try exchange.queryName("device").map { DeviceID($0) }
        if caller.roles.contains(.reviewer) { return named ?? caller.device }
        guard named == nil || named == caller.device else { throw .notFound }
        return caller.device
    }

    private func batch(_ exchange: Exchange) async throws -> Response {
        let caller = try exchange.requireCaller()
        guard let key = IdempotencyKey(field: try exchange.text("key"), limit: engine.limits.wire.batchKeyCharacters)
        else {
            throw Problem.notFound
        }
        guard let device = try owner(exchange) else {
            throw Problem.invalidQuery("Keys are a device's own; name the device with the query parameter 'device'.")
        }
        let reply = try await engine.batch(caller, device: device, key: key.text)
        return Self.response(reply.answer.encoded(), isReplayed: reply.isReplayed)
    }

    private func operation(_ exchange: Exchange) async throws -> Response {
        let id = OperationID(try exchange.name("id"))
        return .json(
            try await engine.operation(try exchange.requireCaller(), id: id, device: try owner(exchange)))
    }

    private func rejected(_ exchange: Exchange) async throws -> Response {
        guard try exchange.query.one("outcome") == OutcomeKind.rejected.rawValue else {
            throw Problem.invalidQuery("Only 'outcome=rejected' is listed.")
        }
        let limit = try exchange.query.integer("limit", in: 1...engine.limits.entriesPerPage, default: 50)
        let device = try exchange.queryName("device").map { DeviceID($0) }
        return .json(
            try await engine.rejectedOperations(
                try exchange.requireCaller(), device: device, page: try exchange.query.one("page"), limit: limit))
    }
}
