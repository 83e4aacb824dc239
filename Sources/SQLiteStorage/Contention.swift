import Synchronization

/// Notes when another process was last found to keep the write lock for longer than it is waited for.
final class Contention: Sendable {
    /// How long after that nobody waits again. Whoever comes in that time asks once.
    private static let respite: Duration = .seconds(1)

    private struct State {
        var last: ContinuousClock.Instant?
        var waits = 0
    }

    private let state = Mutex(State())

    /// How many callers waited in vain, and did not only ask.
    var waits: Int { state.withLock { $0.waits } }

    /// Notes that the lock was not had.
    /// - Parameter patience: how long the caller waited.
    func note(after patience: Duration) {
        state.withLock { state in
            state.last = .now
            if patience > .zero { state.waits += 1 }
        }
    }

    /// How long to wait for the lock. It is not at all where somebody else has waited in vain since the caller arrived,
    /// or has just done so.
    func patience(
        since arrival: ContinuousClock.Instant, atMost timeout: Duration, now: ContinuousClock.Instant = .now
    ) -> Duration {
        guard let last = state.withLock({ $0.last }) else { return timeout }
        return last >= arrival || now - last < Self.respite ? .zero : timeout
    }
}
