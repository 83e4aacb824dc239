import NIOCore
import NIOHTTP2

/// What the client of an HTTP/2 connection is held to beside its requests: that it takes what it is sent, and that it asks. It also ends
/// the connection so that no request is lost (RFC 9113 section 6.8). It stands behind the parser.
final class MultiplexedGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTP2Frame
    typealias InboundOut = HTTP2Frame
    typealias OutboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private enum Phase {
        case open
        /// The client was told to ask nothing more. It may have asked before it heard of it.
        case announcing
        /// Later requests are not answered. The connection ends with the last one of the others.
        case ending
    }

    /// What the ping holds that a client answers once it has heard that the connection is to end.
    private static let farewell = HTTP2PingData(withInteger: 0x7265_6A6F_696E)
    /// So long the answer is waited for.
    private static let farewellTime: TimeAmount = .milliseconds(500)

    private let connection: MultiplexedConnection
    private let socket: SocketBytes
    private var phase = Phase.open
    private var answer = AnswerWatch()
    private var isStopping = false
    private var idleSince: NIODeadline?
    private var context: ChannelHandlerContext?
    private var tick: Scheduled<Void>?
    private var farewellDeadline: Scheduled<Void>?

    init(_ connection: MultiplexedConnection, socket: SocketBytes) {
        self.connection = connection
        self.socket = socket
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        idleSince = .now()
        connection.onChange = { [weak self] in self?.noteChange() }
        watch()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        tick?.cancel()
        farewellDeadline?.cancel()
        connection.onChange = nil
        self.context = nil
    }

    private func noteChange() {
        idleSince = connection.isIdle ? idleSince ?? .now() : nil
        if connection.isIdle, case .ending = phase, let context {
            // The last answer's end is on its way.
            context.eventLoop.assumeIsolated().execute { context.close(promise: nil) }
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .ping(Self.farewell, ack: true) = unwrapInboundIn(data).payload, case .announcing = phase { end() }
        context.fireChannelRead(data)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent:
            isStopping = true
            answer.restart(.now())
            announceEnd()
        case ChannelEvent.inputClosed:
            // Nothing more is asked, and no window is opened. What is under way is dropped, as it is when a client goes away.
            context.close(promise: nil)
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Frames of requests that are over come late.
        if error is NIOHTTP2Errors.NoSuchStream { return }
        connection.gate.note(.malformed)
        // The parser has said why.
        context.flush()
        context.close(promise: nil)
    }

    /// Tells the client that the connection is to end, and finds out what it had asked until it heard of it.
    private func announceEnd() {
        guard let context, case .open = phase else { return }
        phase = .announcing
        sendGoAway(.maxID)
        context.writeAndFlush(
            wrapOutboundOut(HTTP2Frame(streamID: .rootStream, payload: .ping(Self.farewell, ack: false))), promise: nil)
        farewellDeadline = context.eventLoop.assumeIsolated().scheduleTask(in: Self.farewellTime) { [self] in end() }
    }

    private func end() {
        guard let context, case .announcing = phase else { return }
        phase = .ending
        farewellDeadline?.cancel()
        connection.lastAnswered = connection.lastStream
        sendGoAway(connection.lastStream)
        context.flush()
        if connection.isIdle { context.close(promise: nil) }
    }

    private func sendGoAway(_ last: HTTP2StreamID) {
        context?.write(
            wrapOutboundOut(
                HTTP2Frame(
                    streamID: .rootStream, payload: .goAway(lastStreamID: last, errorCode: .noError, opaqueData: nil))),
            promise: nil)
    }

    // MARK: Time

    private func watch() {
        guard let context, tick == nil else { return }
        // A connection on which nothing happens is looked at as seldom as that allows.
        let milliseconds = connection.isIdle && !isStopping ? connection.limits.idleMilliseconds / 8 : 1_000
        tick = context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(min(milliseconds, 5_000))) { [self] in
            tick = nil
            check(.now())
            watch()
        }
    }

    private func check(_ now: NIODeadline) {
        guard let context, context.channel.isActive else { return }
        let limits = connection.limits
        let buffered = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        if answer.isStalled(
            writtenBytes: socket.writtenBytes, bufferedBytes: buffered, now,
            after: .milliseconds(isStopping ? limits.stoppingMilliseconds : limits.stalledAnswerMilliseconds))
        {
            connection.gate.note(.stalledAnswer)
            return context.triggerUserOutboundEvent(CutConnection(), promise: nil)
        }
        if let idleSince, now - idleSince >= .milliseconds(limits.idleMilliseconds) { announceEnd() }
    }
}
