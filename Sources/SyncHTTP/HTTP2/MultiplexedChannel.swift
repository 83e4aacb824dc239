import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP2
import NIOHTTPTypesHTTP2
import SyncEngine

/// A connection of HTTP/2: many requests at a time, each behind a `StreamGuard`.
struct MultiplexedChannel: Sendable {
    /// A request is answered as a connection of HTTP/1.1 that ends after it.
    typealias Stream = HTTP1Channel.Value
    typealias Streams = NIOHTTP2Handler.AsyncStreamMultiplexer<Stream>

    /// Whether the request that is being answered shares its connection with others. Then what is given to the connection is not
    /// given to the kernel, because the client says for each request what it has room for.
    @TaskLocal static var sharesConnection = false

    let base: HTTP1Channel
    let limits: TransportLimits
    let gate: ConnectionGate
    let refusals: ParserRefusals
    let memoryBudget: MemoryBudget

    /// Everything that multiplies is bounded here or in the guards.
    private var configuration: NIOHTTP2Handler.Configuration {
        var configuration = NIOHTTP2Handler.Configuration()
        configuration.connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: limits.streams),
            HTTP2Setting(parameter: .initialWindowSize, value: limits.streamWindowBytes),
            HTTP2Setting(parameter: .maxHeaderListSize, value: limits.headBytes),
            HTTP2Setting(parameter: .maxFrameSize, value: 16_384),
        ]
        configuration.stream.targetWindowSize = limits.streamWindowBytes
        // What the window of the connection bounds is bounded by those of its requests.
        configuration.connection.targetWindowSize = 4 * limits.streamWindowBytes
        // As much as heads may have, in frames of the usual size, and one more (CVE-2024-27316).
        configuration.connection.maximumSequentialContinuationFrames = 4
        configuration.connection.maximumBufferedControlFrames = 1_000
        // Frames that come too often end the connection: requests that are taken back at once (CVE-2023-44487), pings and settings
        // (CVE-2019-9512, 9515), and requests that are none.
        configuration.stream.streamResetFrameRateLimit.maximumCount = limits.resetsPerHalfMinute
        configuration.stream.streamErrorRateLimit.maximumCount = limits.resetsPerHalfMinute
        configuration.connection.controlFrameRateLimit.maximumCount = limits.resetsPerHalfMinute
        return configuration
    }

    func setup(channel: any Channel) -> EventLoopFuture<Streams> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            let socket = try pipeline.handler(type: SocketBytes.self)
            let connection = MultiplexedConnection(limits: limits, gate: gate, memoryBudget: memoryBudget)
            try pipeline.addHandler(FrameMeter(connection, socket: socket))
            let bound = NIOLoopBound(connection, eventLoop: channel.eventLoop)
            let streams = try pipeline.configureAsyncHTTP2Pipeline(
                mode: .server, streamDelegate: nil, configuration: configuration
            ) { [refusals] stream in
                stream.eventLoop.makeCompletedFuture {
                    try stream.pipeline.syncOperations.addHandlers([
                        StreamGuard(bound.value, refusals: refusals), HTTP2FramePayloadToHTTPServerCodec(),
                    ])
                    return try Stream(wrappingChannelSynchronously: stream)
                }
            }
            try pipeline.addHandler(MultiplexedGuard(connection, socket: socket))
            return streams
        }
    }

    func handle(_ streams: Streams, logger: Logger) async {
        await Self.$sharesConnection.withValue(true) {
            await withDiscardingTaskGroup { group in
                do {
                    for try await stream in streams.inbound {
                        group.addTask { await base.handle(value: stream, logger: logger) }
                    }
                } catch {
                    logger.trace("a connection ended", metadata: ["error": "\(error)"])
                }
            }
        }
    }
}
