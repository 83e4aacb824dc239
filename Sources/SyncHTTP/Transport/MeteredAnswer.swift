import HTTPTypes
import Hummingbird
import NIOCore

extension ResponseBody {
    /// The same body, which holds its bytes of the charge until the client has taken them.
    ///
    /// A body whose length is known is charged already. Each piece of a stream is charged before it is written.
    func metered(
        by charge: MemoryCharge, as route: String, _ metrics: ServerMetrics, on channel: (any Channel)?
    ) -> ResponseBody {
        let body = self
        let isStream = contentLength == nil
        return ResponseBody(contentLength: contentLength) { writer in
            // The stream is counted out also when the client goes away meanwhile.
            if isStream { metrics.noteStream(began: 1) }
            defer {
                charge.release()
                if isStream { metrics.noteStream(began: -1) }
                metrics.noteBytes(route: route, received: charge.receivedBytes, sent: charge.sentBytes)
            }
            try await body.write(MeteredWriter(base: writer, charge: charge, channel: channel, isStream: isStream))
        }
    }
}

/// Counts what is written, and waits until it is taken.
private struct MeteredWriter: ResponseBodyWriter {
    var base: any ResponseBodyWriter
    let charge: MemoryCharge
    let channel: (any Channel)?
    let isStream: Bool

    /// A line that says why a stream ends is shorter than this. It has to fit when memory is full.
    private static let uncountedBytes = 2 * 1024

    /// Writes a piece.
    /// - Throws: `overloaded` for a stream whose next piece has no room.
    mutating func write(_ buffer: ByteBuffer) async throws {
        let counted = isStream && buffer.readableBytes > Self.uncountedBytes ? buffer.readableBytes : 0
        if counted > 0 { try charge.take(counted) }
        charge.noteSent(buffer.readableBytes)
        try await base.write(buffer)
        guard isStream else { return }
        await isTaken()
        charge.giveBack(counted)
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
        let channel = channel
        try await base.finish(trailingHeaders)
        await Self.isTaken(channel)
    }

    private func isTaken() async { await Self.isTaken(channel) }

    /// Returns when the kernel has everything, or never will. A write alone returns before that.
    private static func isTaken(_ channel: (any Channel)?) async {
        try? await channel?.triggerUserOutboundEvent(WritesAreAwaited()).get()
    }
}

/// An event that is sent towards the client's side of a channel. It succeeds when everything before it has been
/// written.
struct WritesAreAwaited: Sendable {}

/// An event that is sent towards the client's side of a channel while an answer is under way. Its action is done once the
/// client has closed its side, unless the answer ends before that: who only listens would not hear of it otherwise.
struct PeerIsAwaited: Sendable {
    let onClose: @Sendable () -> Void
}
