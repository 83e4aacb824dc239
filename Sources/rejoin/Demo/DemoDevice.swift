import AsyncHTTPClient
import Causality
import Foundation
import MergeCore
import NIOCore
import NIOHTTP1
import StrictJSON
import SyncHTTP
import SyncWire
import Values

/// One device of the story: keeps what it has seen, edits it offline, and talks to the server over HTTP.
final class DemoDevice {
    struct Local {
        var clock: VersionVector
        var fields: ObjectValue
        var isDeleted: Bool
    }

    let name: String
    let person: String
    /// How wrong the device's clock is, in milliseconds.
    let clockErrorMilliseconds: Int64
    private let id: DeviceID
    private let address: String
    private let token: String
    private let http: HTTPClient
    private(set) var records: [RecordKey: Local] = [:]
    private var outbox: [Value] = []
    private var cursor: String?

    init(
        _ name: String, of person: String, clockErrorMilliseconds: Int64 = 0, on server: DemoServer, http: HTTPClient
    ) async throws {
        self.name = name
        self.person = person
        self.clockErrorMilliseconds = clockErrorMilliseconds
        self.http = http
        id = DeviceID(name)
        address = "http://127.0.0.1:\(server.port)"
        token = try await server.token(user: person, device: name, roles: ["device"])
    }

    // MARK: Offline

    /// Edits a record as it was last seen here, and keeps the operation for later.
    func edit(
        _ kind: OperationKind, _ collection: ExactString, _ record: ExactString, minutesAgo: Double,
        _ fields: [(ExactString, Value)] = []
    ) {
        let key = RecordKey(collection: collection, id: record)
        var local = records[key] ?? Local(clock: VersionVector(), fields: ObjectValue([]), isDeleted: false)
        local.clock = local.clock.setting(id, to: local.clock[id] + 1)
        records[key] = local
        let editedAt = Self.now() - Int64(minutesAgo * 60_000) + clockErrorMilliseconds
        var members: [(ExactString, Value)] = [
            ("id", .string(UUID().uuidString.lowercased())), ("kind", .string(kind.rawValue)),
            ("collection", .string(collection)), ("record", .string(record)),
            ("clock", .object(local.clock.entries.map { ($0.device.name, .integer($0.counter)) })),
            ("at", .string(Timestamp(milliseconds: editedAt).text)),
        ]
        if kind != .delete { members.append(("fields", .object(fields))) }
        outbox.append(.object(members))
    }

    var pending: [Value] { outbox }

    // MARK: Online

    struct Answer {
        let results: [ObjectValue]
        let isReplayed: Bool
        let key: String
        let body: Value
    }

    /// Sends what is pending as one batch.
    func send() async throws -> Answer {
        let body: Value = [
            "device": .string(id.name),
            "sentAt": .string(Timestamp(milliseconds: Self.now() + clockErrorMilliseconds).text),
            "operations": .array(outbox),
        ]
        outbox = []
        return try await post(body, key: UUID().uuidString.lowercased())
    }

    /// Sends a batch again, as a device does whose answer was lost.
    func resend(_ answer: Answer) async throws -> Answer {
        try await post(answer.body, key: answer.key)
    }

    private func post(_ body: Value, key: String) async throws -> Answer {
        var request = request("/v1/batches")
        request.method = .POST
        request.headers.add(name: "Idempotency-Key", value: "\"\(key)\"")
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(body.canonicalBytes)
        let (answer, headers) = try await execute(request)
        guard case .array(let results)? = answer["results"] else { throw DemoError("the answer has no results") }
        let objects = results.compactMap { if case .object(let object) = $0 { object } else { nil } }
        guard case .array(let records)? = answer["records"] else { throw DemoError("the answer has no records") }
        for case .object(let record) in records { take(record) }
        return Answer(
            results: objects, isReplayed: headers.first(name: "Idempotency-Replayed") == "true", key: key, body: body)
    }

    /// Takes everything that changed since the last time.
    func pull() async throws {
        var hasMore = true
        while hasMore {
            let query = cursor.map { "?since=\($0)" } ?? ""
            let (answer, _) = try await execute(request("/v1/changes" + query))
            guard case .array(let changes)? = answer["changes"], case .string(let next)? = answer["cursor"] else {
                throw DemoError("the page has no changes")
            }
            for case .object(let record) in changes { take(record) }
            cursor = next.text
            hasMore = answer["more"] == .boolean(true)
        }
    }

    private func take(_ record: ObjectValue) {
        guard case .string(let collection)? = record["collection"], case .string(let id)? = record["id"],
            case .object(let clock)? = record["clock"]
        else { return }
        var fields = ObjectValue([])
        if case .object(let sent)? = record["fields"] { fields = sent }
        let entries = clock.members.compactMap { member -> VersionVector.Entry? in
            guard case .integer(let counter) = member.value else { return nil }
            return VersionVector.Entry(device: DeviceID(member.name), counter: counter)
        }
        records[RecordKey(collection: collection, id: id)] = Local(
            clock: VersionVector(entries), fields: fields, isDeleted: record["deleted"] == .boolean(true))
    }

    private func request(_ path: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: address + path)
        request.headers.add(name: "Authorization", value: "Bearer \(token)")
        return request
    }

    private func execute(_ request: HTTPClientRequest) async throws -> (ObjectValue, HTTPClientResponse.Headers) {
        let response = try await http.execute(request, timeout: .seconds(10))
        let body = try await response.body.collect(upTo: 8 * 1024 * 1024)
        guard case .object(let object) = try Value(json: String(buffer: body)) else {
            throw DemoError("the answer is no object")
        }
        guard response.status == .ok else { throw DemoError("\(response.status): \(String(buffer: body))") }
        return (object, response.headers)
    }

    private static func now() -> Int64 { Int64((Date().timeIntervalSince1970 * 1000).rounded()) }
}

extension HTTPClientResponse {
    typealias Headers = HTTPHeaders
}

/// The story did not go as told.
struct DemoError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
