import Synchronization

/// When another process was last found to keep the write lock for longer than it is waited for.
final class Contention: Sendable {
    /// For how long after that nobody waits again: who comes in that time asks once.
    private static let respite: Duration = .seconds(1)

    private let last = Mutex<ContinuousClock.Instant?>(nil)

    func note() { last.withLock { $0 = .now } }

    /// How long to wait for the lock: not at all where somebody else waited in vain since the arrival, or has just done.
    func patience(
        since arrival: ContinuousClock.Instant, atMost timeout: Duration, now: ContinuousClock.Instant = .now
    ) -> Duration {
        guard let last = last.withLock({ $0 }) else { return timeout }
        return last >= arrival || now - last < Self.respite ? .zero : timeout
    }
}
