import SyncEngine
import Synchronization

/// A clock that stands still until it is told to move.
package final class TestClock: Sendable {
    /// 2026-11-20T22:00:00Z
    package static let start: Int64 = 1_795_212_000_000

    private let time = Mutex(start)

    package init() {}

    package var now: Int64 { time.withLock { $0 } }
    /// Waits end in real time.
    package var engineClock: EngineClock { EngineClock { self.now } }

    /// Nobody's wait ends by itself, however long a slow machine takes.
    package var withoutTimeouts: EngineClock {
        EngineClock(now: { self.now }, uptime: { .zero }) { _, _ in EngineTimer {} }
    }

    package func advance(milliseconds: Int64) {
        time.withLock { $0 += milliseconds }
    }
}
