import HTTPTypes
import Hummingbird
import NIOCore
import SyncWire

extension ResponseBody {
    /// The same body as gzip. What was written is with the client when the writing ends: nothing is kept back between the pages of
    /// a stream, and a slow reader holds up whoever writes.
    func gzipped(chargedTo charge: MemoryCharge?) -> ResponseBody {
        let body = self
        return ResponseBody { writer in
            guard let encoder = GzipEncoder() else {
                throw Problem.overloaded("The server has no memory to compress the answer.", retryAfterSeconds: 1)
            }
            try await body.write(CompressingWriter(base: writer, encoder: encoder, charge: charge))
        }
    }
}

/// Compresses what is written, a piece at a time.
private struct CompressingWriter: ResponseBodyWriter {
    var base: any ResponseBodyWriter
    let encoder: GzipEncoder
    let charge: MemoryCharge?
    private var holdsState = false

    /// A line that says why a stream ends is shorter than this. It has to fit when memory is full.
    private static let uncountedBytes = 2 * 1024

    init(base: any ResponseBodyWriter, encoder: GzipEncoder, charge: MemoryCharge?) {
        self.base = base
        self.encoder = encoder
        self.charge = charge
    }

    /// Writes a page. It is held, and counted, until its last piece was taken.
    /// - Throws: `overloaded` where there is no room for it.
    mutating func write(_ buffer: ByteBuffer) async throws {
        let counted = buffer.readableBytes > Self.uncountedBytes ? buffer.readableBytes : 0
        if counted > 0, !holdsState {
            try charge?.take(GzipEncoder.stateBytes)
            holdsState = true
        }
        if counted > 0 { try charge?.take(counted) }
        defer { if counted > 0 { charge?.giveBack(counted) } }
        var rest = buffer
        while let piece = rest.readSlice(length: min(rest.readableBytes, GzipEncoder.pieceBytes)),
            piece.readableBytes > 0
        {
            var output = ByteBuffer()
            encoder.compress(piece, rest.readableBytes == 0 ? .sync : .none, into: &output)
            if output.readableBytes > 0 { try await base.write(output) }
            await Task.yield()
        }
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
        var output = ByteBuffer()
        encoder.compress(ByteBuffer(), .finish, into: &output)
        try await base.write(output)
        try await base.finish(trailingHeaders)
        if holdsState { charge?.giveBack(GzipEncoder.stateBytes) }
    }
}
