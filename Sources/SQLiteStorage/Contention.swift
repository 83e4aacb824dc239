import Synchronization

/// When another process was last found to keep the write lock for longer than it is waited for.
final class Contention: Sendable {
    /// For how long after that nobody waits again: who comes in that time asks once.
    private static let respite: Duration = .seconds(1)

    private struct State {
        var last: ContinuousClock.Instant?
        var waits = 0
    }

    private let state = Mutex(State())

    /// How many waited in vain, and not only asked.
    var waits: Int { state.withLock { $0.waits } }

    /// - Parameter patience: how long was waited.
    func note(after patience: Duration) {
        state.withLock { state in
            state.last = .now
            if patience > .zero { state.waits += 1 }
        }
    }

    /// How long to wait for the lock: not at all where somebody else waited in vain since the arrival, or has just done.
    func patience(
        since arrival: ContinuousClock.Instant, atMost timeout: Duration, now: ContinuousClock.Instant = .now
    ) -> Duration {
        guard let last = state.withLock({ $0.last }) else { return timeout }
        return last >= arrival || now - last < Self.respite ? .zero : timeout
    }
}
