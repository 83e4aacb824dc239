import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ReviewPage
import ServiceLifecycle
import SyncEngine
import SyncWire

/// Where the server listens.
public struct ServerConfiguration: Sendable {
    public var host = "127.0.0.1"
    /// The port; 0 takes a free one.
    public var port = 8080
    /// The port at which `/healthz`, `/readyz` and `/metrics` are answered instead; nil where they stand beside
    /// everything else.
    public var managementPort: Int?

    public init() {}
}

/// The HTTP side of Rejoin: routes, authentication, problems.
///
/// It guards against clients. The tenant and the device come from the verified token alone. Bodies are bounded before
/// they are read, and a parser with bounded depth reads them. Another tenant's names answer as if they did not exist.
/// No value, token or internal text is in an answer or a log. Limits per address are left to the proxy in front.
public struct SyncServer: Sendable {
    public let engine: SyncEngine
    public let verifier: TokenVerifier
    public let metrics: ServerMetrics
    public let logger: Logger
    public let transport: TransportLimits
    public let requestLimits = RequestLimits()
    let memoryBudget: MemoryBudget
    let gate: ConnectionGate
    /// What connections are shown; nil for HTTP without TLS.
    private let certificates: ServerCertificates?
    private let trustedProxies: TrustedProxies
    private let gauges: [ServerGauge]
    private let version: String
    /// The other sites whose pages may ask.
    public let allowedOrigins: AllowedOrigins
    private let review: ReviewPageRoutes

    /// - Parameters:
    ///   - certificates: what clients are shown; nil for HTTP without TLS. Who makes the server runs it as a service.
    ///   - trustedProxies: whose word is believed on whom they ask for.
    ///   - signIn: the identity provider at which reviewers sign in, which is one of the verifier's issuers; nil for none.
    /// - Throws: when a template of the reviewers' pages cannot be read, which the tests rule out.
    public init(
        engine: SyncEngine, verifier: TokenVerifier, metrics: ServerMetrics = ServerMetrics(),
        transport: TransportLimits = TransportLimits(), certificates: ServerCertificates? = nil,
        trustedProxies: TrustedProxies = .none, allowedOrigins: AllowedOrigins = .none,
        signIn: ProviderSignIn? = nil, gauges: [ServerGauge] = [], version: String = "0",
        logger: Logger
    ) async throws {
        self.gauges = gauges
        self.certificates = certificates
        self.trustedProxies = trustedProxies
        self.version = version
        self.allowedOrigins = allowedOrigins
        self.transport = transport
        memoryBudget = MemoryBudget(capacityBytes: transport.memoryBytes, shareBytes: transport.memoryBytesPerTenant)
        gate = ConnectionGate(transport)
        var flow: ProviderFlow?
        if let signIn { flow = await ProviderFlow(signIn, engine.keys, logger: logger) }
        review = ReviewPageRoutes(
            engine: engine, limits: requestLimits, verifier: verifier, sessions: await ReviewSessions(engine.keys),
            pages: try ReviewPages(), flow: flow)
        self.engine = engine
        self.verifier = verifier
        self.metrics = metrics
        self.logger = logger
    }

    /// Everything that the server answers to programs. The reviewers' pages are beside it, for browsers.
    public var routes: [Route] {
        BatchRoutes(engine: engine, metrics: metrics).routes
            + FeedRoutes(
                engine: engine, metrics: metrics, toldLimits: requestLimits.told(beside: engine.limits)
            ).routes + LiveRoutes(engine: engine, metrics: metrics).routes
            + SocketRoutes(engine: engine, verifier: verifier, metrics: metrics, origins: allowedOrigins).routes
            + ConflictRoutes(engine: engine, metrics: metrics).routes + ReviewingRoutes(engine: engine).routes
            + DeviceRoutes(engine: engine).routes
            + OperatorRoutes(
                engine: engine, metrics: metrics, gate: gate, memoryBudget: memoryBudget, transport: transport,
                certificates: certificates, gauges: gauges
            ).routes + FrontRoute(pages: review.pages, version: version).routes
    }

    /// Everything that the reviewers' pages answer at.
    public var reviewAddresses: [ReviewAddress] { review.addresses }

    /// The methods of RFC 9110 section 9 and RFC 5789 that a path can be asked with. `HEAD` follows `GET`.
    private static let knownMethods: [HTTPRequest.Method] = [
        .get, .post, .put, .patch, .delete, .options, .trace,
    ]

    public func router() -> Router<ServerContext> {
        let router = router(of: routes, isSecure: certificates != nil)
        review.add(to: router)
        return router
    }

