import NIOCore
import NIOHTTP1
import NIOWebSocket

/// Turns a connection into a WebSocket (RFC 6455) where the application answers `101` to a request that asked for one.
///
/// The request is answered like every other, so that who may ask, and how often, is decided in one place. Until it is, the
/// end of the request is held back: from then on each message of the client is a piece of the request's body, and each
/// piece of the answer's body is a message of the server.
final class SocketUpgrade: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// Fragments of one message, of which the smallest is this long unless it is the last.
    private static let fragmentBytes = 512

    private let messageBytes: Int
    private let limits: TransportLimits
    private let guardian: ConnectionGuard
    private let tap: ByteTap
    private var isAsked = false
    private var holdsEnd = false

    /// - Parameter messageBytes: how long a message of the client may be.
    init(messageBytes: Int, limits: TransportLimits, guardian: ConnectionGuard, tap: ByteTap) {
        self.messageBytes = messageBytes
        self.limits = limits
        self.guardian = guardian
        self.tap = tap
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            isAsked = head.asksForSocket
            context.fireChannelRead(data)
        case .body: context.fireChannelRead(data)
        case .end:
            guard isAsked else { return context.fireChannelRead(data) }
            holdsEnd = true
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard isAsked, case .head(let head) = unwrapOutboundIn(data), head.status != .continue else {
            return context.write(data, promise: promise)
        }
        isAsked = false
        context.write(data, promise: promise)
        if head.status == .switchingProtocols {
            do {
                try open(context)
            } catch {
                // The pipeline is not what this was written for.
                context.fireErrorCaught(error)
                context.close(promise: nil)
            }
        } else if holdsEnd {
            context.fireChannelRead(wrapInboundOut(.end(nil)))
        }
    }

    /// Frames instead of HTTP, from here on.
    private func open(_ context: ChannelHandlerContext) throws {
        let pipeline = context.pipeline.syncOperations
        let encoder = try pipeline.context(handlerType: HTTPResponseEncoder.self)
        let decoder = try pipeline.context(handlerType: ByteToMessageHandler<HTTPRequestDecoder>.self)
        let frames = SocketFrames(tap: tap, limits: limits)
        try pipeline.addHandlers(
            [
                WebSocketFrameEncoder(), ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: messageBytes)),
                MaskedFrames(),
                NIOWebSocketFrameAggregator(
                    minNonFinalFragmentSize: Self.fragmentBytes,
                    maxAccumulatedFrameCount: max(2, messageBytes / Self.fragmentBytes),
                    maxAccumulatedFrameSize: messageBytes),
                frames,
            ], position: .before(guardian))
        pipeline.removeHandler(context: encoder, promise: nil)
        pipeline.removeHandler(context: decoder, promise: nil)
    }
}

extension HTTPRequestHead {
    /// Whether the request asks for a WebSocket where there is one (RFC 6455 section 4.2.1).
    var asksForSocket: Bool {
        method == .GET && version == .http1_1 && uri.prefix { $0 != "?" } == SocketRoutes.path
            && headers[canonicalForm: "upgrade"].contains { $0.lowercased() == "websocket" }
            && headers[canonicalForm: "connection"].contains { $0.lowercased() == "upgrade" }
    }
}

struct UnmaskedFrame: Error {}

/// Lets frames pass that are masked, as a client's have to be (RFC 6455 section 5.1).
final class MaskedFrames: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = WebSocketFrame
    typealias InboundOut = WebSocketFrame

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard unwrapInboundIn(data).maskKey != nil else {
            return context.fireErrorCaught(UnmaskedFrame())
        }
        context.fireChannelRead(data)
    }
}
