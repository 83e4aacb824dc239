import DeviceReplica
import Foundation
import Synchronization

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A connection over Foundation's `URLSession`. No thread waits for an answer.
///
/// On Linux, Foundation ends the process when a connection breaks within the head of an answer. Nothing is lost by that,
/// because what is not settled is on disk; a program there that is to go on has a connection of another kind, such as
/// `AsyncHTTPConnection` of the module of that name.
public final class URLSessionConnection: ServerConnection {
    private let server: URL
    private let session: URLSession

    /// - Parameters:
    ///   - server: the server's address, without a path.
    ///   - configuration: of the session, where an app has reasons of its own (a proxy, cellular access).
    public init(server: URL, configuration: URLSessionConfiguration = .ephemeral) {
        self.server = server
        configuration.httpShouldSetCookies = false
        configuration.requestCachePolicy = .reloadIgnoringLocalCacheData
        configuration.urlCache = nil
        session = URLSession(configuration: configuration)
    }

    deinit { session.finishTasksAndInvalidate() }

    public func send(_ request: ServerRequest) async throws(ConnectionFailure) -> ServerResponse {
        guard let url = URL(string: address + request.path) else {
            throw .unreachable("\(request.path) is no path")
        }
        var sent = URLRequest(url: url, timeoutInterval: Double(request.timeout.milliseconds) / 1_000)
        sent.httpMethod = request.method
        for (name, value) in request.headers { sent.setValue(value, forHTTPHeaderField: name) }
        sent.httpBody = request.body.map { Data($0) }
        let (data, response) = try await exchange(sent)
        guard let response = response as? HTTPURLResponse else { throw .unreachable("the answer is no HTTP") }
        return ServerResponse(
            status: response.statusCode,
            retryAfterSeconds: ServerResponse.retryAfterSeconds(
                response.value(forHTTPHeaderField: "Retry-After")),
            body: Array(data))
    }

    private var address: String {
        let text = server.absoluteString
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    private func exchange(_ request: URLRequest) async throws(ConnectionFailure) -> (Data, URLResponse?) {
        let task = RunningTask()
        let result: Result<(Data, URLResponse?), ConnectionFailure> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let running = session.dataTask(with: request) { data, response, error in
                    if let error {
                        continuation.resume(returning: .failure(Self.failure(error)))
                    } else {
                        continuation.resume(returning: .success((data ?? Data(), response)))
                    }
                }
                task.start(running)
            }
        } onCancel: {
            task.cancel()
        }
        return try result.get()
    }

    private static func failure(_ error: any Error) -> ConnectionFailure {
        guard let error = error as? URLError else { return .unreachable("\(type(of: error))") }
        switch error.code {
        case .timedOut: return .timedOut
        case .cancelled: return .cancelled
        case _: return .unreachable("URL error \(error.code.rawValue)")
        }
    }
}

/// A task that may be cancelled before it has begun.
private final class RunningTask: Sendable {
    private struct State {
        var task: URLSessionDataTask?
        var isCancelled = false
    }

    private let state = Mutex(State())

    func start(_ task: URLSessionDataTask) {
        let isCancelled = state.withLock { state in
            state.task = task
            return state.isCancelled
        }
        task.resume()
        if isCancelled { task.cancel() }
    }

    func cancel() {
        let task = state.withLock { state in
            state.isCancelled = true
            return state.task
        }
        task?.cancel()
    }
}