    private func router(of routes: [Route], isSecure: Bool) -> Router<ServerContext> {
        let router = Router(context: ServerContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: CrossOrigin(allowedOrigins))
        router.add(
            middleware: RequestScope(
                metrics: metrics, memoryBudget: memoryBudget,
                proxyHeaders: ProxyHeaders(proxies: trustedProxies, isSecure: isSecure, logger: logger), logger: logger)
        )
        var methods: [String: Set<HTTPRequest.Method>] = [:]
        for route in routes {
            methods[route.path, default: []].insert(route.method)
            router.on(RouterPath(openAPI: route.path), method: route.method) { request, context in
                try await answer(route, request, context)
            }
            // The router's own answer to HEAD would say of a stream that it is empty.
            guard route.method == .get else { continue }
            router.on(RouterPath(openAPI: route.path), method: .head) { request, context in
                try await answer(route, request, context).withoutBody()
            }
        }
        for route in routes {
            guard let allowed = methods.removeValue(forKey: route.path) else { continue }
            for method in Self.knownMethods where !allowed.contains(method) {
                router.on(RouterPath(openAPI: route.path), method: method) { _, context in
                    Self.methodNotAllowed(allowed, context)
                }
            }
        }
        return router
    }

    private func answer(_ route: Route, _ request: Request, _ context: ServerContext) async throws -> Response {
        var caller: Caller?
        if route.access != .open {
            let fields = route.credentials.fields(of: request.headers)
            let verified = try await verifier.caller(
                fields[.authorization], in: TenantHeader(fields, limits: engine.limits.wire),
                nowMilliseconds: engine.clock.now(), limits: engine.limits.wire, memberships: engine.memberships
            ).naming(DeviceHeader(fields, limits: engine.limits.wire), on: route)
            try route.access.check(verified)
            if route.charging == .beforehand { try engine.charge(verified) }
            if route.accessCheck == .beforehand { try await engine.permit(verified) }
            caller = verified
            context.charge?.name(verified.tenant)
        }
        do {
            return try await route.handle(
                try Exchange(
                    request, on: route, context, caller: caller, limits: requestLimits, wire: engine.limits.wire))
        } catch {
            // Whoever's access has ended hears of that and of nothing else. Where the data cannot be asked, that is it.
            if route.accessCheck == .byHandler, let caller, (error as? Problem)?.code != .storageUnavailable {
                try await engine.permit(caller)
            }
            throw error
        }
    }

    private static func methodNotAllowed(
        _ allowed: Set<HTTPRequest.Method>, _ context: ServerContext
    ) -> Response {
        var response = Problem(.methodNotAllowed, "This path answers other methods.")
            .response(requestID: context.requestID)
        response.headers[.allow] = allowed.map(\.rawValue).sorted().joined(separator: ", ")
        return response
    }

    /// The server for clients.
    /// - Parameter onRunning: called with the port once the server listens.
    public func application(
        _ configuration: ServerConfiguration, onRunning: @escaping @Sendable (Int) async -> Void = { _ in }
    ) -> some ApplicationProtocol {
        let all: Router<ServerContext>
        if configuration.managementPort == nil {
            all = router()
        } else {
            all = router(
                of: routes.filter { !OperatorRoutes.watchingPaths.contains($0.path) }, isSecure: certificates != nil)
            review.add(to: all)
        }
        return application(
            all, configuration.host, configuration.port, transport, gate, certificates, onRunning)
    }

    /// The server by which this one is watched, at a port of its own with connections of its own and without TLS; nil where
    /// that is not wanted.
    public func managementApplication(
        _ configuration: ServerConfiguration, onRunning: @escaping @Sendable (Int) async -> Void = { _ in }
    ) -> (any Service)? {
        guard let port = configuration.managementPort else { return nil }
        var limits = transport
        limits.connections = limits.reservedConnections
        return application(
            router(of: routes.filter { OperatorRoutes.watchingPaths.contains($0.path) }, isSecure: false),
            configuration.host, port, limits, ConnectionGate(limits), nil, onRunning)
    }

    private func application(
        _ router: Router<ServerContext>, _ host: String, _ port: Int, _ limits: TransportLimits,
        _ gate: ConnectionGate, _ certificates: ServerCertificates?,
        _ onRunning: @escaping @Sendable (Int) async -> Void
    ) -> some ApplicationProtocol {
        let refusals = ParserRefusals(metrics: metrics, logger: logger, limits: limits)
        // A batch, and what a message says around it.
        let messageBytes = requestLimits.bodyBytes + 4 * 1024
        return Application(
            router: router,
            server: HTTPServerBuilder { responder in
                let plain = GuardedChannel(
                    responder: responder, limits: limits, messageBytes: messageBytes, gate: gate, refusals: refusals)
                guard let certificates else { return plain }
                return SecureChannel(
                    plain, certificates: certificates, limits: limits, gate: gate, refusals: refusals,
                    memoryBudget: memoryBudget)
            },
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port), serverName: "rejoin", backlog: 1_024),
            onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? port) }, logger: logger)
    }
}
