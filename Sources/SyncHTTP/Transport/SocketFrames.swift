import NIOCore
import NIOHTTP1
import NIOWebSocket

/// Makes pieces of a request's body of the client's messages, and messages of the pieces of the answer's body. Pings, closing
/// and the bounds of what is not yet read are its own.
///
/// The client's next message is not read before the one under way has been answered, so that a connection holds one message
/// at a time; what it holds counts as memory of requests, but for a little.
final class SocketFrames: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = WebSocketFrame
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = WebSocketFrame

    /// How often the client is asked whether it is still there, and after how many unanswered times it is not.
    private static let pingInterval: TimeAmount = .seconds(20)
    private static let silentPings = 3
    /// Most messages are shorter than this.
    private static let uncountedBytes = 4 * 1024
    private static let stepBytes = 16 * 1024

    private let tap: ByteTap
    private let limits: TransportLimits
    private var context: ChannelHandlerContext?
    private var charge: MemoryCharge?
    private var heldBytes = 0
    /// Since when something is held that is no whole message yet.
    private var heldSince: NIODeadline?
    private var chargedBytes = 0
    private var isMessageUnderWay = false
    private var wantsRead = false
    private var hasEnded = false
    private var lastWrite: EventLoopFuture<Void>?
    private var heardAt = NIODeadline.now()
    private var ping: Scheduled<Void>?
    /// With what the connection is closed where the application says nothing else.
    private var close = SocketClose.normal

    init(tap: ByteTap, limits: TransportLimits) {
        self.tap = tap
        self.limits = limits
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        tap.meter = { [weak self] bytes in self?.hold(bytes) }
        scheduleQuestion(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        ping?.cancel()
        tap.meter = nil
        giveBack()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        ping?.cancel()
        giveBack()
        context.fireChannelInactive()
    }

    // MARK: What the client says

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        heardAt = .now()
        let frame = unwrapInboundIn(data)
        guard !hasEnded else { return }
        switch frame.opcode {
        case .text:
            var message = frame.unmaskedData
            // An empty piece says that the client is there. An empty message is no JSON, and neither is a space.
            if message.readableBytes == 0 { message = ByteBuffer(string: " ") }
            giveBack()
            isMessageUnderWay = true
            context.fireChannelRead(wrapInboundOut(.body(message)))
        case .binary: end(.unsupported)
        case .ping:
            // Only the last ping wants an answer (RFC 6455 section 5.5.3).
            guard context.channel.isWritable else { return }
            send(WebSocketFrame(fin: true, opcode: .pong, data: frame.unmaskedData), context, promise: nil)
            context.flush()
        case .pong: context.fireChannelRead(wrapInboundOut(.body(ByteBuffer())))
        case .connectionClose: end(.normal)
        case _: end(.malformed)
        }
    }

    func read(context: ChannelHandlerContext) {
        if isMessageUnderWay { wantsRead = true } else { context.read() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case NIOWebSocketError.invalidFrameLength,
            NIOWebSocketFrameAggregator.Error.accumulatedFrameSizeIsTooLarge,
            NIOWebSocketFrameAggregator.Error.tooManyFragments:
            end(.tooLarge)
        case is NIOWebSocketError, is NIOWebSocketFrameAggregator.Error, is UnmaskedFrame: end(.malformed)
        case _: context.fireErrorCaught(error)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        context.fireUserInboundEventTriggered(event)
        if event is ChannelShouldQuiesceEvent { end(.goingAway) }
    }

    /// Nothing of the client's is read any more. What is under way is still answered.
    private func end(_ close: SocketClose) {
        guard let context, !hasEnded else { return }
        hasEnded = true
        self.close = close
        giveBack()
        context.fireChannelRead(wrapInboundOut(.end(nil)))
        context.fireChannelReadComplete()
    }

    // MARK: Memory

    private func hold(_ bytes: Int) {
        heldBytes += bytes
        if heldSince == nil { heldSince = .now() }
        guard let charge, heldBytes > Self.uncountedBytes, heldBytes > chargedBytes else { return }
        let step = max(heldBytes - chargedBytes, Self.stepBytes)
        do {
            try charge.take(step)
            chargedBytes += step
        } catch {
            end(.tryAgainLater)
        }
    }

    private func giveBack() {
        if chargedBytes > 0 { charge?.giveBack(chargedBytes) }
        (heldBytes, chargedBytes, heldSince) = (0, 0, nil)
    }

    // MARK: What the server says

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head: promise?.succeed()
        case .body(.byteBuffer(let message)):
            guard message.readableBytes > 0 else { return follow(promise) }
            send(WebSocketFrame(fin: true, opcode: .text, data: message), context, promise: promise)
        case .body(.fileRegion): promise?.succeed()
        case .end(let trailers):
            hasEnded = true
            let close = trailers?.first(name: SocketClose.trailer).flatMap { UInt16($0) } ?? close.rawValue
            var data = ByteBuffer()
            data.write(webSocketErrorCode: WebSocketErrorCode(codeNumber: Int(close)))
            send(WebSocketFrame(fin: true, opcode: .connectionClose, data: data), context, promise: promise)
        }
    }

    private func send(_ frame: WebSocketFrame, _ context: ChannelHandlerContext, promise: EventLoopPromise<Void>?) {
        let written = promise ?? context.eventLoop.makePromise()
        lastWrite = written.futureResult
        context.write(wrapOutboundOut(frame), promise: written)
    }

    /// Succeeds when everything before has been written.
    private func follow(_ promise: EventLoopPromise<Void>?) {
        guard let promise else { return }
        if let lastWrite { lastWrite.cascade(to: promise) } else { promise.succeed() }
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        switch event {
        case let metered as SocketIsMetered:
            charge = metered.charge
            promise?.succeed()
        case is NextMessageIsWanted:
            isMessageUnderWay = false
            if wantsRead {
                wantsRead = false
                context.read()
            }
            promise?.succeed()
        default: context.triggerUserOutboundEvent(event, promise: promise)
        }
    }

    private func scheduleQuestion(_ context: ChannelHandlerContext) {
        ping = context.eventLoop.assumeIsolated().scheduleTask(in: Self.pingInterval) { [self] in
            guard let context = self.context, context.channel.isActive else { return }
            askWhetherThere()
            scheduleQuestion(context)
        }
    }

    private func askWhetherThere() {
        guard let context else { return }
        guard isMessageUnderWay || .now() - heardAt < Self.pingInterval * Self.silentPings else {
            return context.close(promise: nil)
        }
        // A message may be as slow as a body.
        if let heldSince, !isMessageUnderWay {
            let milliseconds = (.now() - heldSince).nanoseconds / 1_000_000
            let isSlow = Int64(heldBytes) * 1_000 < Int64(limits.bodyBytesPerSecond) * milliseconds
            if heldBytes > Self.uncountedBytes, milliseconds > limits.bodyGraceMilliseconds, isSlow {
                return end(.policy)
            }
        }
        guard context.channel.isWritable, !hasEnded else { return }
        send(WebSocketFrame(fin: true, opcode: .ping, data: ByteBuffer()), context, promise: nil)
        context.flush()
    }
}

/// With what a socket is closed (RFC 6455 section 7.4).
enum SocketClose: UInt16, Sendable {
    /// The trailer of an answer in which the application says it.
    static let trailer = "Close-Code"

    case normal = 1000
    case goingAway = 1001
    case malformed = 1002
    case unsupported = 1003
    case policy = 1008
    case tooLarge = 1009
    case tryAgainLater = 1013
}

/// An event that is sent towards the client's side of a socket: what is held of messages counts as this request's memory.
struct SocketIsMetered: Sendable {
    let charge: MemoryCharge
}

/// An event that is sent towards the client's side of a socket when the message under way has been answered.
struct NextMessageIsWanted: Sendable {}
