import HTTPTypes
import Hummingbird

/// The sites whose pages may ask with scripts, beside the server's own.
public enum AllowedOrigins: Sendable, Hashable {
    /// No other site's.
    case none
    /// These: `https://app.example`, as browsers write them.
    case these(Set<String>)
    /// Any site's. A token is needed all the same, and no cookie is one.
    case any

    /// Takes origins as an operator writes them.
    /// - Returns: nil, and the first that is none, where one of them is no origin.
    public static func reading(_ texts: [String]) -> Result<AllowedOrigins, Refused> {
        if texts.contains("*") { return texts.count == 1 ? .success(.any) : .failure(Refused(text: "*")) }
        var origins: Set<String> = []
        for text in texts {
            guard let origin = Self.origin(text) else { return .failure(Refused(text: text)) }
            origins.insert(origin)
        }
        return .success(origins.isEmpty ? .none : .these(origins))
    }

    /// What is no origin, or stands beside `*`.
    public struct Refused: Error, Sendable, Hashable {
        public let text: String

        public init(text: String) { self.text = text }
    }

    /// A scheme and a host, and a port unless it is the scheme's own (RFC 6454 section 6.1).
    private static func origin(_ text: String) -> String? {
        let lowered = text.lowercased()
        guard let match = lowered.wholeMatch(of: /(https?):\/\/([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?\/?/)
        else {
            return nil
        }
        let (scheme, host) = (match.1, match.2)
        guard let port = match.3, port != (scheme == "https" ? "443" : "80") else { return "\(scheme)://\(host)" }
        return "\(scheme)://\(host):\(port)"
    }

    /// The origins as an operator writes them; nil for none.
    public var text: String? {
        switch self {
        case .none: nil
        case .these(let origins): origins.sorted().joined(separator: ",")
        case .any: "*"
        }
    }

    func contains(_ origin: String) -> Bool {
        switch self {
        case .none: false
        case .these(let origins): origins.contains(origin)
        case .any: origin != "null"
        }
    }
}

/// Lets pages of the allowed origins ask (the Fetch Standard's CORS protocol). Without them, everything is as if this did
/// not exist.
///
/// No answer to a page of another site depends on a cookie, so credentials are never allowed.
struct CrossOrigin: RouterMiddleware {
    /// What scripts may read of an answer, beside what they always may.
    private static let exposedHeaders = "Idempotency-Replayed, Retry-After, X-Request-Id"

    private let origins: AllowedOrigins
    private let base: CORSMiddleware<ServerContext>

    init(_ origins: AllowedOrigins) {
        self.origins = origins
        base = CORSMiddleware(
            allowOrigin: origins == .any ? .all : .originBased,
            allowHeaders: [
                .accept, .authorization, .contentType, .idempotencyKey, .lastEventID, .rejoinDevice, .rejoinTenant,
            ],
            allowMethods: [.get, .head, .post, .put, .delete],
            maxAge: .hours(2))
    }

    func handle(
        _ request: Request, context: ServerContext, next: (Request, ServerContext) async throws -> Response
    ) async throws -> Response {
        guard request.uri.path.hasPrefix("/v1/"), let origin = request.headers[.origin], origins.contains(origin),
            request.method != .options || request.headers[.accessControlRequestMethod] != nil
        else { return try await next(request, context) }
        var vary: String?
        var response = try await base.handle(request, context: context) { request, context in
            let response = try await next(request, context)
            vary = response.headers[.vary]
            return response
        }
        if request.method != .options { response.headers[.accessControlExposeHeaders] = Self.exposedHeaders }
        if let vary, origins != .any { response.headers[.vary] = "\(vary), Origin" }
        return response
    }
}
