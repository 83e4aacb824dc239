import NIOCore
import NIOHTTP2

/// Reads off the frames of HTTP/2 as they come how much of a body each holds (RFC 9113 section 4.1), and counts those that hold
/// nothing. It stands before the parser.
final class FrameMeter: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private enum Phase {
        case preface(remaining: Int)
        case header([UInt8])
        /// The byte that says how long the padding is.
        case padding(HTTP2StreamID, remaining: Int)
        case data(HTTP2StreamID, remaining: Int, padding: Int)
        case other(remaining: Int)
    }

    private static let headerBytes = 9
    /// DATA, HEADERS and CONTINUATION (RFC 9113 section 6).
    private static let (dataType, headersType, continuationType): (UInt8, UInt8, UInt8) = (0, 1, 9)
    private static let paddedFlag: UInt8 = 8
    /// A client says at most so often what it has room for: once for so many bytes that it was sent.
    private static let bytesPerSpareFrame = 1_024

    private let connection: MultiplexedConnection
    private let socket: SocketBytes
    /// What every client says first (RFC 9113 section 3.4).
    private var phase = Phase.preface(remaining: 24)
    /// Frames of neither requests nor bodies.
    private var spareFrames = 0

    init(_ connection: MultiplexedConnection, socket: SocketBytes) {
        self.connection = connection
        self.socket = socket
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // The parser is first, so that the requests which begin in these bytes are known.
        context.fireChannelRead(data)
        var bytes = unwrapInboundIn(data).readableBytesView
        while !bytes.isEmpty { step(&bytes) }
        let allowedFrames = connection.limits.spareFrames + socket.writtenBytes / Self.bytesPerSpareFrame
        if spareFrames > allowedFrames || connection.isSendingForNothing {
            connection.gate.note(.malformed)
            context.triggerUserOutboundEvent(CutConnection(), promise: nil)
        }
    }

    private func step(_ bytes: inout ByteBufferView) {
        switch phase {
        case .preface(let remaining):
            let count = take(remaining, &bytes)
            phase = count == remaining ? .header([]) : .preface(remaining: remaining - count)
        case .header(let begun):
            let header = begun + bytes.prefix(Self.headerBytes - begun.count)
            take(header.count - begun.count, &bytes)
            phase = header.count == Self.headerBytes ? payload(header) : .header(header)
        case .padding(let id, let remaining):
            let padding = min(Int(bytes.removeFirst()), remaining - 1)
            phase = data(id, remaining: remaining - 1 - padding, padding: padding)
        case .data(let id, let remaining, let padding):
            let count = take(remaining, &bytes)
            connection.note(received: count, of: id)
            phase = data(id, remaining: remaining - count, padding: padding)
        case .other(let remaining):
            phase = other(remaining: remaining - take(remaining, &bytes))
        }
    }

    @discardableResult private func take(_ limit: Int, _ bytes: inout ByteBufferView) -> Int {
        let count = min(limit, bytes.count)
        bytes = bytes.dropFirst(count)
        return count
    }

    /// What comes after a frame's header.
    private func payload(_ header: [UInt8]) -> Phase {
        let number = { (range: Range<Int>) in header[range].reduce(0) { $0 << 8 | Int($1) } }
        let (length, type) = (number(0..<3), header[3])
        guard type == Self.dataType else {
            if type != Self.headersType, type != Self.continuationType { spareFrames += 1 }
            return other(remaining: length)
        }
        let id = HTTP2StreamID(number(5..<9) & 0x7FFF_FFFF)
        guard length > 0 else { return .header([]) }
        return header[4] & Self.paddedFlag == 0
            ? data(id, remaining: length, padding: 0) : .padding(id, remaining: length)
    }

    private func data(_ id: HTTP2StreamID, remaining: Int, padding: Int) -> Phase {
        remaining > 0 ? .data(id, remaining: remaining, padding: padding) : other(remaining: padding)
    }

    private func other(remaining: Int) -> Phase { remaining > 0 ? .other(remaining: remaining) : .header([]) }
}
