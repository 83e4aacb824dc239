import HTTPTypes
import Hummingbird
import NIOCore
import SyncWire

extension HTTPField.Name {
    // The names are fixed and valid (RFC 9110 section 5.1), so the failable initialiser has nothing to fail on.
    static let idempotencyKey = HTTPField.Name("Idempotency-Key") ?? .cookie
    static let idempotencyReplayed = HTTPField.Name("Idempotency-Replayed") ?? .cookie
    static let rejoinDevice = HTTPField.Name("Rejoin-Device") ?? .cookie
    static let rejoinTenant = HTTPField.Name("Rejoin-Tenant") ?? .cookie
    static let requestID = HTTPField.Name("X-Request-Id") ?? .cookie
}

extension Problem {
    /// Every error that can leave a route, as the document that the client is told. This is the one place where errors
    /// become answers.
    init(mapping error: any Error) {
        switch error {
        case let problem as Problem:
            self = problem
        case let error as HTTPError:
            switch error.status {
            case .notFound: self = .notFound
            case .methodNotAllowed: self.init(.methodNotAllowed, "This path answers other methods.")
            case .contentTooLarge: self.init(.batchTooLarge, "The body is too large.")
            case .unsupportedMediaType: self.init(.unsupportedMediaType, "This media type is not read here.")
            case .badRequest: self.init(.invalidRequest, "The request could not be read.")
            default: self.init(.internalError, "The server failed; the request can be sent again.")
            }
        case let error as BodyError: self.init(error)
        case is CancellationError:
            self = .overloaded("The server is stopping.", retryAfterSeconds: 2)
        default:
            self.init(.internalError, "The server failed; the request can be sent again.")
        }
    }

    func response(requestID: String) -> Response {
        var headers: HTTPFields = [.contentType: "application/problem+json", .cacheControl: "no-store"]
        if let retryAfterSeconds { headers[.retryAfter] = String(retryAfterSeconds) }
        switch code {
        case .unauthenticated: headers[.wwwAuthenticate] = "Bearer"
        // RFC 6750 section 3.1.
        case .tokenExpired: headers[.wwwAuthenticate] = "Bearer error=\"invalid_token\""
        default: break
        }
        return Response(
            status: HTTPResponse.Status(code: code.status), headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: encoded(requestID: requestID))))
    }
}
