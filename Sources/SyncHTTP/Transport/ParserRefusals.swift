import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import SyncWire

/// What is refused before there is a request that a route could answer.
enum ParserRefusal: Sendable, Hashable {
    case malformedHead
    case oversizedHead
    case host(isHead: Bool)
    /// HTTP came where TLS was expected.
    case withoutTLS
    /// The server has as many connections as it may.
    case full(isHead: Bool)

    var isFull: Bool {
        switch self {
        case .full: true
        case .malformedHead, .oversizedHead, .host, .withoutTLS: false
        }
    }
}

/// Answers refusals as routes would: with a problem document and a request id, counted and logged.
struct ParserRefusals: Sendable {
    let metrics: ServerMetrics
    let logger: Logger
    let limits: TransportLimits

    /// - Parameter channel: the connection, whose other end is told in the log.
    func answer(_ refusal: ParserRefusal, on channel: any Channel) -> (HTTPResponseHead, ByteBuffer?) {
        let problem = problem(refusal)
        let requestID = ServerContext.newRequestID()
        let document = problem.encoded(requestID: requestID)
        var headers = HTTPHeaders([
            ("content-type", "application/problem+json"), ("cache-control", "no-store"),
            ("content-length", String(document.count)), ("connection", "close"), ("x-request-id", requestID),
            ("x-content-type-options", "nosniff"), ("server", "rejoin"),
        ])
        if let seconds = problem.retryAfterSeconds { headers.add(name: "retry-after", value: String(seconds)) }
        metrics.noteRequest(
            route: "unparsed", method: "other", status: problem.code.status, duration: .zero, problem: problem.code)
        var metadata: Logger.Metadata = [
            "request": "\(requestID)", "route": "unparsed", "status": "\(problem.code.status)",
            "code": "\(problem.code.rawValue)",
        ]
        if let address = IPAddress(channel.remoteAddress) { metadata["address"] = "\(address)" }
        logger.info("request", metadata: metadata)
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: problem.code.status), headers: headers)
        let isHead =
            switch refusal {
            case .host(let isHead), .full(let isHead): isHead
            case .malformedHead, .oversizedHead, .withoutTLS: false
            }
        return (head, isHead ? nil : ByteBuffer(bytes: document))
    }

    private func problem(_ refusal: ParserRefusal) -> Problem {
        switch refusal {
        case .malformedHead: Problem(.invalidRequest, "This is no HTTP request.")
        case .oversizedHead:
            Problem(
                .invalidRequest, "A request's head has at most \(limits.headBytes) bytes.", limit: limits.headBytes)
        case .host: Problem(.invalidRequest, "HTTP/1.1 needs one 'Host'.")
        case .withoutTLS: Problem(.invalidRequest, "This port speaks TLS: ask with https.")
        case .full: .overloaded("The server has as many connections as it may.", retryAfterSeconds: 2)
        }
    }
}
