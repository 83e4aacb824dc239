import Foundation
import SyncStorage
import Synchronization

/// The threads on which the database is talked to, one session each. libpq blocks, and nothing may block the threads
/// that Swift's tasks share. A whole transaction, deciding included, is one piece of work on one thread.
///
/// A thread starts when work waits and all others are busy, up to the number allowed. It connects when it first has
/// work, and again when its session broke. Tenants share the sessions as `FairQueue` says, and so do reads and commits.
final class SessionThreads: Sendable {
    let options: PostgreSQLStore.Options
    private let connect: @Sendable () throws(StoreError) -> Session
    private let queue: WorkQueue

    /// - Parameter connect: opens a session, ready for statements. Called on the thread that will use it.
    init(options: PostgreSQLStore.Options, connect: @escaping @Sendable () throws(StoreError) -> Session) {
        self.options = options
        self.connect = connect
        queue = WorkQueue(limit: options.connections)
    }

    /// What the time for a connection bounds.
    enum Wait {
        /// It bounds the wait for a free session. The statements that follow have bounds of their own.
        case untilBegun
        /// It bounds all of the work. Work that takes longer goes on, and nobody waits for it.
        case untilAnswered
    }

    /// Runs a piece of work on the next session that is free.
    ///
    /// Work that meets a session which broke while it lay idle is run once more on a new session, unless a commit was sent.
    /// - Parameter tenant: whose work it is; nil: the server's own.
    /// - Throws: what the work throws; `unavailable` when no session becomes free in time or none can be opened.
    func run<Answer: Sendable>(
        of tenant: TenantID? = nil, for use: WorkUse = .reading, probe: StoreProbe?,
        waiting wait: Wait = .untilBegun,
        _ body: @escaping @Sendable (Session) throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        let ticket = Ticket<Answer>()
        let result = await withCheckedContinuation { continuation in
            ticket.wait(with: continuation)
            let work = QueuedWork(of: tenant, for: use) { slot in
                switch wait {
                case .untilBegun:
                    guard let continuation = ticket.take() else { return }
                    continuation.resume(returning: slot.perform(probe: probe, body))
                case .untilAnswered:
                    guard ticket.isOpen else { return }
                    let result = slot.perform(probe: probe, body)
                    ticket.take()?.resume(returning: result)
                }
            }
            switch queue.add(work) {
            case .closed: ticket.take()?.resume(returning: .failure(.unavailable("the store is closed")))
            case .taken: if wait == .untilAnswered { giveClock(to: ticket, work, "the database does not answer") }
            case .waiting: giveClock(to: ticket, work, "all connections to the database were busy")
            case .needsThread:
                // Another's work may be the first that the thread takes.
                switch wait {
                case .untilBegun: giveClock(to: ticket, work, "all connections to the database were busy")
                case .untilAnswered: giveClock(to: ticket, work, "the database does not answer")
                }
                startThread()
            }
        }
        return try result.get()
    }

    /// Bounds the wait for a piece of work. Only work that has to wait pays for a clock. What nobody waits for any more
    /// leaves the queue, with all that it holds.
    private func giveClock<Answer: Sendable>(to ticket: Ticket<Answer>, _ work: QueuedWork, _ reason: String) {
        let patience = options.connectTimeout
        ticket.give(
            Task { [queue] in
                try? await Task.sleep(for: patience)
                guard !Task.isCancelled, let continuation = ticket.take() else { return }
                queue.withdraw(work)
                continuation.resume(returning: .failure(.unavailable(reason)))
            })
    }

    private func startThread() {
        let thread = Thread { [self] in
            let slot = SessionSlot(connect: connect)
            while let (work, turn, help) = queue.next() {
                if help == .needed { startThread() }
                work.body(slot)
                queue.finish(turn)
            }
            slot.close()
            queue.ended()
        }
        thread.name = "postgresql"
        thread.stackSize = 4 << 20
        thread.start()
    }

    /// How many pieces of work wait for a thread.
    var waitingCount: Int { queue.waitingCount }

    /// Returns when all work that was taken is done and all sessions are closed.
    func close() async {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { [queue] in
                queue.close()
                continuation.resume()
            }
        }
    }
}

/// One who waits for a piece of work. The thread that did it, or the clock, answers once.
private final class Ticket<Answer: Sendable>: Sendable {
    typealias Continuation = CheckedContinuation<Result<Answer, StoreError>, Never>

    private struct State {
        var continuation: Continuation?
        var clock: Task<Void, Never>?
    }

    private let state = Mutex(State())

    /// Whether nobody has taken the answer yet.
    var isOpen: Bool { state.withLock { $0.continuation != nil } }

    func wait(with continuation: Continuation) { state.withLock { $0.continuation = continuation } }

