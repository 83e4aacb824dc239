import AsyncHTTPClient
import DeviceReplica
import NIOCore
import NIOHTTP1
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

    private let address: String
    private let http: HTTPClient
    private let state = Mutex(State())

    init(address: String, http: HTTPClient) {
        self.address = address
        self.http = http
    }

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
        var sent = HTTPClientRequest(url: address + request.path)
        sent.method = HTTPMethod(rawValue: request.method)
        for (name, value) in request.headers { sent.headers.add(name: name, value: value) }
        if let body = request.body { sent.body = .bytes(body) }
        let response: ServerResponse
        do {
            let answer = try await http.execute(sent, timeout: .seconds(30))
            let body = try await answer.body.collect(upTo: 64 * 1024 * 1024)
            response = ServerResponse(
                status: Int(answer.status.code),
                retryAfterSeconds: answer.headers.first(name: "Retry-After").flatMap { Int($0) },
                body: Array(body.readableBytesView))
        } catch {
            throw .unreachable("\(error)")
        }
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
