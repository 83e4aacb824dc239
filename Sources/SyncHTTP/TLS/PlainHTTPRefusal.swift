import NIOCore

/// Tells a client that speaks HTTP where TLS is expected that it should not. It stands below TLS until the first byte came.
final class PlainHTTPRefusal: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The first byte of a handshake (RFC 8446 section 5.1).
    private static let handshakeRecord: UInt8 = 22

    private let gate: ConnectionGate
    private let handshake: HandshakeGuard
    private let refusals: ParserRefusals
    private let limits: TransportLimits
    private var isRefused = false
    private var droppedBytes = 0

    init(gate: ConnectionGate, handshake: HandshakeGuard, refusals: ParserRefusals, limits: TransportLimits) {
        self.gate = gate
        self.handshake = handshake
        self.refusals = refusals
        self.limits = limits
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        if isRefused {
            droppedBytes += bytes.readableBytes
            if droppedBytes > limits.lingerBytes { context.close(promise: nil) }
        } else if let first = bytes.readableBytesView.first, first != Self.handshakeRecord {
            refuse(context)
        } else {
            context.fireChannelRead(data)
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        }
    }

    private func refuse(_ context: ChannelHandlerContext) {
        isRefused = true
        handshake.end(context.channel, .plain)
        gate.note(.malformed)
        let (head, body) = refusals.answer(.withoutTLS, on: context.channel)
        var text = "HTTP/1.1 \(head.status.code) \(head.status.reasonPhrase)\r\n"
        for (name, value) in head.headers { text += "\(name): \(value)\r\n" }
        var answer = ByteBuffer(string: text + "\r\n")
        if var body { answer.writeBuffer(&body) }
        context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
        context.close(mode: .output, promise: nil)
        // What was sent meanwhile is read, so that the answer is not lost with it (RFC 9112 section 9.6).
        context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(limits.lingerMilliseconds)) {
            context.close(promise: nil)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if isRefused { context.read() } else { context.fireChannelReadComplete() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard isRefused else { return context.fireUserInboundEventTriggered(event) }
        if case ChannelEvent.inputClosed = event { context.close(promise: nil) }
        if event is ChannelShouldQuiesceEvent { context.close(promise: nil) }
    }
}