    func give(_ clock: Task<Void, Never>) {
        let isTaken = state.withLock { state in
            if state.continuation != nil { state.clock = clock }
            return state.continuation == nil
        }
        if isTaken { clock.cancel() }
    }

    func take() -> Continuation? {
        let (continuation, clock) = state.withLock { state in
            defer { state = State() }
            return (state.continuation, state.clock)
        }
        clock?.cancel()
        return continuation
    }
}

/// The session of one thread.
final class SessionSlot {
    private let connect: @Sendable () throws(StoreError) -> Session
    private var session: Session?

    init(connect: @escaping @Sendable () throws(StoreError) -> Session) { self.connect = connect }

    func close() { session = nil }

    func perform<Answer>(
        probe: StoreProbe?, _ body: (Session) throws(StoreError) -> Answer
    ) -> Result<Answer, StoreError> {
        let wasIdle = session != nil
        let (result, session) = attempt(probe: probe, body)
        guard case .failure = result, wasIdle, let session, session.isBroken, !session.hasSentCommit else {
            return result
        }
        return attempt(probe: probe, body).result
    }

    private func attempt<Answer>(
        probe: StoreProbe?, _ body: (Session) throws(StoreError) -> Answer
    ) -> (result: Result<Answer, StoreError>, session: Session?) {
        do throws(StoreError) {
            let session: Session
            if let there = self.session { session = there } else { session = try connect() }
            self.session = session
            session.beginWork(probe)
            defer { if session.isBroken || session.isSwollen { self.session = nil } }
            do throws(StoreError) {
                return (.success(try body(session)), session)
            } catch {
                session.rollBack()
                return (.failure(error), session)
            }
        } catch {
            return (.failure(error), nil)
        }
    }
}

/// A piece of work that waits for a thread.
final class QueuedWork: Sendable {
    /// The tenant whose work it is; nil for the server's own.
    let tenant: TenantID?
    let use: WorkUse
    let body: @Sendable (SessionSlot) -> Void

    init(of tenant: TenantID?, for use: WorkUse, _ body: @escaping @Sendable (SessionSlot) -> Void) {
        self.tenant = tenant
        self.use = use
        self.body = body
    }
}

/// Work that waits for a thread, and the threads that wait for work.
final class WorkQueue: @unchecked Sendable {
    enum Admission {
        case taken, waiting, needsThread, closed
    }

    /// Whether more work could begin than there are threads for.
    enum Help {
        case needed, notNeeded
    }

    /// Guards all that follows. This is why the class may be shared.
    private let condition = NSCondition()
    private let limit: Int
    private var queue: FairQueue<QueuedWork>
    private var threads = 0
    private var idle = 0
    private var isClosed = false

    init(limit: Int) {
        self.limit = limit
        queue = FairQueue(workers: limit)
    }

    /// Takes work in, unless the queue is closed, and says what else is to be done for it.
    func add(_ work: QueuedWork) -> Admission {
        condition.lock()
        defer { condition.unlock() }
        guard !isClosed else { return .closed }
        queue.add(work, of: work.tenant, for: work.use)
        guard queue.hasWork else { return .waiting }
        // Whoever wakes and sees that there is more to be done wakes the next.
        if idle > 0 {
            condition.signal()
            return queue.count == 1 ? .taken : .waiting
        }
        guard threads < limit else { return .waiting }
        threads += 1
        return .needsThread
    }

    var waitingCount: Int {
        condition.lock()
        defer { condition.unlock() }
        return queue.count
    }

    /// Drops work that no thread has taken yet.
    func withdraw(_ work: QueuedWork) {
        condition.lock()
        queue.remove(of: work.tenant, for: work.use) { $0 === work }
        condition.unlock()
    }

    /// Waits for work. The turn has to be given back.
    /// - Returns: nil when the queue is closed and empty.
    func next() -> (work: QueuedWork, turn: WorkTurn, help: Help)? {
        condition.lock()
        defer { condition.unlock() }
        idle += 1
        defer { idle -= 1 }
        while true {
            if let (work, turn) = queue.take() { return (work, turn, call()) }
            // What waits without a turn is done by those who have one.
            guard !isClosed else { return nil }
            condition.wait()
        }
    }

    /// Has another thread look for work, where there is some.
    private func call() -> Help {
        guard queue.hasWork else { return .notNeeded }
        // This thread still counts as idle.
        if idle > 1 {
            condition.signal()
            return .notNeeded
        }
        guard threads < limit else { return .notNeeded }
        threads += 1
        return .needed
    }

    func finish(_ turn: WorkTurn) {
        condition.lock()
        queue.finish(turn)
        condition.unlock()
    }

    func ended() {
        condition.lock()
        threads -= 1
        condition.broadcast()
        condition.unlock()
    }

    func close() {
        condition.lock()
        isClosed = true
        condition.broadcast()
        while threads > 0 { condition.wait() }
        condition.unlock()
    }
}
