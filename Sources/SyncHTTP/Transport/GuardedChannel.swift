import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import Values

/// Hummingbird's HTTP/1.1 channel behind a `ConnectionGuard`.
struct GuardedChannel: HTTPChannelHandler {
    typealias Value = HTTP1Channel.Value

    /// `TCP_NOTSENT_LOWAT` of linux/tcp.h.
    private static let notSentLowWater = NIOBSDSocket.Option(rawValue: 25)

    let base: HTTP1Channel
    private let limits: TransportLimits
    private let messageBytes: Int
    private let gate: ConnectionGate
    private let refusals: ParserRefusals

    /// - Parameter messageBytes: how long a message over a socket may be.
    init(
        responder: @escaping Responder, limits: TransportLimits, messageBytes: Int, gate: ConnectionGate,
        refusals: ParserRefusals
    ) {
        var configuration = HTTP1Channel.Configuration(idleTimeout: .milliseconds(limits.idleMilliseconds))
        configuration.httpDecoder = .init(
            maxHeaderFieldSize: limits.headBytes, maxHeaderListSize: limits.headBytes, maxHeaderFieldCount: 128)
        base = HTTP1Channel(responder: responder, configuration: configuration)
        self.limits = limits
        self.messageBytes = messageBytes
        self.gate = gate
        self.refusals = refusals
    }

    var responder: Responder { base.responder }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let admission = gate.admit(channel)
        return channel.eventLoop.makeCompletedFuture { [gate, limits] in
            let socket = SocketBytes(gate: gate)
            try channel.pipeline.syncOperations.addHandler(socket, position: .first)
            Self.bound(channel, limits)
        }.flatMap { [self] in setup(channel: channel, admission, logger: logger) }
    }

    /// Has the kernel take little ahead of a client that is slow.
    static func bound(_ channel: any Channel, _ limits: TransportLimits) {
        #if os(Linux)
            // This fails where the kernel has no such option; there a slow reader holds more.
            try? channel.syncOptions?.setOption(
                ChannelOptions.Types.SocketOption(level: .tcp, name: notSentLowWater), value: limits.unsentBytes)
        #endif
    }

    /// Sets up a connection that was admitted, and whose `SocketBytes` are there.
    func setup(
        channel: any Channel, _ admission: ConnectionGate.Admission, logger: Logger
    ) -> EventLoopFuture<Value> {
        base.setup(channel: channel, logger: logger).flatMapThrowing { [limits, messageBytes, gate, refusals] value in
            let pipeline = channel.pipeline.syncOperations
            let tap = ByteTap(limits: limits)
            let guardian = ConnectionGuard(
                limits: limits, gate: gate, refusals: refusals, tap: tap,
                socket: try pipeline.handler(type: SocketBytes.self), admission: admission)
            tap.guardian = guardian
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try pipeline.addHandler(guardian, position: .after(decoder))
            let upgrade = SocketUpgrade(messageBytes: messageBytes, limits: limits, guardian: guardian, tap: tap)
            try pipeline.addHandler(upgrade, position: .after(guardian))
            try pipeline.addHandler(tap, position: .before(try pipeline.handler(type: HTTPResponseEncoder.self)))
            return value
        }
    }

    func handle(value: Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}
