import HummingbirdCore
import Logging
import NIOCore
import NIOSSL
import NIOTLS
import SyncEngine

/// A connection over TLS: one of HTTP/1.1 with everything as without TLS, or one of HTTP/2, as the client likes.
struct SecureChannel: HTTPChannelHandler {
    enum Negotiated: Sendable {
        case http1(GuardedChannel.Value)
        case http2(MultiplexedChannel.Streams)
    }

    struct Value: ServerChildChannelValue {
        /// What the client chose in the handshake.
        let negotiated: EventLoopFuture<Negotiated>
        let channel: any Channel
    }

    private let base: GuardedChannel
    private let multiplexed: MultiplexedChannel
    private let certificates: ServerCertificates
    private let limits: TransportLimits
    private let gate: ConnectionGate
    private let refusals: ParserRefusals

    init(
        _ base: GuardedChannel, certificates: ServerCertificates, limits: TransportLimits, gate: ConnectionGate,
        refusals: ParserRefusals, memoryBudget: MemoryBudget
    ) {
        self.base = base
        multiplexed = MultiplexedChannel(
            base: base.base, limits: limits, gate: gate, refusals: refusals, memoryBudget: memoryBudget)
        self.certificates = certificates
        self.limits = limits
        self.gate = gate
        self.refusals = refusals
    }

    var responder: Responder { base.responder }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let admission = gate.admit(channel, isSecure: true)
        return channel.eventLoop.makeCompletedFuture { [base, multiplexed, certificates, limits, gate, refusals] in
            GuardedChannel.bound(channel, limits)
            // TLS hands on all that one turn of reading brings as one piece, and pieces are what is counted above it: of more than
            // one reading a turn, a connection would hold four times as much before anybody looks at it.
            try channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
            let negotiation = NIOTypedApplicationProtocolNegotiationHandler<Negotiated> { result, channel in
                if case .negotiated("h2") = result {
                    multiplexed.setup(channel: channel).map { .http2($0) }
                } else {
                    base.setup(channel: channel, admission, logger: logger).map { .http1($0) }
                }
            }
            // Beyond the limit of connections there are those alone that ask one thing and end.
            let context = certificates.context(mayChooseHTTP2: admission == .ordinary)
            let handshake = HandshakeGuard(gate: gate, limits: limits, admission: admission)
            try channel.pipeline.syncOperations.addHandlers([
                SocketBytes(gate: gate),
                PlainHTTPRefusal(gate: gate, handshake: handshake, refusals: refusals, limits: limits),
                NIOSSLServerHandler(context: context), handshake, negotiation,
            ])
            return Value(negotiated: negotiation.protocolNegotiationResult, channel: channel)
        }
    }

    func handle(value: Value, logger: Logger) async {
        // A handshake that comes to nothing is counted where it ends.
        switch try? await value.negotiated.get() {
        case .http1(let connection): await base.handle(value: connection, logger: logger)
        case .http2(let streams): await multiplexed.handle(streams, logger: logger)
        case nil: return
        }
    }
}
