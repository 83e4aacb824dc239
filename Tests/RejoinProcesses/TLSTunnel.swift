import NIOCore
import NIOPosix
import NIOSSL

/// A port of this machine behind which a server's TLS is: what is said there in clear is said to the server over TLS, and the other way
/// round. Nothing is read ahead of whoever takes it, so that who reads slowly looks slow to the server.
package final class TLSTunnel: Sendable {
    /// `http://127.0.0.1:40123`.
    package let address: String
    private let listener: any Channel

    /// - Parameter server: the server's address, as it announced it.
    package init(to server: String) async throws {
        guard let port = server.split(separator: ":").last.flatMap({ Int($0) }) else {
            throw TestError("\(server) names no port")
        }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.shutdownTimeout = .milliseconds(100)
        let context = try NIOSSLContext(configuration: configuration)
        listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.backlog, value: 1_024)
            // Otherwise the kernel takes megabytes of what the server does not.
            .serverChannelOption(.socketOption(.so_rcvbuf), value: 65_536)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.socketOption(.so_sndbuf), value: 16_384)
            .childChannelInitializer { inner in
                ClientBootstrap(group: inner.eventLoop)
                    .channelOption(.autoRead, value: false)
                    .channelOption(.socketOption(.so_rcvbuf), value: 16_384)
                    .channelInitializer { outer in
                        outer.eventLoop.makeCompletedFuture {
                            let (near, far) = (TunnelEnd(), TunnelEnd())
                            (near.other, far.other) = (far, near)
                            try outer.pipeline.syncOperations.addHandlers([
                                try NIOSSLClientHandler(context: context, serverHostname: nil), far,
                            ])
                            try inner.pipeline.syncOperations.addHandler(near)
                        }
                    }
                    .connect(host: "127.0.0.1", port: port).map { _ in }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        address = "http://127.0.0.1:\(listener.localAddress?.port ?? 0)"
    }

    deinit { listener.close(promise: nil) }
}

/// One end of a tunnel. Both are on one event loop.
private final class TunnelEnd: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    weak var other: TunnelEnd?
    private var context: ChannelHandlerContext?
    private var wantsRead = false
    private var hasEnded = false

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        read(context: context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { other?.take(unwrapInboundIn(data)) }

    func channelReadComplete(context: ChannelHandlerContext) {
        other?.context?.flush()
        read(context: context)
    }

    func read(context: ChannelHandlerContext) {
        // Of an end that is gone nothing is taken any more.
        guard let end = other?.context else { return }
        if end.channel.isWritable { context.read() } else { wantsRead = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard context.channel.isWritable, let other, other.wantsRead else { return }
        other.wantsRead = false
        other.context?.read()
    }

    func channelInactive(context: ChannelHandlerContext) {
        other?.end()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func take(_ bytes: ByteBuffer) { context?.write(wrapOutboundOut(bytes), promise: nil) }

    /// Ends when everything before has been taken.
    private func end() {
        guard let context, !hasEnded else { return }
        hasEnded = true
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }
}

/// Over what a test speaks HTTP/1.1 with its server.
package enum Wire: String, Sendable, CaseIterable {
    case plain
    case tls
}
