import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ReviewPage
import SyncEngine
import SyncWire

/// Where the server listens.
public struct ServerConfiguration: Sendable {
    public var host = "127.0.0.1"
    /// 0 takes a free one.
    public var port = 8080
    /// Connections that are idle between requests are closed after this. Above the longest wait of a long poll.
    public var idleSeconds: Int64 = 120

    public init() {}
}

/// The HTTP side of Rejoin: routes, authentication, problems.
///
/// What it guards against: the tenant and the device come from the verified token alone; bodies are bounded before they are
/// read and parsed by a parser with bounded depth; another tenant's names answer as if they did not exist; no value, token or
/// internal text is in an answer or a log. What it leaves to the proxy in front: TLS, and limits per address.
public struct SyncServer: Sendable {
    public let engine: SyncEngine
    public let verifier: TokenVerifier
    public let metrics: ServerMetrics
    public let logger: Logger
    private let review: ReviewPageRoutes

    /// - Throws: when a template of the reviewers' pages cannot be read, which the tests rule out.
    public init(
        engine: SyncEngine, verifier: TokenVerifier, metrics: ServerMetrics = ServerMetrics(), logger: Logger
    ) async throws {
        review = ReviewPageRoutes(
            engine: engine, verifier: verifier, sessions: await ReviewSessions(identity: engine.identity),
            pages: try ReviewPages())
        self.engine = engine
        self.verifier = verifier
        self.metrics = metrics
        self.logger = logger
    }

    /// Everything that the server answers to programs. The reviewers' pages are beside it, for browsers.
    public var routes: [Route] {
        BatchRoutes(engine: engine, metrics: metrics).routes + FeedRoutes(engine: engine).routes
            + ConflictRoutes(engine: engine).routes + ReviewingRoutes(engine: engine).routes
            + DeviceRoutes(engine: engine).routes + OperatorRoutes(engine: engine, metrics: metrics).routes
    }

    /// The methods of RFC 9110 section 9 and RFC 5789 that a path can be asked with. `HEAD` follows `GET`.
    private static let knownMethods: [HTTPRequest.Method] = [.get, .post, .put, .patch, .delete, .options, .trace]

    public func router() -> Router<ServerContext> {
        let router = Router(context: ServerContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: RequestScope(metrics: metrics, logger: logger))
        var methods: [String: Set<HTTPRequest.Method>] = [:]
        for route in routes {
            methods[route.path, default: []].insert(route.method)
            router.on(route.routerPath, method: route.method) { request, context in
                try await answer(route, request, context)
            }
        }
        for route in routes {
            guard let allowed = methods.removeValue(forKey: route.path) else { continue }
            for method in Self.knownMethods where !allowed.contains(method) {
                router.on(route.routerPath, method: method) { _, context in
                    Self.methodNotAllowed(allowed, context)
                }
            }
        }
        review.add(to: router)
        return router
    }

    private func answer(_ route: Route, _ request: Request, _ context: ServerContext) async throws -> Response {
        var caller: Caller?
        if route.access != .open {
            let verified = try await verifier.caller(
                request.headers[.authorization], nowMilliseconds: engine.clock.now(), limits: engine.limits)
            try route.access.check(verified)
            if route.charging == .beforehand { try engine.charge(verified) }
            caller = verified
        }
        return try await route.handle(try Exchange(request, parameters: context.parameters, caller: caller))
    }

    private static func methodNotAllowed(
        _ allowed: Set<HTTPRequest.Method>, _ context: ServerContext
    ) -> Response {
        var response = Problem(.methodNotAllowed, "This path answers other methods.")
            .response(requestID: context.requestID)
        response.headers[.allow] = allowed.map(\.rawValue).sorted().joined(separator: ", ")
        return response
    }

    /// - Parameter onRunning: called with the port once the server listens.
    public func application(
        _ configuration: ServerConfiguration, onRunning: @escaping @Sendable (Int) async -> Void = { _ in }
    ) -> some ApplicationProtocol {
        Application(
            router: router(),
            server: .http1(configuration: .init(idleTimeout: .seconds(configuration.idleSeconds))),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), serverName: "rejoin"),
            onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? configuration.port) },
            logger: logger)
    }
}
