import NIOCore
import Synchronization

/// Counts the connections of a listener, and decides for each new one what it may ask.
///
/// Up to the limit a connection may ask anything. A few beyond it are heard out for the operator's routes, so that a
/// full server can still be watched. When these are too many, the oldest of them that has not asked yet makes room. So
/// every connection is accepted at once, and none waits in the kernel where nobody sees it.
///
/// Whoever is still in TLS's handshake has shown nothing yet. So when all places are taken, the oldest of those makes room: a place
/// cannot be held by beginning a handshake.
final class ConnectionGate: Sendable {
    enum Admission: Sendable, Hashable {
        case ordinary
        case reserve
    }

    struct Figures: Sendable {
        var open = 0
        var accepted: UInt64 = 0
        /// How many connections came beyond the limit.
        var beyond: UInt64 = 0
        var receivedBytes: UInt64 = 0
        var sentBytes: UInt64 = 0
        /// How many connections were ended for which reason.
        var ended: [ConnectionEnd: UInt64] = [:]
        /// How many are in TLS's handshake.
        var handshaking = 0
        var handshakes: [HandshakeEnd: UInt64] = [:]
        /// Requests over HTTP/2 that share their connection with an earlier one.
        var sharing = 0
        /// How many of them found no place.
        var sharingRefused: UInt64 = 0
    }

    private struct State {
        var figures = Figures()
        var ordinary = 0
        var reserve: [ObjectIdentifier: any Channel] = [:]
        /// Those of the reserve, the oldest first; some may have gone.
        var order: [ObjectIdentifier] = []
        /// Those of the ordinary ones that are in the handshake, by the order in which they came.
        var handshakes: [UInt64: any Channel] = [:]
        var handshakeNumbers: [ObjectIdentifier: UInt64] = [:]
        var oldestHandshake: UInt64 = 0
        var nextHandshake: UInt64 = 0
        /// Those whose place somebody else has.
        var displaced: Set<ObjectIdentifier> = []

        mutating func beginHandshake(_ id: ObjectIdentifier, _ channel: any Channel) {
            handshakes[nextHandshake] = channel
            handshakeNumbers[id] = nextHandshake
            nextHandshake += 1
        }

        /// - Returns: nil where the connection is in no handshake.
        mutating func endHandshake(_ id: ObjectIdentifier) -> (any Channel)? {
            handshakeNumbers.removeValue(forKey: id).flatMap { handshakes.removeValue(forKey: $0) }
        }

        /// Takes the place of whoever is longest in the handshake.
        mutating func displace() -> (any Channel)? {
            guard !handshakes.isEmpty else { return nil }
            while handshakes[oldestHandshake] == nil { oldestHandshake += 1 }
            guard let channel = handshakes[oldestHandshake] else { return nil }
            let id = ObjectIdentifier(channel)
            _ = endHandshake(id)
            displaced.insert(id)
            figures.handshakes[.displaced, default: 0] += 1
            return channel
        }
    }

    private let limits: TransportLimits
    private let state = Mutex(State())

    init(_ limits: TransportLimits) { self.limits = limits }

    /// - Parameter isSecure: whether it begins with TLS's handshake; see `note`.
    func admit(_ channel: any Channel, isSecure: Bool = false) -> Admission {
        let id = ObjectIdentifier(channel)
        let (admission, evicted) = state.withLock { state -> (Admission, (any Channel)?) in
            state.figures.open += 1
            state.figures.accepted += 1
            if state.ordinary < limits.connections {
                state.ordinary += 1
                if isSecure { state.beginHandshake(id, channel) }
                return (.ordinary, nil)
            }
            if isSecure, let displaced = state.displace() {
                state.beginHandshake(id, channel)
                return (.ordinary, displaced)
            }
            state.figures.beyond += 1
            state.reserve[id] = channel
            state.order.append(id)
            guard state.reserve.count > limits.reservedConnections else { return (.reserve, nil) }
            while let oldest = state.order.first {
                state.order.removeFirst()
                if let channel = state.reserve[oldest] { return (.reserve, channel) }
            }
            return (.reserve, nil)
        }
        channel.closeFuture.whenComplete { [self] _ in leave(id, admission) }
        // Closing would wait for an answer to TLS's farewell, and a full server has no descriptors for that.
        evicted?.triggerUserOutboundEvent(CutConnection(), promise: nil)
        return admission
    }

    /// Notes how the handshake of a connection ended.
    func note(_ end: HandshakeEnd, of channel: any Channel) {
        state.withLock { state in
            let id = ObjectIdentifier(channel)
            guard !state.displaced.contains(id) else { return }
            _ = state.endHandshake(id)
            state.figures.handshakes[end, default: 0] += 1
        }
    }

    private func leave(_ id: ObjectIdentifier, _ admission: Admission) {
        state.withLock { state in
            state.figures.open -= 1
            switch admission {
            case .ordinary:
                _ = state.endHandshake(id)
                if state.displaced.remove(id) == nil { state.ordinary -= 1 }
            case .reserve:
                state.reserve[id] = nil
                if state.order.count > 4 * limits.reservedConnections {
                    state.order.removeAll { state.reserve[$0] == nil }
                }
            }
        }
    }

    /// Takes a place for a request of HTTP/2 beyond the first of its connection. There are as many as for connections, so that one
    /// client's connections are no more than as many of HTTP/1.1 would be.
    func openStream() -> Bool {
        state.withLock { state in
            guard state.figures.sharing < limits.connections else {
                state.figures.sharingRefused += 1
                return false
            }
            state.figures.sharing += 1
            return true
        }
    }

    func closeStream() { state.withLock { $0.figures.sharing -= 1 } }

    func note(receivedBytes: Int, sentBytes: Int) {
        state.withLock { state in
            state.figures.receivedBytes += UInt64(receivedBytes)
            state.figures.sentBytes += UInt64(sentBytes)
        }
    }

    func note(_ end: ConnectionEnd) { state.withLock { $0.figures.ended[end, default: 0] += 1 } }

    var figures: Figures {
        state.withLock { state in
            var figures = state.figures
            figures.handshaking = state.handshakes.count
            return figures
        }
    }
}

/// How TLS's handshake with a client ended.
enum HandshakeEnd: String, Sendable, CaseIterable {
    /// Over HTTP/1.1 from here on.
    case http1
    case http2
    case failed
    /// It took too long.
    case slow
    /// It made room for somebody else.
    case displaced
    /// It was HTTP without TLS.
    case plain
}

/// Why the server ended a connection that its client had not.
enum ConnectionEnd: String, Sendable, CaseIterable {
    /// The answer said so: the body was not read, the client asked for it, or it spoke HTTP/1.0.
    case answered
    case malformed
    case slowBody = "slow_body"
    case stalledAnswer = "stalled_answer"
    case full
}
