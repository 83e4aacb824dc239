import CZlib
import NIOCore

/// Compresses bytes as gzip (RFC 1952), a piece at a time: whoever has much of it lets others run between the pieces.
///
/// It is used by one task at a time.
// The C library's state is a heap object that is never moved and is used by whoever holds this alone.
final class GzipEncoder: @unchecked Sendable {
    /// What becomes of what the encoder still keeps back.
    enum Flush: Sendable, Hashable {
        /// It stays, and is compressed the better with what follows.
        case none
        /// It comes out: whoever reads can read everything so far.
        case sync
        /// It comes out, and nothing follows.
        case finish

        fileprivate var code: Int32 {
            switch self {
            case .none: Z_NO_FLUSH
            case .sync: Z_SYNC_FLUSH
            case .finish: Z_FINISH
            }
        }
    }

    /// Bytes of memory that the state takes: the window and its hashes, of 15 and 8 bits (`zconf.h`).
    static let stateBytes = 256 * 1024
    /// Bytes that are compressed without a break: about a millisecond.
    static let pieceBytes = 64 * 1024
    /// How hard it tries: level 6 takes more than twice the time for an eighth fewer bytes (`docs/benchmarks.md`).
    private static let level: Int32 = 3

    private let stream: UnsafeMutablePointer<z_stream>

    /// - Returns: nil where there is no memory for it.
    init?() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        guard czlib_begin_gzip(stream, Self.level) == Z_OK else {
            stream.deallocate()
            return nil
        }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// Compresses one piece, and appends what comes out. O(the piece).
    func compress(_ piece: ByteBuffer, _ flush: Flush, into output: inout ByteBuffer) {
        piece.withUnsafeReadableBytes { bytes in
            // The library reads what it is given and does not write there.
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: bytes.bindMemory(to: UInt8.self).baseAddress)
            stream.pointee.avail_in = UInt32(bytes.count)
            var isFull = true
            while isFull {
                output.writeWithUnsafeMutableBytes(minimumWritableBytes: 16 * 1024) { space in
                    stream.pointee.next_out = space.bindMemory(to: UInt8.self).baseAddress
                    stream.pointee.avail_out = UInt32(clamping: space.count)
                    let offered = Int(stream.pointee.avail_out)
                    // With room for the answer it cannot fail but by misuse (zlib.h).
                    _ = deflate(stream, flush.code)
                    isFull = stream.pointee.avail_out == 0
                    return offered - Int(stream.pointee.avail_out)
                }
            }
            stream.pointee.next_in = nil
            stream.pointee.next_out = nil
        }
    }
}

extension ByteBuffer {
    /// The bytes in pieces of what is compressed without a break; one empty piece where there are none.
    func forEachPiece(_ body: (ByteBuffer, _ isLast: Bool) async throws -> Void) async rethrows {
        var rest = self
        while let piece = rest.readSlice(length: Swift.min(rest.readableBytes, GzipEncoder.pieceBytes)) {
            try await body(piece, rest.readableBytes == 0)
            if rest.readableBytes == 0 { return }
        }
    }

    /// All of it compressed, with breaks in which others run. O(n).
    /// - Returns: nil where there is no memory for it.
    func gzipped() async -> ByteBuffer? {
        guard let encoder = GzipEncoder() else { return nil }
        var output = ByteBuffer()
        output.reserveCapacity(readableBytes / 4)
        await forEachPiece { piece, isLast in
            encoder.compress(piece, isLast ? .finish : .none, into: &output)
            await Task.yield()
        }
        return output
    }
}
