import Causality
import Foundation
import SyncStorage
import Synchronization

/// Tells the other servers on the database of this one's commits, and hears of theirs, on a connection and a thread of
/// its own.
///
/// This is never done in the transaction that commits batches: a commit with a NOTIFY in it takes a lock that the whole
/// database shares (`PreCommit_Notify` in PostgreSQL's async.c). Only the rare transactions that end somebody's access
/// tell of it themselves, because a command does that too, which tells nobody anything later. Notifications are gathered and sent together, at most every 20
/// ms.
final class ChangeBroadcast: Sendable {
    static let shortestInterval: Duration = .milliseconds(20)
    /// How often a silent connection is asked whether it is still there.
    static let heartbeat: Duration = .seconds(5)
    /// How long after a failure the connection is tried again. In the meantime readers are told as often to look for
    /// themselves: while the database cannot be reached, and for as long as it is a standby, which tells nobody of
    /// anything.
    static let patience: Duration = .seconds(1)
    private struct State {
        var pending: [TenantID: FeedAdvance] = [:]
        var listener: AsyncStream<ChangeNotification>.Continuation?
        var isRunning = false
        var isClosed = false
        /// Those who wait for the thread to end.
        var closing: [CheckedContinuation<Void, Never>] = []
    }

    private let conninfo: Conninfo
    private let options: PostgreSQLStore.Options
    private let state = Mutex(State())
    private let selfPipe = SelfPipe()

    init(_ conninfo: Conninfo, options: PostgreSQLStore.Options) {
        self.conninfo = conninfo
        self.options = options
    }

    /// Notes a commit that others are to be told of.
    func note(_ tenant: TenantID, _ news: FeedAdvance) {
        let wakes = state.withLock { state in
            guard state.isRunning else { return false }
            let wasEmpty = state.pending.isEmpty
            state.pending[tenant] = state.pending[tenant].map { $0.joined(with: news) } ?? news
            return wasEmpty
        }
        if wakes { selfPipe.wake() }
    }

    /// Begins to listen and to tell.
    func changeNotifications() -> AsyncStream<ChangeNotification> {
        let (stream, continuation) = AsyncStream.makeStream(of: ChangeNotification.self)
        let starts = state.withLock { state in
            guard !state.isClosed, !state.isRunning else { return false }
            state.isRunning = true
            state.listener = continuation
            return true
        }
        guard starts else {
            continuation.finish()
            return stream
        }
        let thread = Thread { [self] in run() }
        thread.name = "postgresql-broadcast"
        thread.start()
        return stream
    }

    /// Returns when the connection is closed.
    func close() async {
        await withCheckedContinuation { continuation in
            let waits = state.withLock { state in
                state.isClosed = true
                if state.isRunning { state.closing.append(continuation) }
                return state.isRunning
            }
            if waits { selfPipe.wake() } else { continuation.resume() }
        }
    }

    // MARK: The thread

    private func run() {
        while !state.withLock({ $0.isClosed }) {
            do throws(StoreError) {
                let session = try Session(conninfo, options: options).configured(options)
                session.beginWork(nil)
                _ = try session.exchange([Request(Statements.listen)])
                // Nothing was heard of what was committed elsewhere before this moment.
                tell(.missed)
                try serve(session)
            } catch {
                selfPipe.wait(for: Self.patience)
                tell(.missed)
            }
        }
        let (listener, closing) = state.withLock { state in
            defer {
                state.closing = []
                state.isRunning = false
            }
            return (state.listener, state.closing)
        }
        listener?.finish()
        for continuation in closing { continuation.resume() }
    }

    private func serve(_ session: Session) throws(StoreError) {
        var lastSent = ContinuousClock.now - Self.shortestInterval
        var lastHeard = ContinuousClock.now
        while true {
            let (hasPending, isClosed) = state.withLock { (!$0.pending.isEmpty, $0.isClosed) }
            if isClosed { return }
            let now = ContinuousClock.now
            let sendsAt = lastSent + Self.shortestInterval
            if hasPending, now >= sendsAt {
                try send(through: session)
                lastSent = .now
                lastHeard = lastSent
            } else if now >= lastHeard + Self.heartbeat {
                _ = try session.exchange([Request(Statements.ping)], within: options.connectTimeout)
                lastHeard = .now
            } else {
                let until = hasPending ? sendsAt : lastHeard + Self.heartbeat
                selfPipe.wait(for: until - now, or: session.descriptor)
            }
            for notification in try session.notifications() where notification.sender != session.processID {
                lastHeard = .now
                for change in TenantNews.notifications(in: notification.payload) { tell(change) }
            }
        }
    }

    private func tell(_ change: ChangeNotification) { _ = state.withLock { $0.listener }?.yield(change) }

    /// Sends what was gathered. What cannot be sent now stays for the next connection.
    private func send(through session: Session) throws(StoreError) {
        let pending = state.withLock { state in
            defer { state.pending = [:] }
            return state.pending
        }
        do throws(StoreError) {
            let payloads = TenantNews.payloads(pending)
            _ = try session.exchange(payloads.map { payload in Request(Statements.notify) { $0.text(payload) } })
        } catch {
            state.withLock { $0.pending.merge(pending) { $0.joined(with: $1) } }
            throw error
        }
    }
}
