import SyncEngine
import Synchronization

/// A clock that stands still until it is told to move.
package final class TestClock: Sendable {
    /// 2026-11-20T22:00:00Z
    package static let start: Int64 = 1_795_212_000_000

    private struct Waits {
        var count = 0
        var actions: [Int: @Sendable () -> Void] = [:]
    }

    private final class SharedWaits: Sendable {
        let value = Mutex(Waits())
    }

    private let time = Mutex(start)
    private let waits = SharedWaits()

    package init() {}

    package var now: Int64 { time.withLock { $0 } }
    /// Waits end in real time.
    package var engineClock: EngineClock { EngineClock { self.now } }

    /// Nobody's wait ends by itself, however long a slow machine takes; see `endWaits`.
    package var withoutTimeouts: EngineClock {
        EngineClock(now: { self.now }, uptime: { .zero }) { [waits] _, action in
            let number = waits.value.withLock { waits in
                waits.count += 1
                waits.actions[waits.count] = action
                return waits.count
            }
            return EngineTimer { waits.value.withLock { _ = $0.actions.removeValue(forKey: number) } }
        }
    }

    /// The time of everybody who waits without time-outs is over.
    package func endWaits() {
        let actions = waits.value.withLock { waits in
            defer { waits.actions = [:] }
            return waits.actions.values
        }
        for action in actions { action() }
    }

    package func advance(milliseconds: Int64) {
        time.withLock { $0 += milliseconds }
    }
}
