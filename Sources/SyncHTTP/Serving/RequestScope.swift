import HTTPTypes
import Hummingbird
import Logging
import MergeCore
import SyncEngine
import SyncWire

/// Stands around every request. Errors become problem documents, and the request is counted, timed and logged.
///
/// The log has the route's pattern and never the path itself: record ids and query values are the tenants' own. It has the
/// address that the request is from.
struct RequestScope: RouterMiddleware {
    let metrics: ServerMetrics
    let memoryBudget: MemoryBudget
    let proxyHeaders: ProxyHeaders
    let logger: Logger

    /// Answers up to here go into the kernel at once, so they are not counted as memory. Over HTTP/2 they wait for the client to
    /// have room for them, as many as there are requests.
    private static var uncountedBytes: Int { MultiplexedChannel.sharesConnection ? 1_024 : 32 * 1024 }

    /// The methods that are counted by name. A client can send any token as a method, and the labels of a metric come
    /// from a fixed set.
    private static let countedMethods: Set<HTTPRequest.Method> = [.get, .head, .post, .put, .patch, .delete, .options]

    func handle(
        _ request: Request, context: ServerContext, next: (Request, ServerContext) async throws -> Response
    ) async throws -> Response {
        let started = ContinuousClock.now
        var response: Response
        var problem: Problem?
        let charge = MemoryCharge(memoryBudget)
        var (request, context) = (request, context)
        context.charge = charge
        context.address = proxyHeaders.read(&request, on: context.channel).address
        // What comes over a socket is no body that ends; its messages are counted one by one.
        if !request.asksForSocket {
            request.body = RequestBody(
                asyncSequence: MeteredBody(request, charge: charge, channel: context.channel))
        }
        do {
            response = try await next(request, context)
            // The body is done with. From here on the answer is what is held.
            charge.release()
            if let bytes = response.body.contentLength, bytes > Self.uncountedBytes { try charge.take(bytes) }
        } catch {
            let mapped = Problem(mapping: error)
            if mapped.code == .internalError {
                logger.error(
                    "a request failed", metadata: ["request": "\(context.requestID)", "error": "\(type(of: error))"])
            }
            response = mapped.response(requestID: context.requestID)
            // The router takes the body off what routes answer to HEAD, not off what they throw (RFC 9110 section 9.3.2).
            if request.method == .head { response = response.createHeadResponse() }
            problem = mapped
        }
        response.headers[.requestID] = context.requestID
        // Values come from devices; no browser is to guess at what they are.
        response.headers[.xContentTypeOptions] = "nosniff"
        proxyHeaders.strictTransport(request, &response)
        let duration = ContinuousClock.now - started
        let route = context.endpointPath ?? "unmatched"
        let method = Self.countedMethods.contains(request.method) ? request.method.rawValue : "other"
        metrics.noteRequest(
            route: route, method: method, status: response.status.code, duration: duration, problem: problem?.code)
        // Where nobody reads it, it is not made.
        if logger.logLevel <= .info {
            var metadata: Logger.Metadata = [
                "request": "\(context.requestID)", "method": "\(method)", "route": "\(route)",
                "status": "\(response.status.code)", "milliseconds": "\(duration.wholeMilliseconds)",
            ]
            if let address = context.address { metadata["address"] = "\(address)" }
            if let problem { metadata["code"] = "\(problem.code.rawValue)" }
            logger.info("request", metadata: metadata)
        }
        if let bytes = response.body.contentLength, bytes <= Self.uncountedBytes {
            metrics.noteBytes(route: route, received: charge.receivedBytes, sent: bytes)
        } else {
            response.body = response.body.metered(by: charge, as: route, metrics, on: context.channel)
        }
        return response
    }
}

extension Duration {
    var wholeMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }

    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
