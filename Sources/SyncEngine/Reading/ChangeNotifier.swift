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
        /// The head that the waiter knows; nil for those whom anything wakes.
        let position: Int64?
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
        /// How often it was told that somebody's access has ended.
        var accessVersion: UInt64 = 0
        /// The head that was told of last; nil before the first time.
        var toldHead: Int64?
        /// The collections of the last changes that were told of.
        var touched = TouchedCollections()
        /// What is read because something was told of; nil while nobody had to read.
        var round: WakeRound?
        /// By the order in which they came.
        var waiters: [UInt64: Waiter] = [:]

        mutating func currentRound(_ tasks: EngineTasks) -> WakeRound {
            if let round { return round }
            let new = WakeRound(
                version: version, accessVersion: accessVersion, devices: Set(devices.keys), tasks)
            round = new
            return new
        }

        /// Something was told of. - Returns: those whom it wakes, with what they get, who came first first.
        mutating func turn(
            _ tasks: EngineTasks, touching collections: Set<ExactString>?, waking wakes: (Waiter) -> Bool
        ) -> [(Waiter, Wake)] {
            version += 1
            round = nil
            touched.note(collections, at: version)
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
    /// - Parameter collections: those whose records changed since the last time; nil where that is not known.
    func advance(_ tenant: TenantID, to sequence: Int64, in collections: Set<ExactString>? = nil) {
        // Who has read up to there already knows: notifications come doubled.
        turn(tenant, touching: collections, waking: { $0.position != sequence }) { $0.toldHead = sequence }
    }

    /// Tells that the tenant's last sequence was read and is this one. Where it is the one that was told of last, nobody
    /// is woken.
    func hear(_ tenant: TenantID, at sequence: Int64) {
        let isNews = state.withLock { state in
            guard let channel = state.channels[tenant] else { return false }
            return channel.toldHead != sequence
        }
        if isNews { advance(tenant, to: sequence) }
    }

    /// Wakes all who wait for the tenant: something changed that need not have a place in the feed, such as a comment.
    /// - Parameter collections: those whose records may have changed.
    func wake(_ tenant: TenantID, in collections: Set<ExactString>) {
        turn(tenant, touching: collections, waking: { _ in true })
    }

    /// Wakes those who wait for the tenant: somebody's access has ended.
    func wakeForAccess(_ tenant: TenantID) {
        turn(tenant, touching: [], waking: { _ in true }) { $0.accessVersion += 1 }
    }

    /// Wakes everyone: changes may have happened that nobody told of.
    func wakeAll() {
        let woken = state.withLock { state in
            state.channels.keys.sorted().flatMap { tenant in
                state.channels[tenant]?.turn(tasks, touching: nil) { _ in true } ?? []
            }
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

    private func turn(
        _ tenant: TenantID, touching collections: Set<ExactString>?, waking wakes: (Waiter) -> Bool,
        noting note: (inout Channel) -> Void = { _ in }
    ) {
        let woken = state.withLock { state -> [(Waiter, Wake)] in
            guard var channel = state.channels.removeValue(forKey: tenant) else { return [] }
            note(&channel)
            let woken = channel.turn(tasks, touching: collections, waking: wakes)
            state.channels[tenant] = channel
            return woken
        }
        for (waiter, wake) in woken { waiter.resume(wake) }
    }

    // MARK: Listening

    /// The tenants for whom somebody listens.
    var tenants: [TenantID] { state.withLock { $0.channels.keys.sorted() } }

    /// Begins to listen. This is done before the first reading, so that nothing is missed between it and the wait.
    /// Whoever began it ends it.
    func subscribe(_ tenant: TenantID, device: DeviceID?) -> Subscription {
        let (version, accessVersion) = state.withLock { state in
            var channel = state.channels.removeValue(forKey: tenant) ?? Channel()
            channel.subscribers += 1
            if let device { channel.devices[device, default: 0] += 1 }
            state.channels[tenant] = channel
            return (channel.version, channel.accessVersion)
        }
        return Subscription(
            notifier: self, tenant: tenant, device: device, version: version, accessVersion: accessVersion)
    }

    /// One listener, until `end`.
    final class Subscription: Sendable {
        private struct State {
            /// The wait that is under way.
            var waiter: UInt64?
            var isStopped = false
        }

        private let notifier: ChangeNotifier
        private let tenant: TenantID
        private let device: DeviceID?
        /// The number of notifications before the subscription began.
        let version: UInt64
        /// How often it had been told before that somebody's access has ended.
        let accessVersion: UInt64
        private let state = Mutex(State())

        fileprivate init(
            notifier: ChangeNotifier, tenant: TenantID, device: DeviceID?, version: UInt64, accessVersion: UInt64
        ) {
            self.notifier = notifier
            self.tenant = tenant
            self.device = device
            self.version = version
            self.accessVersion = accessVersion
        }

        /// Waits until something is told of.
        /// - Parameters:
        ///   - version: what the caller's last reading has seen.
        ///   - position: the head that the caller knows. Word of it wakes nobody; nil for a caller whom anything wakes.
        ///   - query: what the caller reads when it wakes.
        func wait(
            after version: UInt64, at position: Int64?, for query: ChangeQuery?, atMost duration: Duration
        ) async -> Wake {
            let id = notifier.newWaiter()
            let isStopped = state.withLock { state in
                state.waiter = id
                return state.isStopped
            }
            guard !isStopped else { return .stopped }
            let wake = await notifier.wait(
                tenant, id, after: version, at: position, for: query, atMost: duration,
                unless: { [self] in state.withLock { $0.isStopped } })
            state.withLock { $0.waiter = nil }
            return wake
        }

        /// Waits until something is told of that the query may find.
        func wait(after version: UInt64, for query: ChangeQuery?, atMost duration: Duration) async -> Wake {
            await wait(after: version, at: query?.after, for: query, atMost: duration)
        }

        /// Whether nobody is to be told any more.
        var isStopped: Bool { state.withLock { $0.isStopped } || notifier.isClosed }

        /// How many listen to the tenant on this server.
        var listenerCount: Int { notifier.listenerCount(tenant) }

        /// The collections whose records changed behind one version and up to another; nil where that is not known.
        func collections(after version: UInt64, through last: UInt64) -> Set<ExactString>? {
            notifier.collections(tenant, after: version, through: last)
        }

        /// Ends the wait that is under way, and every one from now on: nobody is there any more to be told.
        func stop() {
            let waiter = state.withLock { state in
                state.isStopped = true
                return state.waiter
            }
            if let waiter { notifier.release(tenant, waiter, .stopped) }
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

    private func collections(_ tenant: TenantID, after version: UInt64, through last: UInt64) -> Set<ExactString>? {
        state.withLock { $0.channels[tenant]?.touched.all(after: version, through: last) }
    }

    private var isClosed: Bool { state.withLock { $0.isClosed } }

    private func listenerCount(_ tenant: TenantID) -> Int {
        state.withLock { $0.channels[tenant]?.subscribers ?? 0 }
    }

    private func newWaiter() -> UInt64 {
        state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
    }

    private func wait(
        _ tenant: TenantID, _ id: UInt64, after version: UInt64, at position: Int64?, for query: ChangeQuery?,
        atMost duration: Duration, unless isStopped: @Sendable () -> Bool
    ) async -> Wake {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let wake: Wake? = state.withLock { state in
                    // Asked once more under the lock: whoever stops the subscription looks for its waiter afterwards.
                    guard !state.isClosed, !Task.isCancelled, !isStopped(),
                        var channel = state.channels.removeValue(forKey: tenant)
                    else { return .stopped }
                    defer { state.channels[tenant] = channel }
                    guard channel.version == version else {
                        let round = channel.currentRound(tasks)
                        return .changed(round, page: query.map { round.page($0) })
                    }
                    // Begun under the lock, so that it cannot be over before there is somebody to be told.
                    let timer = clock.after(duration) { [self] in release(tenant, id, .timedOut) }
                    channel.waiters[id] = Waiter(
                        position: position, query: query, continuation: continuation, timer: timer)
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
