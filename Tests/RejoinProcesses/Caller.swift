import AsyncHTTPClient
import Causality
import Foundation
import MergeCore
import NIOCore
import NIOHTTP1
import SyncWire

/// One client for all tests. A refused connection is an error at once: a server that is gone shall look gone.
package let http: HTTPClient = {
    var configuration = HTTPClient.Configuration()
    configuration.connectionPool.retryConnectionEstablishment = false
    configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 64
    return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
}()

/// Somebody who asks a server, with a token of its key.
package struct Caller: Sendable {
    package var address: String
    package let token: String

    package init(address: String, token: String) {
        self.address = address
        self.token = token
    }

    package struct Answer: Sendable {
        package let status: Int
        package let headers: HTTPHeaders
        package let body: [UInt8]

        package var text: String { String(decoding: body, as: UTF8.self) }
        /// An answer holds a value in more levels of its own than the batch did in which it was sent.
        package var json: Value { get throws { try Value(json: text, limits: JSONLimits(maximumDepth: 64)) } }
        /// The results as they were sent, letter by letter, without the records, which are told as they stand at the time.
        package var resultsText: Substring? {
            guard let start = text.range(of: "\"results\":")?.upperBound else { return nil }
            return text[
                start..<(text.range(of: ",\"records\":", range: start..<text.endIndex)?.lowerBound ?? text.endIndex)]
        }
        package var isReplayed: Bool { headers.first(name: "Idempotency-Replayed") == "true" }
        /// Whether the server says that its storage fails at the moment.
        package var isStorageUnavailable: Bool { status == 503 && (try? json["code"]) == "storage_unavailable" }
    }

    package func get(_ path: String) async throws -> Answer {
        try await execute(HTTPClientRequest(url: address + path))
    }

    package func post(batch body: [UInt8], key: String) async throws -> Answer {
        var request = HTTPClientRequest(url: address + "/v1/batches")
        request.method = .POST
        request.headers.add(name: "Idempotency-Key", value: "\"\(key)\"")
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(body)
        return try await execute(request)
    }

    package func post(_ path: String, json: String) async throws -> Answer {
        var request = HTTPClientRequest(url: address + path)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(Array(json.utf8))
        return try await execute(request)
    }

    package func post(_ path: String, form: String) async throws -> Answer {
        var request = HTTPClientRequest(url: address + path)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
        request.body = .bytes(Array(form.utf8))
        return try await execute(request)
    }

    private func execute(_ request: HTTPClientRequest) async throws -> Answer {
        var request = request
        request.headers.add(name: "Authorization", value: "Bearer \(token)")
        let response = try await http.execute(request, timeout: .seconds(90))
        let body = try await response.body.collect(upTo: 64 * 1024 * 1024)
        return Answer(status: Int(response.status.code), headers: response.headers, body: Array(body.readableBytesView))
    }
}

/// Whether the connection ended while an answer was waited for, which is how a server looks that was killed.
package func isCutConnection(_ error: any Error) -> Bool {
    switch error {
    case let error as HTTPClientError: error == .remoteConnectionClosed
    case let error as IOError: error.errnoCode == ECONNRESET
    default: false
    }
}

/// The body of a batch.
package func batchBody(_ operations: [Value]) -> [UInt8] {
    Value.object([("operations", .array(operations))]).canonicalBytes
}

/// One operation as a device sends it.
package func operation(
    _ kind: String, _ collection: String, _ record: String, id: String = UUID().uuidString.lowercased(),
    clock: [String: Int64], at: String = "2026-01-02T03:04:05.678Z", fields: [(String, Value)] = []
) -> Value {
    var members: [(ExactString, Value)] = [
        ("id", .string(id)), ("kind", .string(kind)), ("collection", .string(collection)), ("record", .string(record)),
        ("at", .string(at)), ("clock", .object(clock.map { (ExactString($0.key), .integer($0.value)) })),
    ]
    if kind != "delete" { members.append(("fields", .object(fields.map { (ExactString($0.0), $0.1) }))) }
    return .object(members)
}

extension Value {
    /// A member of an object.
    package subscript(name: ExactString) -> Value? {
        if case .object(let object) = self { object[name] } else { nil }
    }

    package var elements: [Value] {
        if case .array(let elements) = self { elements } else { [] }
    }

    package var text: String? {
        if case .string(let text) = self { text.text } else { nil }
    }

    package var integer: Int64? {
        if case .integer(let number) = self { number } else { nil }
    }

    /// A clock on the wire.
    package var counters: [String: Int64] {
        guard case .object(let object) = self else { return [:] }
        return Dictionary(uniqueKeysWithValues: object.members.map { ($0.name.text, $0.value.integer ?? 0) })
    }
}
