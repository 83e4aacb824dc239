import AsyncHTTPClient
import Foundation
import NIOCore
import SyncHTTP

/// What an issuer answers: at once, without leading elsewhere, and within bounds.
enum ProviderAnswers {
    /// Key sets have some thousand bytes.
    static let maximumBytes = 1024 * 1024
    /// Who asks waits for this.
    private static let timeLimit = Duration.seconds(10)

    struct Answer: Sendable {
        let status: Int
        let text: String
    }

    /// What an address answers with 200.
    static func text(at address: KeyAddress) async throws(KeySource.Unreadable) -> String {
        let answer = try await answer(to: HTTPClientRequest(url: address.url.absoluteString), at: address)
        guard answer.status == 200 else {
            throw KeySource.Unreadable("\(address.url) answers \(answer.status)")
        }
        return answer.text
    }

    /// What an address answers to a form.
    /// - Parameter authorization: the value of `Authorization`; nil for none.
    static func answer(
        to form: String, authorization: String?, at address: KeyAddress
    ) async throws(KeySource.Unreadable) -> Answer {
        var request = HTTPClientRequest(url: address.url.absoluteString)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
        if let authorization { request.headers.add(name: "Authorization", value: authorization) }
        request.body = .bytes(ByteBuffer(string: form))
        return try await answer(to: request, at: address)
    }

    private static func answer(
        to request: HTTPClientRequest, at address: KeyAddress
    ) async throws(KeySource.Unreadable) -> Answer {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout = .init(connect: .seconds(5), read: .seconds(5))
        configuration.httpVersion = .http1Only
        // An issuer is asked now and then, so nothing is kept open for the next time.
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let answer: Result<Answer, KeySource.Unreadable>
        do {
            answer = .success(try await withTimeLimit { try await get(request, address, client) })
        } catch let error as KeySource.Unreadable {
            answer = .failure(error)
        } catch {
            answer = .failure(KeySource.Unreadable("\(address.url) does not answer: \(error)"))
        }
        try? await client.shutdown()
        return try answer.get()
    }

    private static func get(
        _ request: HTTPClientRequest, _ address: KeyAddress, _ client: HTTPClient
    ) async throws -> Answer {
        var request = request
        request.headers.add(name: "Accept", value: "application/json")
        request.headers.add(name: "User-Agent", value: "rejoin/\(rejoinVersion)")
        let response = try await client.execute(request, timeout: .seconds(10))
        let body: ByteBuffer
        do {
            body = try await response.body.collect(upTo: maximumBytes)
        } catch is NIOTooManyBytesError {
            throw KeySource.Unreadable("\(address.url) answers more than \(maximumBytes) bytes")
        }
        guard let text = String(validating: body.readableBytesView, as: UTF8.self) else {
            throw KeySource.Unreadable("what \(address.url) answers is no UTF-8")
        }
        return Answer(status: Int(response.status.code), text: text)
    }

    /// The client's own time limit ends with the head of an answer. A body may not come for ever either.
    private static func withTimeLimit(_ body: @escaping @Sendable () async throws -> Answer) async throws -> Answer {
        try await withThrowingTaskGroup(of: Answer.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: timeLimit)
                throw KeySource.Unreadable("it took longer than \(timeLimit.components.seconds) seconds")
            }
            defer { group.cancelAll() }
            guard let answer = try await group.next() else { throw CancellationError() }
            return answer
        }
    }
}
