import Causality
import SyncStorage
import SyncWire
import Synchronization

/// What is read because something was told of: each thing is read once, for all whom it woke.
final class WakeRound: Sendable {
    /// How much of the tenant's news the readings of this round have seen at least.
    let version: UInt64
    /// How often it was told by then that somebody's access has ended.
    let accessVersion: UInt64
    /// The devices that wait for the tenant.
    let devices: Set<DeviceID>
    /// Those of the devices that were retired.
    let retired: SharedRead<Set<DeviceID>>
    let head: SharedRead<TenantHead>
    private let tasks: EngineTasks

    private struct Weak {
        weak var page: SharedRead<ChangesAnswer>?
    }

    private struct Pages {
        /// The pages by their queries. A page is kept by those who get it, and not beyond.
        var read: [ChangeQuery: Weak] = [:]
        /// The pages in which nothing was. Those who find nothing will wait again, and some of them come late.
        var empty: [SharedRead<ChangesAnswer>] = []
    }

    private let pages = Mutex(Pages())

    init(version: UInt64, accessVersion: UInt64, devices: Set<DeviceID>, _ tasks: EngineTasks) {
        self.tasks = tasks
        retired = SharedRead(tasks)
        head = SharedRead(tasks)
        self.version = version
        self.accessVersion = accessVersion
        self.devices = devices
    }

    /// The one reading of a query.
    func page(_ query: ChangeQuery) -> SharedRead<ChangesAnswer> {
        pages.withLock { pages in
            if let page = pages.read[query]?.page { return page }
            let page = SharedRead<ChangesAnswer>(tasks)
            pages.read[query] = Weak(page: page)
            return page
        }
    }

    /// Keeps a page in which nothing was, for those who come later in the round.
    func keep(_ page: SharedRead<ChangesAnswer>) {
        pages.withLock { pages in
            if !pages.empty.contains(where: { $0 === page }) { pages.empty.append(page) }
        }
    }
}

/// A reading that many wait for. It is done once, by the first who asks for it.
final class SharedRead<Answer: Sendable>: Sendable {
    private typealias Outcome = Result<Answer, Problem>

    private struct State {
        var isBegun = false
        var outcome: Outcome?
        var waiting: [CheckedContinuation<Outcome, Never>] = []
    }

    private let state = Mutex(State())
    private let tasks: EngineTasks

    init(_ tasks: EngineTasks) { self.tasks = tasks }

    /// The answer of the reading.
    /// - Parameter read: does the reading, in a task of its own, so that it does not end with the one who happened to
    ///   ask first.
    func value(
        _ read: @escaping @Sendable () async throws(Problem) -> Answer
    ) async throws(Problem) -> Answer {
        let outcome: Outcome = await withCheckedContinuation { continuation in
            let (known, isFirst) = state.withLock { state in
                if state.outcome == nil { state.waiting.append(continuation) }
                defer { state.isBegun = true }
                return (state.outcome, !state.isBegun)
            }
            if let known { continuation.resume(returning: known) }
            if isFirst { tasks.start { [self] in await settle(read) } }
        }
        return try outcome.get()
    }

    private func settle(_ read: @Sendable () async throws(Problem) -> Answer) async {
        let outcome: Outcome
        do throws(Problem) {
            outcome = .success(try await read())
        } catch {
            outcome = .failure(error)
        }
        let waiting = state.withLock { state in
            state.outcome = outcome
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume(returning: outcome) }
    }
}
