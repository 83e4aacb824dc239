import SeededRandom
import SyncEngine
import Synchronization

/// Time that passes only when nobody has anything left to do, and tasks of which a seed chooses the next one to go on.
///
/// Everything happens on the thread that calls `run`. The same seed brings the same order back, as long as the work itself
/// takes nothing from outside: no other clock, no other threads.
public final class VirtualTime: TaskExecutor, Sendable {
    private struct Alarm {
        let due: Duration
        let action: @Sendable () -> Void
    }

    private struct State {
        var now: Duration = .zero
        var jobs: [UnownedJob] = []
        /// By the order in which they were set.
        var alarms: [UInt64: Alarm] = [:]
        var nextAlarm: UInt64 = 0
        var random: SeededGenerator
    }

    /// 2026-11-20T00:00:00Z.
    public static let startMilliseconds: Int64 = 1_795_132_800_000

    private let state: Mutex<State>

    public init(seed: UInt64) { state = Mutex(State(random: SeededGenerator(seed: seed))) }

    /// Since the beginning.
    public var now: Duration { state.withLock { $0.now } }

    public var clock: EngineClock {
        EngineClock(
            now: { [self] in Self.startMilliseconds + Int64(now / .milliseconds(1)) }, uptime: { [self] in now },
            after: { [self] duration, action in
                let number = state.withLock { state in
                    state.nextAlarm += 1
                    state.alarms[state.nextAlarm] = Alarm(due: state.now + duration, action: action)
                    return state.nextAlarm
                }
                return EngineTimer { [self] in state.withLock { _ = $0.alarms.removeValue(forKey: number) } }
            })
    }

    public var tasks: EngineTasks { EngineTasks { [self] work in start(work) } }

    /// Begins a task that goes on in `run`.
    public func start(_ work: @escaping @Sendable () async -> Void) {
        Task(executorPreference: self) { await work() }
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.jobs.append(job) }
    }

    /// Lets time pass up to a moment.
    public func run(until end: Duration) {
        while true {
            if let job = takeJob() {
                job.runSynchronously(on: asUnownedTaskExecutor())
            } else if let action = takeAlarm(dueBy: end) {
                action()
            } else {
                state.withLock { $0.now = end }
                return
            }
        }
    }

    private func takeJob() -> UnownedJob? {
        state.withLock { state in
            guard !state.jobs.isEmpty else { return nil }
            return state.jobs.remove(at: state.random.below(state.jobs.count))
        }
    }

    /// Moves to the next alarm; of those that are due together, the one that was set first.
    private func takeAlarm(dueBy end: Duration) -> (@Sendable () -> Void)? {
        state.withLock { state in
            let next = state.alarms.min { ($0.value.due, $0.key) < ($1.value.due, $1.key) }
            guard let (number, alarm) = next, alarm.due <= end else { return nil }
            state.alarms[number] = nil
            state.now = max(state.now, alarm.due)
            return alarm.action
        }
    }
}
