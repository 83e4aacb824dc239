import Synchronization

/// What time it is for the server.
///
/// The device's wall clock may be wrong by a year and may be set while the app runs. So once an answer has told the server's time,
/// it is counted on from there with a clock that does not jump. Before that the offset counts that an earlier run has learned.
final class ServerTime: Sendable {
    private struct Anchor {
        let uptime: Duration
        let serverMilliseconds: Int64
    }

    let clock: DeviceClock
    private let anchor = Mutex<Anchor?>(nil)

    init(_ clock: DeviceClock) { self.clock = clock }

    /// Learns the server's time from an answer, against the middle of the exchange (Cristian 1989).
    /// - Returns: server time minus the wall clock's, in milliseconds.
    func learn(serverMilliseconds: Int64, sent: Duration, received: Duration) -> Int64 {
        let middle = sent + (received - sent) / 2
        anchor.withLock { $0 = Anchor(uptime: middle, serverMilliseconds: serverMilliseconds) }
        return now(offsetMilliseconds: 0) - clock.wall()
    }

    /// The server's time, in milliseconds since 1970.
    /// - Parameter offsetMilliseconds: what an earlier run has learned.
    func now(offsetMilliseconds: Int64) -> Int64 {
        guard let anchor = anchor.withLock({ $0 }) else { return clock.wall() + offsetMilliseconds }
        return anchor.serverMilliseconds + (clock.uptime() - anchor.uptime).milliseconds
    }

    var isLearned: Bool { anchor.withLock { $0 != nil } }
}

extension Duration {
    /// In whole milliseconds.
    package var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000 + attoseconds / 1_000_000_000_000_000
    }
}
