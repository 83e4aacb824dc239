import NIOCore
import Synchronization

/// Counts the connections of a listener, and decides for each new one what it may ask.
///
/// Up to the limit a connection may ask anything. A few beyond it are heard out for the operator's routes, so that a
/// full server can still be watched. When these are too many, the oldest of them that has not asked yet makes room. So
/// every connection is accepted at once, and none waits in the kernel where nobody sees it.
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
    }

    private struct State {
        var figures = Figures()
        var ordinary = 0
        var reserve: [ObjectIdentifier: any Channel] = [:]
        /// Those of the reserve, the oldest first; some may have gone.
        var order: [ObjectIdentifier] = []
    }

    private let limits: TransportLimits
    private let state = Mutex(State())

    init(_ limits: TransportLimits) { self.limits = limits }

    func admit(_ channel: any Channel) -> Admission {
        let id = ObjectIdentifier(channel)
        let (admission, evicted) = state.withLock { state -> (Admission, (any Channel)?) in
            state.figures.open += 1
            state.figures.accepted += 1
            guard state.ordinary >= limits.connections else {
                state.ordinary += 1
                return (.ordinary, nil)
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
        evicted?.close(promise: nil)
        return admission
    }

    private func leave(_ id: ObjectIdentifier, _ admission: Admission) {
        state.withLock { state in
            state.figures.open -= 1
            switch admission {
            case .ordinary: state.ordinary -= 1
            case .reserve:
                state.reserve[id] = nil
                if state.order.count > 4 * limits.reservedConnections {
                    state.order.removeAll { state.reserve[$0] == nil }
                }
            }
        }
    }

    func note(receivedBytes: Int, sentBytes: Int) {
        state.withLock { state in
            state.figures.receivedBytes += UInt64(receivedBytes)
            state.figures.sentBytes += UInt64(sentBytes)
        }
    }

    func note(_ end: ConnectionEnd) { state.withLock { $0.figures.ended[end, default: 0] += 1 } }

    var figures: Figures { state.withLock { $0.figures } }
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
