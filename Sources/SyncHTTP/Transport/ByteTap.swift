import NIOCore

/// Stands before the parser. It bounds bytes that make no sense yet, and drops those that nobody will read.
final class ByteTap: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let limits: TransportLimits
    weak var guardian: ConnectionGuard?
    /// The bytes since the parser last made a part of a request of them.
    var unframedBytes = 0
    /// Whether what comes is thrown away.
    var isDropping = false
    private var droppedBytes = 0
    /// Takes the bytes of what comes, once nothing of it is HTTP any more; nil while it is.
    var meter: ((Int) -> Void)?
    /// Whether what is written is kept back. It is the end of a body that is only announced.
    var isMute = false

    init(limits: TransportLimits) { self.limits = limits }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data).readableBytes
        guard !isDropping else {
            droppedBytes += bytes
            // Whoever still sends is not waited for, not even to say farewell over TLS.
            if droppedBytes > limits.lingerBytes { context.triggerUserOutboundEvent(CutConnection(), promise: nil) }
            return
        }
        if let meter {
            meter(bytes)
            return context.fireChannelRead(data)
        }
        unframedBytes += bytes
        context.fireChannelRead(data)
        if unframedBytes > limits.headBytes + 1_024 { guardian?.refuseOversizedHead() }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isMute else { return context.write(wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: promise) }
        context.write(data, promise: promise)
    }
}
