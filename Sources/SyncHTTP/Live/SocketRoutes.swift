import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import SyncEngine
import SyncWire

/// The socket: many subscriptions, and batches, over one connection (RFC 6455).
struct SocketRoutes: Sendable {
    static let path = "/v1/socket"
    static let subprotocol = "rejoin.v1"
    /// What the accepting server adds to the client's key (RFC 6455 section 1.3).
    private static let acceptSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

    let engine: SyncEngine
    let verifier: TokenVerifier
    let metrics: ServerMetrics
    let origins: AllowedOrigins

    var routes: [Route] {
        [
            Route(
                .get, Self.path, .deviceOrReviewer, isEndless: true, credentials: .headerOrSubprotocol
            ) { try open($0) }
        ]
    }

    private func open(_ exchange: Exchange) throws -> Response {
        let caller = try exchange.requireCaller()
        let headers = exchange.request.headers
        guard exchange.request.asksForSocket else {
            throw Problem(
                .invalidRequest, "Ask for a WebSocket: 'Connection: Upgrade', 'Upgrade: websocket', over HTTP/1.1.")
        }
        guard headers[.webSocketVersion] == "13", let key = headers[.webSocketKey],
            Data(base64Encoded: key)?.count == 16
        else {
            throw Problem(
                .invalidRequest, "Send 'Sec-WebSocket-Version: 13' and a 'Sec-WebSocket-Key' of 16 bytes in base64.")
        }
        if let origin = headers[.origin], !origins.contains(origin), !isOwn(origin, exchange.request) {
            throw Problem(.forbidden, "Pages of this origin are not served here.")
        }
        let accept = Data(Insecure.SHA1.hash(data: Data((key + Self.acceptSuffix).utf8))).base64EncodedString()
        var answer: HTTPFields = [.upgrade: "websocket", .connection: "Upgrade", .webSocketAccept: accept]
        if headers.subprotocols.contains(Self.subprotocol) { answer[.webSocketProtocol] = Self.subprotocol }
        // A socket that only lies there holds a connection for as long as its client answers pings.
        let session = SocketSession(
            engine: engine, verifier: verifier, metrics: metrics, exchange: exchange, caller: caller,
            place: try engine.openStream(caller))
        return Response(
            status: .switchingProtocols, headers: answer,
            body: ResponseBody { writer in
                let close = try await session.run(&writer)
                var trailers = HTTPFields()
                trailers[.closeCode] = close.map { "\($0)" }
                try await writer.finish(close == nil ? nil : trailers)
            })
    }

    /// Whether a page of the server itself asks.
    private func isOwn(_ origin: String, _ request: Request) -> Bool {
        guard let authority = request.head.authority?.lowercased() else { return false }
        return origin == "http://\(authority)" || origin == "https://\(authority)"
    }
}

extension Request {
    /// Whether the request asks for a WebSocket where there is one. It is what the connection itself goes by.
    var asksForSocket: Bool {
        method == .get && uri.path == SocketRoutes.path
            && headers[values: .upgrade].contains { $0.lowercased().contains("websocket") }
            && headers[values: .connection].contains { $0.lowercased().contains("upgrade") }
    }
}

extension Route.Credentials {
    /// The headers with what a browser could only say by subprotocols: `bearer.<token>` for `Authorization` and
    /// `device.<id>` for `Rejoin-Device`, `tenant.<name>` for `Rejoin-Tenant`.
    func fields(of headers: HTTPFields) -> HTTPFields {
        guard self == .headerOrSubprotocol else { return headers }
        var headers = headers
        for (prefix, name, scheme) in [
            ("bearer.", HTTPField.Name.authorization, "Bearer "), ("device.", .rejoinDevice, ""),
            ("tenant.", .rejoinTenant, ""),
        ] where headers[values: name].isEmpty {
            guard let text = headers.subprotocols.first(where: { $0.hasPrefix(prefix) }) else { continue }
            headers[name] = scheme + text.dropFirst(prefix.count)
        }
        return headers
    }
}

extension HTTPFields {
    /// The subprotocols that a client offers for a socket.
    var subprotocols: [String] {
        self[values: .webSocketProtocol].flatMap { field in
            field.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        }
    }
}

extension HTTPField.Name {
    static let webSocketKey = HTTPField.Name("Sec-WebSocket-Key") ?? .cookie
    static let webSocketVersion = HTTPField.Name("Sec-WebSocket-Version") ?? .cookie
    static let webSocketAccept = HTTPField.Name("Sec-WebSocket-Accept") ?? .cookie
    static let webSocketProtocol = HTTPField.Name("Sec-WebSocket-Protocol") ?? .cookie
    static let closeCode = HTTPField.Name(SocketClose.trailer) ?? .cookie
}
