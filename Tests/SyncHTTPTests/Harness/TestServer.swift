import Causality
import EngineHarness
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import MergeCore
import NIOCore
import SyncEngine
import SyncHTTP
import SyncStorage
import SyncWire
import Testing
import Values

/// How a test wants its server.
struct ServerOptions: Sendable {
    var schema = Schema.test
    var limits = EngineLimits()
    var setup = TestingSetup.router
    /// Whether waits end when their time is over, which is real time.
    var hasTimeouts = true
    var key: TokenKey = .secret(TestServer.secret)
    var tokenRequirements = TokenRequirements()
    var keySource: (@Sendable () async -> TokenKey?)?
    var allowedOrigins = AllowedOrigins.none
    var trustedProxies = TrustedProxies.none
    /// Where there are several, beside the server's own key.
    var issuers: [TokenIssuer] = []
    /// The one of them at which reviewers sign in.
    var signIn: ProviderSignIn?
}

/// A server over a new store, and what a test needs around it.
struct TestServer: Sendable {
    static let secret = [UInt8]("an HS256 secret that only these tests know".utf8)

    let server: SyncServer
    let client: any TestClientProtocol
    let clock: TestClock
    let store: GatedStore
    let faults: FaultInjector
    let log: CapturedLog
    let mint: TokenMint

    /// Runs the body against a server on new data of the engine.
    static func run<Result: Sendable>(
        _ engine: Engine, _ options: ServerOptions = ServerOptions(),
        _ body: @escaping @Sendable (TestServer) async throws -> Result
    ) async throws -> Result {
        let faults = FaultInjector()
        let (base, remove) = try await engine.open(probe: faults.probe)
        let store = GatedStore(base: base)
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(try await run(options, on: store, faults, body))
        } catch {
            outcome = .failure(error)
        }
        await store.close()
        try await remove()
        return try outcome.get()
    }

    /// Runs the body against a server on a store, which stays open.
    static func run<Result: Sendable>(
        _ options: ServerOptions = ServerOptions(), on store: GatedStore, _ faults: FaultInjector = FaultInjector(),
        _ body: @escaping @Sendable (TestServer) async throws -> Result
    ) async throws -> Result {
        let clock = TestClock()
        let log = CapturedLog()
        var verifier = try await TokenVerifier(
            options.key, requirements: options.tokenRequirements, readingAgain: options.keySource,
            logger: log.logger())
        if !options.issuers.isEmpty {
            verifier = try await TokenVerifier(options.issuers, logger: log.logger()).taking(own: options.key)
        }
        let server = try await SyncServer(
            engine: SyncEngine(
                store: store, schema: options.schema, limits: options.limits,
                keys: ServerKeys(secret: secret),
                clock: options.hasTimeouts ? clock.engineClock : clock.withoutTimeouts,
                logger: log.logger()),
            verifier: verifier, trustedProxies: options.trustedProxies, allowedOrigins: options.allowedOrigins,
            signIn: options.signIn, logger: log.logger())
        let mint = await TokenMint(secret: secret)
        var configuration = ServerConfiguration()
        configuration.port = 0
        return try await server.application(configuration).test(options.setup) { client in
            try await body(
                TestServer(
                    server: server, client: client, clock: clock, store: store, faults: faults, log: log, mint: mint))
        }
    }

    // MARK: Requests

    func send(
        _ method: HTTPRequest.Method, _ uri: String, token: String? = nil, headers: [(String, String)] = [],
        body: [UInt8]? = nil
    ) async throws -> Answer {
        var fields = HTTPFields()
        if let token { fields[.authorization] = "Bearer \(token)" }
        for (name, value) in headers { fields.append(HTTPField(name: try #require(.init(name)), value: value)) }
        return Answer(
            try await client.executeRequest(
                uri: uri, method: method, headers: fields, body: body.map { ByteBuffer(bytes: $0) }))
    }

    func token(
        tenant: String = "acme", device: String? = nil, roles: [String]? = nil, user: String = "ada",
        validSeconds: Int64 = 3600
    ) async throws -> String {
        var claims = TokenClaims(
            user: user, tenant: tenant, device: device, roles: [],
            expiresAtSeconds: Double(clock.now / 1000 + validSeconds))
        claims.roles = roles
        return try await mint.token(claims)
    }

    func device(_ id: String, tenant: String = "acme", user: String = "ada") async throws -> TestDevice {
        TestDevice(
            server: self, id: id,
            token: try await token(tenant: tenant, device: id, roles: ["device"], user: user))
    }

    func reviewer(tenant: String = "acme", user: String = "rita") async throws -> TestPerson {
        TestPerson(server: self, token: try await token(tenant: tenant, roles: ["reviewer"], user: user))
    }

    func admin(tenant: String = "acme") async throws -> TestPerson {
        TestPerson(server: self, token: try await token(tenant: tenant, roles: ["admin"], user: "root"))
    }
}

/// Someone who asks with a token of their own.
struct TestPerson: Sendable {
    let server: TestServer
    let token: String

    func get(_ uri: String, accept: String? = nil) async throws -> Answer {
        try await server.send(.get, uri, token: token, headers: accept.map { [("Accept", $0)] } ?? [])
    }

    func send(_ method: HTTPRequest.Method, _ uri: String, json: String? = nil) async throws -> Answer {
        try await server.send(
            method, uri, token: token, headers: json == nil ? [] : [("Content-Type", "application/json")],
            body: json.map { Array($0.utf8) })
    }
}

/// A device that sends batches.
struct TestDevice: Sendable {
    let server: TestServer
    let id: String
    let token: String

    func get(_ uri: String, accept: String? = nil) async throws -> Answer {
        try await TestPerson(server: server, token: token).get(uri, accept: accept)
    }

    func send(
        _ drafts: Draft..., key: String = Fresh.id("batch"), atomic: Bool? = nil, sentAt: Int64? = nil,
        query: String = ""
    ) async throws -> Answer {
        try await send(body: batchBody(drafts, atomic: atomic, sentAt: sentAt), key: key, query: query)
    }

    func send(body: String, key: String = Fresh.id("batch"), query: String = "") async throws -> Answer {
        try await send(bytes: Array(body.utf8), key: key, query: query)
    }

    func send(bytes: [UInt8], key: String = Fresh.id("batch"), query: String = "") async throws -> Answer {
        try await server.send(
            .post, "/v1/batches\(query)", token: token,
            headers: [("Content-Type", "application/json"), ("Idempotency-Key", key)], body: bytes)
    }

    /// A create, whose clock is this device's first event.
    func creating(_ record: String, _ fields: Value, in collection: String = "notes", at: Int64? = TestClock.start)
        -> Draft
    {
        .create(record, by: id, fields, in: collection, at: at)
    }

    func record(_ record: String, in collection: String = "notes") async throws -> Answer {
        try await get("/v1/records/\(collection)/\(record)")
    }
}

extension Route {
    /// A query with which an answer that would go on for as long as somebody listens is refused, once everything else about
    /// the request has been found good.
    var endingQuery: String { isEndless ? "?since=nothing" : "" }
}
