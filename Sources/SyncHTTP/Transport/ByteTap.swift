import NIOCore

/// Stands beside the socket. It counts bytes, bounds those that make no sense yet, and drops those that nobody will
/// read.
final class ByteTap: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let limits: TransportLimits
    private let gate: ConnectionGate
    weak var guardian: ConnectionGuard?
    /// The bytes since the parser last made a part of a request of them.
    var unframedBytes = 0
    /// The bytes given to the socket so far.
    private(set) var writtenBytes = 0
    /// Whether what comes is thrown away.
    var isDropping = false
    private var droppedBytes = 0
    /// Takes the bytes of what comes, once nothing of it is HTTP any more; nil while it is.
    var meter: ((Int) -> Void)?
    /// Whether what is written is kept back. It is the end of a body that is only announced.
    var isMute = false

    init(limits: TransportLimits, gate: ConnectionGate) {
        self.limits = limits
        self.gate = gate
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data).readableBytes
        gate.note(receivedBytes: bytes, sentBytes: 0)
        guard !isDropping else {
            droppedBytes += bytes
            if droppedBytes > limits.lingerBytes { context.close(promise: nil) }
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
        let bytes = unwrapOutboundIn(data).readableBytes
        writtenBytes += bytes
        gate.note(receivedBytes: 0, sentBytes: bytes)
        context.write(data, promise: promise)
    }
}
