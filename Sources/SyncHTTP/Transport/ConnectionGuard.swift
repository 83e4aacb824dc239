import NIOCore
import NIOHTTP1
import SyncWire

/// What one connection's client is held to: bodies that come, answers that are taken, heads that make sense.
///
/// The guard stands between the parser and the application. What it refuses itself is answered after everything that
/// was asked before; then the connection ends. All of it runs on the channel's event loop.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// A request whose answer has not ended.
    private struct Pending {
        let version: HTTPVersion
        let isKeptAlive: Bool
        let isHead: Bool
        var awaitsContinue: Bool
        var isBodyComplete = false
    }

    private enum Phase {
        case open
        /// Nothing more is read; the refusal is answered after what was asked before.
        case refusing(ParserRefusal)
        /// The answer that ends the connection is on its way to the client.
        case ending
        /// The answer is sent. What the client still sends is thrown away.
        case lingering(until: NIODeadline)
    }

    private let limits: TransportLimits
    private let gate: ConnectionGate
    private let refusals: ParserRefusals
    private let tap: ByteTap
    private let socket: SocketBytes
    private let admission: ConnectionGate.Admission
    private var phase = Phase.open
    /// The requests in the order of their answers. Only the last one's body can be incomplete.
    private var pending: [Pending] = []
    private var body = BodyWatch()
    private var hasFailedBody = false
    private var answer = AnswerWatch()
    private var isStopping = false
    private var isInputClosed = false
    /// What is done when the client goes away before the answer under way has ended.
    private var onPeerClosed: [@Sendable () -> Void] = []
    private var acceptedAt = NIODeadline.now()
    private var tick: Scheduled<Void>?
    private var context: ChannelHandlerContext?

    init(
        limits: TransportLimits, gate: ConnectionGate, refusals: ParserRefusals, tap: ByteTap, socket: SocketBytes,
        admission: ConnectionGate.Admission
    ) {
        self.limits = limits
        self.gate = gate
        self.refusals = refusals
        self.tap = tap
        self.socket = socket
        self.admission = admission
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        watch(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        tellOfPeer()
        tick?.cancel()
        self.context = nil
    }

    private var isReadingBody: Bool { pending.last?.isBodyComplete == false }

    // MARK: What the client sends

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        tap.unframedBytes = 0
        guard case .open = phase, !hasFailedBody else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            // Nothing after a request that ends the connection is a request.
            guard pending.last?.isKeptAlive != false else { return }
            if let refusal = refusal(of: head) { return refuse(refusal, context) }
            pending.append(
                Pending(
                    version: head.version,
                    // The parser reads nothing after a request for another protocol, whatever it is answered.
                    isKeptAlive: head.isKeepAlive && head.version.isPersistent && admission == .ordinary
                        && !head.asksForSocket,
                    isHead: head.method == .HEAD,
                    awaitsContinue: head.version.isPersistent
                        && head.headers.first(name: "expect")?.lowercased() == "100-continue"))
            body = BodyWatch(beganAt: .now())
        case .body(let bytes):
            body.note(bytes: bytes.readableBytes)
            pending[pending.count - 1].awaitsContinue = false
        case .end:
            pending[pending.count - 1].isBodyComplete = true
        }
        context.fireChannelRead(data)
    }

    private func refusal(of head: HTTPRequestHead) -> ParserRefusal? {
        let hosts = head.headers["host"].count
        if hosts > 1 || (hosts == 0 && head.version.isPersistent) {
            return .host(isHead: head.method == .HEAD)
        }
        let path = head.uri.prefix { $0 != "?" }
        if admission == .reserve, !OperatorRoutes.watchingPaths.contains(String(path)) {
            return .full(isHead: head.method == .HEAD)
        }
        return nil
    }

    func read(context: ChannelHandlerContext) {
        if isReadingBody { body.beginWaiting(.now()) }
        context.read()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        watch(context)
        // The application reads no more then, so what is thrown away has to be read here.
        if tap.isDropping { context.read() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is HTTPParserError else { return context.fireErrorCaught(error) }
        // Hummingbird would answer a parser's error with an empty body and no request id.
        if isReadingBody {
            failBody(.malformed, context)
        } else if let error = error as? HTTPParserError, case .headerOverflow = error {
            refuse(.oversizedHead, context)
        } else {
            refuse(.malformedHead, context)
        }
    }

    /// Refuses a head that has more bytes than one may have.
    func refuseOversizedHead() {
        guard let context else { return }
        if isReadingBody { failBody(.malformed, context) } else { refuse(.oversizedHead, context) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent:
            isStopping = true
            answer.restart(.now())
            body.restart(.now())
            watch(context)
        case ChannelEvent.inputClosed:
            isInputClosed = true
            tellOfPeer()
            if case .lingering = phase { context.close(promise: nil) }
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        tellOfPeer()
        context.fireChannelInactive()
    }

    private func tellOfPeer() {
        let actions = onPeerClosed
        onPeerClosed = []
        for action in actions { action() }
    }

    /// Ends a body that will not be read to its end. Whoever reads it answers, and the answer ends the connection.
    private func failBody(_ error: BodyError, _ context: ChannelHandlerContext) {
        guard !hasFailedBody else { return }
        hasFailedBody = true
        gate.note(error == .tooSlow ? .slowBody : .malformed)
        context.fireErrorCaught(error)
    }

    private func refuse(_ refusal: ParserRefusal, _ context: ChannelHandlerContext) {
        guard case .open = phase else { return }
        phase = .refusing(refusal)
        gate.note(refusal.isFull ? .full : .malformed)
        if pending.isEmpty { answer(refusal, context) }
    }

    // MARK: What the server answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head) where head.status.code >= 200:
            guard let request = pending.first else { return context.write(data, promise: promise) }
            if endsConnection(after: request) { head.headers.replaceOrAdd(name: "connection", value: "close") }
            if !request.version.isPersistent {
                // A client of HTTP/1.0 knows no chunks: the end of the connection is the end of the body.
                head.version = .http1_0
                head.headers.remove(name: "transfer-encoding")
            }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end:
            onPeerClosed = []
            guard let request = pending.first else { return context.write(data, promise: promise) }
            pending.removeFirst()
            // The encoder does not know what was asked, and would end the chunks that a stream's HEAD only announces.
            tap.isMute = request.isHead
            defer { tap.isMute = false }
            guard !endsConnection(after: request) else { return end(context, data, promise) }
            context.write(data, promise: promise)
            tap.isMute = false
            if case .refusing(let refusal) = phase, pending.isEmpty { answer(refusal, context) }
        case .head, .body:
            context.write(data, promise: promise)
        }
    }

    private func endsConnection(after request: Pending) -> Bool {
        !request.isKeptAlive || !request.isBodyComplete
    }

    private func answer(_ refusal: ParserRefusal, _ context: ChannelHandlerContext) {
        let (head, bytes) = refusals.answer(refusal, on: context.channel)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if let bytes { context.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: nil) }
        end(context, wrapOutboundOut(.end(nil)), nil)
    }

    /// Writes the end of the last answer. When that is sent, the connection is closed once the client had time to read
    /// it.
    private func end(_ context: ChannelHandlerContext, _ data: NIOAny, _ promise: EventLoopPromise<Void>?) {
        phase = .ending
        tap.isDropping = true
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenSuccess { [self] in linger() }
        if let promise { sent.futureResult.cascade(to: promise) }
        context.writeAndFlush(data, promise: sent)
        context.read()
        watch(context)
    }

    private func linger() {
        guard let context, case .ending = phase else { return }
        gate.note(.answered)
        guard !isInputClosed else { return context.close(promise: nil) }
        phase = .lingering(until: .now() + .milliseconds(limits.lingerMilliseconds))
        context.close(mode: .output, promise: nil)
        context.read()
        watch(context)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        // Whoever ends the connection after an answer means after the client has it: closing drops what is not sent.
        guard mode == .all, bufferedBytes(context) > 0 else { return context.close(mode: mode, promise: promise) }
        switch phase {
        case .open, .refusing: end(context, wrapOutboundOut(.body(.byteBuffer(ByteBuffer()))), nil)
        case .ending, .lingering: break
        }
        if let promise { context.channel.closeFuture.cascade(to: promise) }
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        switch event {
        case is BodyIsWanted:
            if pending.first?.awaitsContinue == true, pending.first?.isBodyComplete == false {
                pending[0].awaitsContinue = false
                context.writeAndFlush(
                    wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
                body.restart(.now())
            }
            promise?.succeed(())
        case let awaited as PeerIsAwaited:
            if isInputClosed || !context.channel.isActive {
                awaited.onClose()
            } else {
                onPeerClosed.append(awaited.onClose)
            }
            promise?.succeed(())
        case is WritesAreAwaited:
            // An empty part writes nothing, and is done when everything before it is.
            context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer()))), promise: promise)
        default:
            context.triggerUserOutboundEvent(event, promise: promise)
        }
    }

    func flush(context: ChannelHandlerContext) {
        context.flush()
        watch(context)
    }

    // MARK: Time

    private func bufferedBytes(_ context: ChannelHandlerContext) -> Int {
        (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    /// Looks again after a while, as long as there is something to look at.
    private func watch(_ context: ChannelHandlerContext) {
        guard tick == nil, isWatching(context) else { return }
        tick = context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(limits.checkMilliseconds)) { [self] in
            tick = nil
            guard let context = self.context else { return }
            check(context, .now())
            watch(context)
        }
    }

    private func isWatching(_ context: ChannelHandlerContext) -> Bool {
        if isReadingBody || bufferedBytes(context) > 0 { return true }
        switch phase {
        case .lingering: return true
        case .ending, .refusing, .open: return admission == .reserve
        }
    }

    private func check(_ context: ChannelHandlerContext, _ now: NIODeadline) {
        if case .lingering(let deadline) = phase, now >= deadline {
            return context.triggerUserOutboundEvent(CutConnection(), promise: nil)
        }
        if admission == .reserve, pending.isEmpty, case .open = phase,
            now - acceptedAt >= .milliseconds(limits.reservedMilliseconds)
        {
            gate.note(.full)
            return context.close(promise: nil)
        }
        let stalledMilliseconds = isStopping ? limits.stoppingMilliseconds : limits.stalledAnswerMilliseconds
        if answer.isStalled(
            writtenBytes: socket.writtenBytes, bufferedBytes: bufferedBytes(context), now,
            after: .milliseconds(stalledMilliseconds))
        {
            gate.note(.stalledAnswer)
            return context.triggerUserOutboundEvent(CutConnection(), promise: nil)
        }
        if isReadingBody, !hasFailedBody, body.isTooSlow(now, limits, isStopping: isStopping) {
            failBody(.tooSlow, context)
        }
    }
}

extension HTTPVersion {
    /// Whether the version is HTTP/1.1 or later, in which connections go on after an answer, bodies can be chunked, and
    /// a host is named.
    fileprivate var isPersistent: Bool { major == 1 && minor >= 1 }
}
