import AsyncHTTPClient
import DeviceReplica
import NIOCore
import NIOHTTP1

/// A connection over AsyncHTTPClient, for programs on Linux.
///
/// Foundation's `URLSession` ends the whole process there when a connection breaks within the head of an answer
/// (`NativeProtocol.swift` of swift-corelibs-foundation: "Transfer completed, but there's no response"). An app on Apple's
/// systems has no need of this.
public final class AsyncHTTPConnection: ServerConnection {
    /// More than any answer of the server has.
    private static let answerBytes = 256 * 1024 * 1024

    private let address: String
    private let http: HTTPClient

    /// - Parameter server: the server's address, without a path.
    public init(server: String) {
        address = server.hasSuffix("/") ? String(server.dropLast()) : server
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.decompression = .enabled(limit: .size(Self.answerBytes))
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    deinit { http.shutdown { _ in } }

    public func send(_ request: ServerRequest) async throws(ConnectionFailure) -> ServerResponse {
        var sent = HTTPClientRequest(url: address + request.path)
        sent.method = HTTPMethod(rawValue: request.method)
        sent.headers.add(name: "Accept-Encoding", value: "gzip")
        for (name, value) in request.headers { sent.headers.replaceOrAdd(name: name, value: value) }
        if let body = request.body { sent.body = .bytes(body) }
        do {
            let answer = try await http.execute(sent, timeout: TimeAmount(request.timeout))
            let body = try await answer.body.collect(upTo: Self.answerBytes)
            return ServerResponse(
                status: Int(answer.status.code),
                retryAfterSeconds: ServerResponse.retryAfterSeconds(answer.headers.first(name: "Retry-After")),
                body: Array(body.readableBytesView))
        } catch is CancellationError {
            throw .cancelled
        } catch let error as HTTPClientError
            where error == .deadlineExceeded || error == .readTimeout || error == .connectTimeout
        {
            throw .timedOut
        } catch {
            throw .unreachable("\(error)")
        }
    }
}
