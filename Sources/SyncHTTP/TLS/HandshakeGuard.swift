import NIOCore
import NIOSSL
import NIOTLS

/// What a connection's client is held to until TLS's handshake is over. It stands above TLS.
final class HandshakeGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let gate: ConnectionGate
    private let limit: TimeAmount
    private var isOver = false
    private var deadline: Scheduled<Void>?

    init(gate: ConnectionGate, limits: TransportLimits, admission: ConnectionGate.Admission) {
        self.gate = gate
        let milliseconds =
            switch admission {
            case .ordinary: limits.handshakeMilliseconds
            case .reserve: limits.reservedMilliseconds
            }
        limit = .milliseconds(milliseconds)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: limit) { [self] in
            end(context.channel, .slow)
            context.triggerUserOutboundEvent(CutConnection(), promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { deadline?.cancel() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSUserEvent, case .handshakeCompleted(let negotiated) = event {
            end(context.channel, negotiated == "h2" ? .http2 : .http1)
        }
        // Nothing was asked yet.
        if event is ChannelShouldQuiesceEvent, !isOver {
            context.triggerUserOutboundEvent(CutConnection(), promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        // The client closed its side of TCP and not of TLS. What was asked is whole or not by HTTP's own framing.
        case NIOSSLError.uncleanShutdown: break
        case _ where isOver: context.fireErrorCaught(error)
        case _:
            end(context.channel, .failed)
            // TLS has said why, and closes.
            context.fireErrorCaught(error)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(context.channel, .failed)
        context.fireChannelInactive()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        // TLS has no closing of what comes. Whoever wants that waits for nothing any more.
        guard mode == .input else { return context.close(mode: mode, promise: promise) }
        context.triggerUserOutboundEvent(CutConnection(), promise: promise)
    }

    /// Notes how the handshake ended, once.
    func end(_ channel: any Channel, _ end: HandshakeEnd) {
        guard !isOver else { return }
        isOver = true
        deadline?.cancel()
        gate.note(end, of: channel)
    }
}
