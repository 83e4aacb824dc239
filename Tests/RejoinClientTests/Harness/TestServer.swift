import Causality
import EngineHarness
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import MergeCore
import NIOCore
import DeviceReplica
import SQLiteStorage
import SyncEngine
import SyncHTTP
import SyncStorage
import SyncWire
import Testing
import Values

/// The real server in this process, without sockets, and what a test needs around it.
struct TestServer: Sendable {
    static let secret = [UInt8]("an HS256 secret that only these tests know".utf8)

    let client: any TestClientProtocol
    let store: any SyncStore
    let mint: TokenMint
    let faults: FaultInjector
    let time: TestClock

    /// Runs the body against a server on a store.
    static func run<Result: Sendable>(
        on store: (any SyncStore)? = nil, schema: Schema = .field, limits: EngineLimits = EngineLimits(),
        time: TestClock = TestClock(), _ body: @escaping @Sendable (TestServer) async throws -> Result
    ) async throws -> Result {
        let faults = FaultInjector()
        let store = store ?? InMemoryStore(probe: faults.probe)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let server = try await SyncServer(
            engine: SyncEngine(
                store: store, schema: schema, limits: limits, keys: ServerKeys(secret: secret),
                clock: time.engineClock, logger: logger),
            verifier: try await TokenVerifier(
                .secret(secret), requirements: TokenRequirements(), readingAgain: nil, logger: logger),
            logger: logger)
        var configuration = ServerConfiguration()
        configuration.port = 0
        let mint = await TokenMint(secret: secret)
        return try await server.application(configuration).test(.router) { client in
            try await body(TestServer(client: client, store: store, mint: mint, faults: faults, time: time))
        }
    }

    func token(
        device: DeviceID?, roles: [String] = ["device"], tenant: String = "acme", validSeconds: Int64 = 36_000
    ) async throws -> String {
        var claims = TokenClaims(
            user: "ada", tenant: tenant, device: device?.name.text, roles: [],
            expiresAtSeconds: Double(time.now / 1_000 + validSeconds))
        claims.roles = roles
        return try await mint.token(claims)
    }

    /// A person who asks.
    func get(_ path: String, roles: [String] = ["reviewer"], accept: String? = nil) async throws -> (Int, [UInt8]) {
        var headers = ["Authorization": "Bearer \(try await token(device: nil, roles: roles))"]
        if let accept { headers["Accept"] = accept }
        let request = ServerRequest(method: "GET", path: path, headers: headers, body: nil, timeout: .seconds(60))
        let response = try await RouterConnection(server: self).send(request)
        return (response.status, response.body)
    }

    /// All conflicts of the audit.
    func conflicts() async throws -> [WireConflict] {
        let (status, body) = try await get("/v1/conflicts/export", accept: "application/x-ndjson")
        guard status == 200 else { throw Unexpected("the audit was answered with \(status)") }
        return try body.split(separator: 0x0A).map { try WireConflict(encoded: Array($0)) }
    }

    /// A record as the server has it, deleted or not; nil where there is none.
    func record(_ collection: ExactString, _ id: ExactString) async throws -> WireRecord? {
        let (status, body) = try await get("/v1/records/\(collection)/\(id)")
        if status == 404 { return nil }
        guard status == 200 else { throw Unexpected("the record was answered with \(status)") }
        return try RecordAnswer(encoded: body).record
    }
}

/// Calls the routes without a socket.
struct RouterConnection: ServerConnection {
    let server: TestServer

    func send(_ request: ServerRequest) async throws(ConnectionFailure) -> ServerResponse {
        var fields = HTTPFields()
        for (name, value) in request.headers {
            if let name = HTTPField.Name(name) { fields[name] = value }
        }
        do {
            let response = try await server.client.executeRequest(
                uri: request.path, method: HTTPRequest.Method(request.method) ?? .get, headers: fields,
                body: request.body.map { ByteBuffer(bytes: $0) })
            return ServerResponse(
                status: Int(response.status.code),
                retryAfterSeconds: response.headers[.retryAfter].flatMap { Int($0) },
                body: Array(response.body.readableBytesView))
        } catch {
            throw .unreachable("\(error)")
        }
    }
}

/// Something in the tests themselves went wrong.
struct Unexpected: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

extension Schema {
    /// Collections with every policy.
    static let field = Schema(declaring: [
        "notes": CollectionRules(),
        "estimates": CollectionRules(
            fields: [
                "title": FieldRule(type: .string),
                "notes": FieldRule(type: .string, merge: .fww),
                "best": FieldRule(type: .integer, merge: .max),
                "visits": FieldRule(type: .integer, merge: .counter),
                "tags": FieldRule(type: .set, merge: .set),
                "status": FieldRule(type: .string, merge: .manual),
                "number": FieldRule(type: .string, merge: .immutable),
                "lat": FieldRule(type: .number),
                "lng": FieldRule(type: .number),
            ],
            groups: ["place": GroupRule(fields: ["lat", "lng"])], required: ["title"]),
        "sheets": CollectionRules(
            fields: ["a": FieldRule(type: .string), "b": FieldRule(type: .string)], recordMerge: .lww),
        "drafts": CollectionRules(deletes: .deleteWins),
    ])
}
