import NIOCore
import NIOHPACK
import NIOHTTP1
import NIOHTTP2

/// What one request over HTTP/2 is held to: as `ConnectionGuard` is for a connection of HTTP/1.1. It stands at the stream, and all of it
/// runs on the connection's event loop.
final class StreamGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = HTTP2Frame.FramePayload
    typealias OutboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    /// Header fields of a request; as many as over HTTP/1.1.
    private static let fields = 128
    /// Answers are given to the connection in pieces of this, so that it shows when a client takes some of one.
    private static let pieceBytes = 16 * 1024

    private let connection: MultiplexedConnection
    private let refusals: ParserRefusals
    private var limits: TransportLimits { connection.limits }
    private var context: ChannelHandlerContext?
    private var id = HTTP2StreamID.rootStream
    private var hasHead = false
    private var isRefused = false
    private var awaitsContinue = false
    private var isBodyComplete = false
    private var hasFailedBody = false
    /// Nothing of a body is read before the application wants it, so that what a client sends unasked stays where it is counted.
    private var isBodyWanted = false
    private var isReadHeldBack = false
    private var body = BodyWatch()
    private var answer = AnswerWatch()
    private var hasAnswerEnded = false
    /// The bytes of the answer given to the connection, and those of them that it does not have any more.
    private var (writtenBytes, takenBytes) = (0, 0)
    private var lastWrite: EventLoopFuture<Void>?
    private var isStopping = false
    private var onPeerClosed: [@Sendable () -> Void] = []
    private var tick: Scheduled<Void>?

    init(_ connection: MultiplexedConnection, refusals: ParserRefusals) {
        self.connection = connection
        self.refusals = refusals
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        id = (try? context.channel.syncOptions?.getOption(HTTP2StreamChannelOptions.streamID)) ?? .rootStream
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    private func end() {
        tick?.cancel()
        connection.close(id)
        tellOfPeer()
        context = nil
    }

    private func tellOfPeer() {
        let actions = onPeerClosed
        onPeerClosed = []
        for action in actions { action() }
    }

    // MARK: What the client sends

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefused else { return }
        switch unwrapInboundIn(data) {
        case .headers(let headers) where !hasHead: begin(headers, context, data)
        case .headers(let headers):
            // Trailers.
            isBodyComplete = isBodyComplete || headers.endStream
            if !hasFailedBody { context.fireChannelRead(data) }
        case .data(let piece):
            connection.note(read: piece.data.readableBytes, of: id)
            guard !hasFailedBody else { return }
            body.note(bytes: piece.data.readableBytes)
            awaitsContinue = false
            isBodyComplete = isBodyComplete || piece.endStream
            context.fireChannelRead(data)
        case _: context.fireChannelRead(data)
        }
    }

    private func begin(_ head: HTTP2Frame.FramePayload.Headers, _ context: ChannelHandlerContext, _ data: NIOAny) {
        hasHead = true
        isBodyComplete = head.endStream
        guard connection.open(id, self) else {
            isRefused = true
            // The client may ask again, since nothing was done (RFC 9113 section 8.7).
            return reset(.refusedStream)
        }
        if let refusal = refusal(of: head.headers) { return refuse(refusal, context) }
        awaitsContinue = !isBodyComplete && head.headers.first(name: "expect")?.lowercased() == "100-continue"
        if !isBodyComplete { body = BodyWatch(beganAt: .now()) }
        context.fireChannelRead(data)
        watch()
    }

    /// What the parser of HTTP/1.1 and `ConnectionGuard` refuse, and the parser of HTTP/2 lets pass.
    private func refusal(of headers: HPACKHeaders) -> ParserRefusal? {
        if headers.count > Self.fields { return .oversizedHead }
        let isHead = headers.first(name: ":method") == "HEAD"
        let (authority, hosts) = (headers.first(name: ":authority"), headers[canonicalForm: "host"])
        // Two names for the host are two requests to whoever reads the other one (RFC 9113 section 8.3.1).
        guard hosts.count <= 1, authority != nil || !hosts.isEmpty,
            authority == nil || hosts.isEmpty || authority?.lowercased() == hosts.first?.lowercased()
        else { return .host(isHead: isHead) }
        return nil
    }

    private func refuse(_ refusal: ParserRefusal, _ context: ChannelHandlerContext) {
        isRefused = true
        connection.gate.note(.malformed)
        let (head, bytes) = refusals.answer(refusal, on: context.channel)
        var headers = HPACKHeaders([(":status", String(head.status.code))])
        for (name, value) in head.headers where name != "connection" { headers.add(name: name, value: value) }
        context.write(wrapOutboundOut(.headers(.init(headers: headers, endStream: bytes == nil))), promise: nil)
        if let bytes {
            context.write(wrapOutboundOut(.data(.init(data: .byteBuffer(bytes), endStream: true))), promise: nil)
        }
        finish(context)
    }

    func read(context: ChannelHandlerContext) {
        guard !hasHead || isBodyWanted || isBodyComplete else {
            isReadHeldBack = true
            return
        }
        if hasHead, !isBodyComplete { body.beginWaiting(.now()) }
        context.read()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent {
            isStopping = true
            answer.restart(.now())
            body.restart(.now())
            watch()
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func failBody(_ error: BodyError) {
        guard let context, !hasFailedBody else { return }
        hasFailedBody = true
        connection.gate.note(error == .tooSlow ? .slowBody : .malformed)
        context.fireErrorCaught(error)
    }

    /// Ends the request, whose client makes more trouble than is borne.
    func giveUp() {
        connection.gate.note(.malformed)
        reset(.enhanceYourCalm)
    }

    private func reset(_ code: HTTP2ErrorCode) {
        context?.writeAndFlush(wrapOutboundOut(.rstStream(code)), promise: nil)
    }

    // MARK: What the server answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isRefused else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .headers(let headers):
            context.write(data, promise: promise)
            if headers.endStream { finish(context) }
        case .data(let piece):
            write(piece, context, promise)
            if piece.endStream { finish(context) }
        case _: context.write(data, promise: promise)
        }
    }

    private func write(
        _ data: HTTP2Frame.FramePayload.Data, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?
    ) {
        guard case .byteBuffer(var rest) = data.data else {
            return context.write(wrapOutboundOut(.data(data)), promise: promise)
        }
        repeat {
            let piece = rest.readSlice(length: min(rest.readableBytes, Self.pieceBytes)) ?? ByteBuffer()
            let isLast = rest.readableBytes == 0
            let taken = context.eventLoop.makePromise(of: Void.self)
            let bytes = piece.readableBytes
            writtenBytes += bytes
            taken.futureResult.assumeIsolated().whenComplete { [self] _ in takenBytes += bytes }
            if isLast, let promise { taken.futureResult.cascade(to: promise) }
            lastWrite = taken.futureResult
            context.write(
                wrapOutboundOut(.data(.init(data: .byteBuffer(piece), endStream: isLast && data.endStream))),
                promise: taken)
        } while rest.readableBytes > 0
    }

    /// The answer's last piece was given to the connection. When it is sent, a client that is still sending is told to stop
    /// (RFC 9113 section 8.1): earlier, and what is not sent yet would be lost.
    private func finish(_ context: ChannelHandlerContext) {
        hasAnswerEnded = true
        onPeerClosed = []
        context.flush()
        guard !isBodyComplete else { return watch() }
        if let lastWrite {
            lastWrite.assumeIsolated().whenSuccess { [self] in endBody() }
        } else {
            endBody()
        }
        watch()
    }

    private func endBody() {
        if !isBodyComplete { reset(.noError) }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        // A request's frames say where its answer ends.
        guard mode != .output else {
            promise?.succeed()
            return
        }
        if mode == .all, hasAnswerEnded || isRefused {
            // Closing drops what is not sent. The stream closes with its last frame.
            if let promise { context.channel.closeFuture.cascade(to: promise) }
        } else {
            reset(mode == .all ? .internalError : .cancel)
            context.close(promise: promise)
        }
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        switch event {
        case is BodyIsWanted:
            isBodyWanted = true
            if awaitsContinue, !isBodyComplete {
                awaitsContinue = false
                context.writeAndFlush(
                    wrapOutboundOut(.headers(.init(headers: HPACKHeaders([(":status", "100")])))), promise: nil)
                body.restart(.now())
            }
            if isReadHeldBack {
                isReadHeldBack = false
                read(context: context)
            }
            promise?.succeed()
        case let awaited as PeerIsAwaited:
            if self.context == nil { awaited.onClose() } else { onPeerClosed.append(awaited.onClose) }
            promise?.succeed()
        case is WritesAreAwaited:
            context.flush()
            guard let promise else { return }
            if let lastWrite { lastWrite.cascade(to: promise) } else { promise.succeed() }
        // The stream's channel leaves promises of events alone.
        case _: promise?.succeed()
        }
    }

    func flush(context: ChannelHandlerContext) {
        context.flush()
        watch()
    }

    // MARK: Time

    private var isReadingBody: Bool { hasHead && !isBodyComplete && !hasFailedBody && !hasAnswerEnded }

    /// Looks again after a while, as long as there is something to look at.
    private func watch() {
        guard let context, tick == nil, isReadingBody || writtenBytes > takenBytes else { return }
        tick = context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(limits.checkMilliseconds)) { [self] in
            tick = nil
            check(.now())
            watch()
        }
    }

    private func check(_ now: NIODeadline) {
        guard context != nil else { return }
        let stalledMilliseconds = isStopping ? limits.stoppingMilliseconds : limits.stalledAnswerMilliseconds
        if answer.isStalled(
            writtenBytes: writtenBytes, bufferedBytes: writtenBytes - takenBytes, now,
            after: .milliseconds(stalledMilliseconds))
        {
            connection.gate.note(.stalledAnswer)
            return reset(.cancel)
        }
        if isReadingBody, body.isTooSlow(now, limits, isStopping: isStopping) { failBody(.tooSlow) }
    }
}
