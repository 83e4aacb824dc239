import Causality
import Foundation
import HTTPTypes
import Hummingbird
import MergeCore
import NIOCore
import SyncEngine
import SyncWire

/// One request on its way to its answer.
struct Exchange: Sendable {
    let request: Request
    let query: QueryParameters
    /// Who asks; nil on routes that are open to all.
    let caller: Caller?
    /// What the request holds of the process's memory.
    let charge: MemoryCharge?
    let requestID: String
    private let channel: any Channel
    /// How many bytes of a body the route reads.
    private let bodyBytes: Int
    private let parameters: Parameters
    private let wire: WireLimits

    /// - Throws: `invalid_request` for a query parameter that the route does not have.
    init(
        _ request: Request, on route: Route, _ context: ServerContext, caller: Caller?, limits: RequestLimits,
        wire: WireLimits
    ) throws(Problem) {
        requestID = context.requestID
        channel = context.channel
        charge = context.charge
        bodyBytes = route.body.bytes(limits)
        self.request = request
        parameters = context.parameters
        self.caller = caller
        self.wire = wire
        query = try QueryParameters(request.uri.query, declared: route.query, limits: limits)
    }

    /// Who asks. Only routes that are open to all have no caller, and they do not ask for one.
    func requireCaller() throws(Problem) -> Caller {
        guard let caller else { throw Problem(.unauthenticated, "Send 'Authorization: Bearer <token>'.") }
        return caller
    }

    /// Calls back once when the client goes away before the answer has ended.
    func onPeerClosed(_ action: @escaping @Sendable () -> Void) {
        channel.triggerUserOutboundEvent(PeerIsAwaited(onClose: action), promise: nil)
    }

    /// Tells the connection something that its handlers go by.
    func tellConnection(_ event: some Sendable) {
        channel.triggerUserOutboundEvent(event, promise: nil)
    }

    /// An answer in lines.
    func lines(_ metrics: ServerMetrics) -> LineStream { LineStream(requestID: requestID, metrics: metrics) }

    /// A part of the path, decoded. What cannot be a name names nothing.
    func name(_ parameter: String) throws(Problem) -> ExactString {
        guard let raw = parameters.get(parameter), let text = raw.removingPercentEncoding,
            NameRule.issue(in: ExactString(text), limits: wire) == nil
        else { throw .notFound }
        return ExactString(text)
    }

    /// A part of the path as it was sent, decoded.
    func text(_ parameter: String) throws(Problem) -> String {
        guard let text = parameters.get(parameter)?.removingPercentEncoding else { throw .notFound }
        return text
    }

    /// A query parameter that is a name.
    func queryName(_ parameter: String) throws(Problem) -> ExactString? {
        guard let text = try query.one(parameter) else { return nil }
        let name = ExactString(text)
        if let issue = NameRule.issue(in: name, limits: wire) { throw .invalidQuery("'\(parameter)': \(issue)") }
        return name
    }

    /// For how long an empty answer may be held. `HEAD` says what `GET` would, and has nothing to wait for.
    func waitSeconds(_ limit: Int) throws(Problem) -> Int {
        let wait = try query.integer("wait", in: 0...limit, default: 0)
        return request.method == .head ? 0 : wait
    }

    /// The whole body, if it is JSON, not encoded and within the limit.
    func jsonBody() async throws(Problem) -> ByteBuffer {
        // A compressed body is refused by its header: nothing is unpacked, so there is no bomb to defuse.
        if let encoding = request.headers[.contentEncoding], encoding.lowercased() != "identity" {
            throw Problem(.unsupportedMediaType, "Send the body without Content-Encoding.")
        }
        let type = request.headers[.contentType]?.prefix { $0 != ";" }.lowercased()
        guard type?.trimmingCharacters(in: .whitespaces) == "application/json" else {
            throw Problem(.unsupportedMediaType, "Send 'Content-Type: application/json'.")
        }
        return try await request.body.whole(of: request, upTo: bodyBytes)
    }
}

extension Response {
    /// The answer to `HEAD` where `GET` is answered this (RFC 9110 section 9.3.2). Nobody knows how long a stream is
    /// before it has been read, so nothing is said of its length.
    func withoutBody() -> Response {
        guard body.contentLength == nil else { return createHeadResponse() }
        return Response(status: status, headers: headers, body: ResponseBody { writer in try await writer.finish(nil) })
    }

    /// A JSON answer.
    static func json(_ bytes: [UInt8], status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) -> Response {
        content(bytes, type: "application/json", status: status, headers: headers)
    }

    /// A document of the wire.
    static func json(_ document: some WireDocument, status: HTTPResponse.Status = .ok) -> Response {
        json(document.encoded(), status: status)
    }

    /// A JSON answer in a buffer that may be shared with others.
    static func json(_ buffer: ByteBuffer) -> Response {
        content(buffer, type: "application/json", status: .ok, headers: [:])
    }

    static func content(
        _ bytes: [UInt8], type: String, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) -> Response {
        content(ByteBuffer(bytes: bytes), type: type, status: status, headers: headers)
    }

    private static func content(
        _ buffer: ByteBuffer, type: String, status: HTTPResponse.Status, headers: HTTPFields
    ) -> Response {
        var headers = headers
        headers[.contentType] = type
        headers[.cacheControl] = "no-store"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: buffer))
    }
}
