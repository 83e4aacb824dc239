import AsyncHTTPClient
import Causality
import Foundation
import MergeCore
import NIOCore
import NIOHTTP1
import NIOSSL
import StrictJSON
import SyncWire
import Values

/// One client for all tests. A refused connection is an error at once: a server that is gone shall look gone.
package let http: HTTPClient = {
    var configuration = HTTPClient.Configuration()
    configuration.connectionPool.retryConnectionEstablishment = false
    configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 64
    // The certificates of tests are signed by nobody. What they are is looked at where that is what is tested.
    configuration.tlsConfiguration = .makeClientConfiguration()
    configuration.tlsConfiguration?.certificateVerification = .none
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
        try await send(.batch(body, key: ExactString(key)))
    }

    /// Sends a call of the protocol.
    /// - Returns: the answer as it came, whatever it is.
    package func send<Document>(_ call: WireCall<Document>) async throws -> Answer {
        var request = HTTPClientRequest(url: address + call.path)
        request.method = HTTPMethod(rawValue: call.method.rawValue)
        for header in call.headers { request.headers.add(name: header.name, value: header.value) }
        if let body = call.body { request.body = .bytes(body) }
        return try await execute(request)
    }

    /// Sends a call of the protocol, and reads what it is answered.
    /// - Throws: `WireCallError` where the server refuses.
    package func answer<Document>(to call: WireCall<Document>) async throws -> Document {
        let answer = try await send(call)
        return try call.answer(status: answer.status, body: answer.body)
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

/// The body of a batch, as a device writes it.
package func batchBody(_ operations: [MergeCore.Operation]) -> [UInt8] {
    BatchRequest(sentAtMilliseconds: nil, operations: operations).encoded()
}

/// One operation of a device.
package func operation(
    _ kind: OperationKind, _ collection: String, _ record: String, id: String = UUID().uuidString.lowercased(),
    clock: [String: Int64], at: Int64 = 1_767_323_045_678, fields: [(String, Value)] = []
) -> MergeCore.Operation {
    MergeCore.Operation(
        id: OperationID(id), kind: kind,
        record: RecordKey(collection: ExactString(collection), id: ExactString(record)),
        clock: VersionVector(clock.map { .init(device: DeviceID($0.key), counter: $0.value) }),
        claimedMilliseconds: at,
        fields: ObjectValue(fields.map { .init(name: ExactString($0.0), value: $0.1) }))
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
