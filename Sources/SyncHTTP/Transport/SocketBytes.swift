import NIOCore

/// Stands at the socket, below TLS where there is TLS: counts what goes through the network, and ends the connection at once
/// where somebody is not waited for.
final class SocketBytes: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let gate: ConnectionGate
    /// The bytes given to the socket so far.
    private(set) var writtenBytes = 0

    init(gate: ConnectionGate) { self.gate = gate }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        gate.note(receivedBytes: unwrapInboundIn(data).readableBytes, sentBytes: 0)
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let bytes = unwrapOutboundIn(data).readableBytes
        writtenBytes += bytes
        gate.note(receivedBytes: 0, sentBytes: bytes)
        context.write(data, promise: promise)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is CutConnection else { return context.triggerUserOutboundEvent(event, promise: promise) }
        context.close(promise: promise)
    }
}

/// An event that is sent towards the client's side of a connection: it ends now, and nothing more is said, not even by TLS.
struct CutConnection: Sendable {}
