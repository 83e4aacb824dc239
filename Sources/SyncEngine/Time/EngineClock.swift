import Synchronization

/// Where the engine gets the time from, and what wakes it. Injected, so that tests and the simulator decide what time it is and
/// how fast it passes.
public struct EngineClock: Sendable {
    /// Milliseconds since 1970-01-01T00:00:00Z. May be set back.
    public let now: @Sendable () -> Int64
    /// How much time has passed since some moment. Never goes back.
    public let uptime: @Sendable () -> Duration
    /// Does something once when a time has passed, unless the timer is cancelled before. Never before it returns, so that it
    /// may be called under a lock that the action takes.
    public let after: @Sendable (Duration, @escaping @Sendable () -> Void) -> EngineTimer

    public init(
        now: @escaping @Sendable () -> Int64, uptime: @escaping @Sendable () -> Duration,
        after: @escaping @Sendable (Duration, @escaping @Sendable () -> Void) -> EngineTimer
    ) {
        self.now = now
        self.uptime = uptime
        self.after = after
    }

    /// The system's time but for what the time of day is.
    public init(_ now: @escaping @Sendable () -> Int64) {
        self.init(now: now, uptime: Self.system.uptime, after: Self.system.after)
    }

    /// The system's time of day, its monotonic clock, and timers that are tasks.
    public static let system: EngineClock = {
        let start = ContinuousClock.now
        return EngineClock(now: timeOfDay, uptime: { ContinuousClock.now - start }) { duration, action in
            let task = Task {
                try? await Task.sleep(for: duration)
                if !Task.isCancelled { action() }
            }
            return EngineTimer { task.cancel() }
        }
    }()

    /// Returns when the time has passed, or as soon as the task is cancelled.
    public func sleep(for duration: Duration) async {
        let sleeper = Sleeper()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guard sleeper.begin(continuation) else { return continuation.resume() }
                sleeper.keep(after(duration) { sleeper.wake() })
            }
        } onCancel: {
            sleeper.wake()
        }
    }
}

/// Something that is due at a time.
public struct EngineTimer: Sendable {
    /// What was to be done is not done any more, unless it has begun.
    public let cancel: @Sendable () -> Void

    public init(cancel: @escaping @Sendable () -> Void) { self.cancel = cancel }
}

/// One who sleeps until a timer or a cancellation wakes it, whichever is first.
private final class Sleeper: Sendable {
    private struct State {
        var isAwake = false
        var continuation: CheckedContinuation<Void, Never>?
        var timer: EngineTimer?
    }

    private let state = Mutex(State())

    /// - Returns: false where it was woken already.
    func begin(_ continuation: CheckedContinuation<Void, Never>) -> Bool {
        state.withLock { state in
            guard !state.isAwake else { return false }
            state.continuation = continuation
            return true
        }
    }

    /// Keeps the timer, to cancel it when something else wakes the sleeper.
    func keep(_ timer: EngineTimer) {
        let isAwake = state.withLock { state in
            state.timer = timer
            return state.isAwake
        }
        if isAwake { timer.cancel() }
    }

    func wake() {
        let (continuation, timer) = state.withLock { state in
            state.isAwake = true
            defer { (state.continuation, state.timer) = (nil, nil) }
            return (state.continuation, state.timer)
        }
        timer?.cancel()
        continuation?.resume()
    }
}

private func timeOfDay() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
