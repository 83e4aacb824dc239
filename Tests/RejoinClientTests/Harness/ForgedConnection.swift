import Causality
import MergeCore
import RejoinClient
import SyncWire
import Synchronization
import Values

/// A connection that answers some batches itself, as a server does that refuses them, and hands on everything else.
final class ForgedConnection: ServerConnection {
    /// What a batch is answered with in the server's place.
    enum Forgery: Sendable {
        /// The call is refused with this code.
        case call(ProblemCode)
        /// Its first operation is rejected with this code; the others are skipped.
        case operation(Rejection.Code)
    }

    private struct State {
        var forgery: Forgery?
        var times = 0
        var batches: [(key: String, body: [UInt8])] = []
    }

    private let base: any ServerConnection
    private let state = Mutex(State())

    init(_ base: any ServerConnection) { self.base = base }

    /// The next batches are answered so.
    func forge(_ forgery: Forgery, times: Int = 1) {
        state.withLock { state in
            state.forgery = forgery
            state.times = times
            state.batches = []
        }
    }

    /// The batches since the last forgery began, each by its key and body.
    var batches: [(key: String, body: [UInt8])] { state.withLock { $0.batches } }

    func send(_ request: ServerRequest) async throws(ConnectionFailure) -> ServerResponse {
        guard request.method == "POST", request.path.hasPrefix("/v1/batches"), let body = request.body else {
            return try await base.send(request)
        }
        let forgery = state.withLock { state -> Forgery? in
            state.batches.append((request.headers["Idempotency-Key"] ?? "", body))
            guard state.times > 0 else { return nil }
            state.times -= 1
            return state.forgery
        }
        switch forgery {
        case nil: return try await base.send(request)
        case .call(let code)?:
            var problem = Problem(code, "of the test")
            if code == .resyncRequired { problem.reason = .expired }
            if code == .batchRefused {
                problem.errors = [
                    .init(.valueInvalid, "of the test", at: .root.appending(name: "operations"), index: 0)
                ]
            }
            return ServerResponse(
                status: code.status, retryAfterSeconds: code.isRetryable ? 1 : nil,
                body: problem.encoded(requestID: "test"))
        case .operation(let code)?:
            return ServerResponse(status: 200, retryAfterSeconds: nil, body: answer(code, to: body))
        }
    }

    private func answer(_ code: Rejection.Code, to body: [UInt8]) -> [UInt8] {
        guard let batch = try? BatchRequest(body: body.span, limits: WireLimits()) else { return [] }
        var outcomes: [OperationOutcome] = []
        for (index, item) in batch.items.enumerated() {
            guard case .operation(let operation) = item else { continue }
            let rejection = index == 0 ? Rejection(code, "of the test") : Rejection(.dependencyFailed, "of the test")
            outcomes.append(
                OperationOutcome(
                    id: operation.id, record: nil,
                    result: OperationResult(
                        outcome: index == 0 ? .rejected : .skipped, relation: nil, rejections: [rejection]),
                    isReplayed: false))
        }
        return BatchAnswer(
            key: "forged", serverTimeMilliseconds: 1_795_212_000_000, cursor: "none", kind: .committed,
            outcomes: outcomes, records: nil
        ).encoded()
    }
}
