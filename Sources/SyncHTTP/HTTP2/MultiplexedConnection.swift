import NIOCore
import NIOHTTP2
import SyncEngine

/// What the handlers of one HTTP/2 connection know together: which requests are open, and what of their bodies is in memory without
/// anybody having read it. All of it is used on the connection's event loop.
///
/// A client may send as much of a body as its window lets it before a route has even looked at the request. What of that exceeds what
/// one connection of HTTP/1.1 holds too is counted as memory of requests, for whoever is not known yet.
final class MultiplexedConnection {
    /// One request.
    private struct Stream {
        let guardian: StreamGuard
        var receivedBytes = 0
        var readBytes = 0
        /// Pieces of a few bytes that came since the stream had nothing unread.
        var smallPieces = 0
        /// Whether it has one of the server's places for requests beyond the first of a connection.
        var hasPlace = false

        var unreadBytes: Int { max(0, receivedBytes - readBytes) }
    }

    /// A piece of a body that is shorter takes more memory for being a piece than for its bytes.
    private static let smallBytes = 256
    private static let stepBytes = 64 * 1024

    let limits: TransportLimits
    let gate: ConnectionGate
    private let charge: MemoryCharge
    private var streams: [HTTP2StreamID: Stream] = [:]
    private(set) var lastStream = HTTP2StreamID.rootStream
    /// The last request that is answered, once the connection is to end.
    var lastAnswered: HTTP2StreamID?
    /// Called when a request came, and when none is open any more.
    var onChange: (() -> Void)?
    /// How many requests there ever were, and how many bytes came for none of those that are open.
    private var (openedStreams, strayBytes) = (0, 0)
    private var unreadBytes = 0
    private var chargedBytes = 0

    init(limits: TransportLimits, gate: ConnectionGate, memoryBudget: MemoryBudget) {
        self.limits = limits
        self.gate = gate
        charge = MemoryCharge(memoryBudget)
    }

    var isIdle: Bool { streams.isEmpty }

    /// Notes a new request.
    /// - Returns: whether there is a place for it.
    func open(_ id: HTTP2StreamID, _ guardian: StreamGuard) -> Bool {
        lastStream = max(lastStream, id)
        guard lastAnswered.map({ id <= $0 }) ?? true else { return false }
        // The first has the connection's own place.
        let needsPlace = !streams.isEmpty
        guard !needsPlace || gate.openStream() else { return false }
        streams[id] = Stream(guardian: guardian, hasPlace: needsPlace)
        openedStreams += 1
        onChange?()
        return true
    }

    /// Notes that a request is over, and its body with it.
    func close(_ id: HTTP2StreamID) {
        guard let stream = streams.removeValue(forKey: id) else { return }
        if stream.hasPlace { gate.closeStream() }
        unreadBytes -= stream.unreadBytes
        settle()
        onChange?()
    }

    /// Whether more came for requests that are over than clients send which have not heard of it yet: what their windows let
    /// them, and as much as a connection of HTTP/1.1 may send after a refusal.
    var isSendingForNothing: Bool { strayBytes > limits.lingerBytes + openedStreams * limits.streamWindowBytes }

    /// Notes a piece of a body as it came.
    func note(received bytes: Int, of id: HTTP2StreamID) {
        guard var stream = streams[id] else {
            strayBytes += bytes
            return
        }
        let before = stream.unreadBytes
        stream.receivedBytes += bytes
        if stream.unreadBytes == 0 {
            stream.smallPieces = 0
        } else if bytes < Self.smallBytes {
            stream.smallPieces += 1
        }
        unreadBytes += stream.unreadBytes - before
        streams[id] = stream
        guard stream.smallPieces <= limits.smallPiecesPerStream, settle() else { return stream.guardian.giveUp() }
    }

    /// Notes a piece of a body as it was read.
    func note(read bytes: Int, of id: HTTP2StreamID) {
        guard var stream = streams[id] else { return }
        let before = stream.unreadBytes
        stream.readBytes += bytes
        unreadBytes += stream.unreadBytes - before
        streams[id] = stream
        settle()
    }

    /// Counts what is unread, beyond a little.
    /// - Returns: whether there was room.
    @discardableResult private func settle() -> Bool {
        let wanted = max(0, unreadBytes - limits.uncountedUnreadBytes)
        if wanted > chargedBytes {
            let step = max(wanted - chargedBytes, Self.stepBytes)
            guard (try? charge.take(step)) != nil else { return false }
            chargedBytes += step
        } else if wanted + 2 * Self.stepBytes <= chargedBytes || wanted == 0, chargedBytes > 0 {
            charge.giveBack(chargedBytes - wanted)
            chargedBytes = wanted
        }
        return true
    }
}
