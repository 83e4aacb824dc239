import AsyncHTTPClient
import Causality
import struct Foundation.Date
import struct Foundation.UUID
import MergeCore
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
    private var outbox: [Operation] = []
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
        outbox.append(
            Operation(
                id: OperationID(UUID().uuidString.lowercased()), kind: kind, record: key, clock: local.clock,
                claimedMilliseconds: editedAt, fields: ObjectValue(fields.map { .init(name: $0.0, value: $0.1) })))
    }

    var pending: [Operation] { outbox }

    // MARK: Online

    /// A batch that was sent, and what it was answered.
    struct Exchange {
        let operations: [Operation]
        let body: [UInt8]
        let key: ExactString
        let answer: BatchAnswer
    }

    /// Sends what is pending as one batch.
    func send() async throws -> Exchange {
        let operations = outbox
        outbox = []
        let request = BatchRequest(
            device: id, sentAtMilliseconds: Self.now() + clockErrorMilliseconds, operations: operations)
        return try await post(operations, request.encoded(), key: ExactString(UUID().uuidString.lowercased()))
    }

    /// Sends a batch again, as a device does whose answer was lost.
    func resend(_ sent: Exchange) async throws -> Exchange {
        try await post(sent.operations, sent.body, key: sent.key)
    }

    private func post(_ operations: [Operation], _ body: [UInt8], key: ExactString) async throws -> Exchange {
        let answer = try await answer(to: .batch(body, key: key))
        for record in answer.records?.records ?? [] { try take(record) }
        return Exchange(operations: operations, body: body, key: key, answer: answer)
    }

    /// Takes everything that changed since the last time.
    func pull() async throws {
        var hasMore = true
        while hasMore {
            let page = try await answer(to: .changes(since: cursor))
            for record in page.records { try take(record) }
            cursor = page.end.cursor
            hasMore = page.end.hasMore
        }
    }

    private func take(_ record: WireRecord) throws {
        records[record.key] = Local(
            clock: try record.versionVector(), fields: try record.fieldValues(), isDeleted: record.isDeleted)
    }

    private func answer<Answer>(to call: WireCall<Answer>) async throws -> Answer {
        try await http.answer(to: call, at: address, token: token, timeout: .seconds(10))
    }

    private static func now() -> Int64 { Int64((Date().timeIntervalSince1970 * 1000).rounded()) }
}

/// The story did not go as told.
struct DemoError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
