import Causality
import SyncStorage
import SyncWire
import Synchronization

/// Wakes those who wait for a tenant's next change. A notification that is lost or doubled costs latency only, because
/// whoever wakes reads.
///
/// Nobody compares a head that is remembered with one that was read: heads may fall, when data is set back or a standby
/// is behind. What counts is whether something was told of since the reading began, so that each notification costs at
/// most one reading.
final class ChangeNotifier: Sendable {
    /// How a wait ended.
    enum Wake: Sendable {
        /// Something may have changed. What is to be read then is read once for all whom it woke.
        case changed(WakeRound, page: SharedRead<ChangesAnswer>?)
        /// The time is over. Notifications are lost now and then, so a caller that minds reads once more.
        case timedOut
        /// The caller was cancelled, or the server stops.
        case stopped
    }

    fileprivate struct Waiter {
        /// What will be read; nil for those who only mind the head.
        let query: ChangeQuery?
        let continuation: CheckedContinuation<Wake, Never>
        let timer: EngineTimer

        func resume(_ wake: Wake) {
            timer.cancel()
            continuation.resume(returning: wake)
        }
    }

    /// The subscribers of one tenant.
    private struct Channel {
        var subscribers = 0
        var devices: [DeviceID: Int] = [:]
        /// How often something was told of.
        var version: UInt64 = 0
        /// What is read because something was told of; nil while nobody had to read.
        var round: WakeRound?
        /// By the order in which they came.
        var waiters: [UInt64: Waiter] = [:]

        mutating func currentRound(_ tasks: EngineTasks) -> WakeRound {
            if let round { return round }
            let new = WakeRound(version: version, devices: Set(devices.keys), tasks)
            round = new
            return new
        }

        /// Something was told of. - Returns: those whom it wakes, with what they get, who came first first.
        mutating func turn(_ tasks: EngineTasks, waking wakes: (Waiter) -> Bool) -> [(Waiter, Wake)] {
            version += 1
            round = nil
            let woken = waiters.filter { wakes($0.value) }.sorted { $0.key < $1.key }
            guard !woken.isEmpty else { return [] }
            let round = currentRound(tasks)
            return woken.map { id, waiter in
                waiters[id] = nil
                return (waiter, .changed(round, page: waiter.query.map { round.page($0) }))
            }
        }
    }

    private struct State {
        var channels: [TenantID: Channel] = [:]
        var nextWaiter: UInt64 = 0
        var isClosed = false
    }

    private let state = Mutex(State())
    private let clock: EngineClock
    private let tasks: EngineTasks

    init(clock: EngineClock = .system, tasks: EngineTasks = .system) {
        self.clock = clock
        self.tasks = tasks
    }

    var waiterCount: Int { state.withLock { $0.channels.values.reduce(0) { $0 + $1.waiters.count } } }

    /// The number of tenants of whom something is kept.
    var channelCount: Int { state.withLock { $0.channels.count } }

    // MARK: Telling

    /// Tells that the tenant's last sequence is this one now. It may be lower than before.
    func advance(_ tenant: TenantID, to sequence: Int64) {
        // Who has read up to there already knows: notifications come doubled.
        turn(tenant) { $0.query?.after != sequence }
    }

    /// Wakes those who wait for the tenant: something changed that has no place in the feed, such as a comment.
    func wake(_ tenant: TenantID) { turn(tenant) { _ in true } }

    /// Wakes everyone: changes may have happened that nobody told of.
    func wakeAll() {
        let woken = state.withLock { state in
            state.channels.keys.sorted().flatMap { tenant in state.channels[tenant]?.turn(tasks) { _ in true } ?? [] }
        }
        for (waiter, wake) in woken { waiter.resume(wake) }
    }

    func close() {
        let released = state.withLock { state in
            state.isClosed = true
            var released: [Waiter] = []
            for tenant in state.channels.keys.sorted() {
                let waiters = state.channels[tenant]?.waiters ?? [:]
                released += waiters.sorted { $0.key < $1.key }.map(\.value)
                state.channels[tenant]?.waiters = [:]
            }
            return released
        }
        for waiter in released { waiter.resume(.stopped) }
    }

    private func turn(_ tenant: TenantID, waking wakes: (Waiter) -> Bool) {
        let woken = state.withLock { $0.channels[tenant]?.turn(tasks, waking: wakes) ?? [] }
        for (waiter, wake) in woken { waiter.resume(wake) }
    }

    // MARK: Listening

    /// Begins to listen. This is done before the first reading, so that nothing is missed between it and the wait.
    /// Whoever began it ends it.
    func subscribe(_ tenant: TenantID, device: DeviceID?) -> Subscription {
        let version = state.withLock { state in
            state.channels[tenant, default: Channel()].subscribers += 1
            if let device { state.channels[tenant]?.devices[device, default: 0] += 1 }
            return state.channels[tenant]?.version ?? 0
        }
        return Subscription(notifier: self, tenant: tenant, device: device, version: version)
    }

    /// One listener, until `end`.
    struct Subscription: Sendable {
        fileprivate let notifier: ChangeNotifier
        fileprivate let tenant: TenantID
        fileprivate let device: DeviceID?
        /// The number of notifications before the subscription began.
        let version: UInt64

        /// Waits until something is told of.
        /// - Parameters:
        ///   - version: what the caller's last reading has seen.
        ///   - query: what the caller reads when it wakes.
        func wait(after version: UInt64, for query: ChangeQuery?, atMost duration: Duration) async -> Wake {
            await notifier.wait(tenant, after: version, for: query, atMost: duration)
        }

        func end() { notifier.unsubscribe(tenant, device) }
    }

    private func unsubscribe(_ tenant: TenantID, _ device: DeviceID?) {
        state.withLock { state in
            guard var channel = state.channels.removeValue(forKey: tenant) else { return }
            channel.subscribers -= 1
            if let device {
                let left = (channel.devices[device] ?? 1) - 1
                channel.devices[device] = left > 0 ? left : nil
            }
            if channel.subscribers > 0 { state.channels[tenant] = channel }
        }
    }

    private func wait(
        _ tenant: TenantID, after version: UInt64, for query: ChangeQuery?, atMost duration: Duration
    ) async -> Wake {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let wake: Wake? = state.withLock { state in
                    guard !state.isClosed, !Task.isCancelled, var channel = state.channels.removeValue(forKey: tenant)
                    else { return .stopped }
                    defer { state.channels[tenant] = channel }
                    guard channel.version == version else {
                        let round = channel.currentRound(tasks)
                        return .changed(round, page: query.map { round.page($0) })
                    }
                    // Begun under the lock, so that it cannot be over before there is somebody to be told.
                    let timer = clock.after(duration) { [self] in release(tenant, id, .timedOut) }
                    channel.waiters[id] = Waiter(query: query, continuation: continuation, timer: timer)
                    return nil
                }
                if let wake { continuation.resume(returning: wake) }
            }
        } onCancel: {
            release(tenant, id, .stopped)
        }
    }

    private func release(_ tenant: TenantID, _ id: UInt64, _ wake: Wake) {
        let waiter = state.withLock { $0.channels[tenant]?.waiters.removeValue(forKey: id) }
        waiter?.resume(wake)
    }
}
