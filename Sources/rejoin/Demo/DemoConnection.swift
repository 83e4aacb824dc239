import AsyncHTTPConnection
import DeviceReplica
import StrictJSON
import SyncWire
import Synchronization

/// A device's connection in the story. It lets itself be overheard, and loses an answer where the story wants it.
final class DemoConnection: ServerConnection {
    /// A batch that was sent, and what it was answered.
    struct Exchange: Sendable {
        let request: BatchRequest
        let answer: BatchAnswer
    }

    private struct State {
        var exchanges: [Exchange] = []
        var losesNextAnswer = false
    }

    private let base: AsyncHTTPConnection
    private let state = Mutex(State())

    init(address: String) { base = AsyncHTTPConnection(server: address) }

    /// The batches since the last time.
    func takeExchanges() -> [Exchange] {
        state.withLock { state in
            defer { state.exchanges = [] }
            return state.exchanges
        }
    }

    /// The answer to the next batch is lost on its way.
    func loseNextAnswer() { state.withLock { $0.losesNextAnswer = true } }

    func send(_ request: ServerRequest) async throws(ConnectionFailure) -> ServerResponse {
        let response = try await base.send(request)
        if request.method == "POST", request.path == "/v1/batches" { try overhear(request, response) }
        return response
    }

    private func overhear(_ request: ServerRequest, _ response: ServerResponse) throws(ConnectionFailure) {
        guard let body = request.body, let answer = try? BatchAnswer(encoded: response.body),
            let batch = try? BatchRequest(body: body.span, limits: WireLimits())
        else { return }
        let isLost = state.withLock { state in
            state.exchanges.append(Exchange(request: batch, answer: answer))
            defer { state.losesNextAnswer = false }
            return state.losesNextAnswer
        }
        if isLost { throw .timedOut }
    }
}
