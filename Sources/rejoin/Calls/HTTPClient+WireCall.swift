import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import SyncWire

extension HTTPClient {
    /// Sends a call and reads its answer.
    /// - Parameter address: without a slash at its end.
    /// - Throws: `WireCallError` for what the server refuses; what the connection fails with.
    func answer<Answer>(
        to call: WireCall<Answer>, at address: String, token: String, timeout: TimeAmount = .seconds(60)
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: address + call.path)
        request.method = HTTPMethod(rawValue: call.method.rawValue)
        request.headers.add(name: "Authorization", value: "Bearer \(token)")
        for header in call.headers { request.headers.add(name: header.name, value: header.value) }
        if let body = call.body { request.body = .bytes(body) }
        let response = try await execute(request, timeout: timeout)
        let body = try await response.body.collect(upTo: 256 * 1024 * 1024)
        return try call.answer(
            status: Int(response.status.code), body: Array(body.readableBytesView),
            retryAfterSeconds: response.headers.first(name: "Retry-After").flatMap { Int($0) })
    }
}
