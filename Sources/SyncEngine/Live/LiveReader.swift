import Causality
import SyncStorage
import SyncWire
import Synchronization

/// Somebody who is told of a tenant's changes as they happen, until the token ends, the access ends, the server stops or
/// nobody listens any more.
///
/// It rests on the same subscription as a long poll, so that one commit costs one reading however many are told of it.
/// It has a seat among its owner's long polls and streams for as long as it is kept. Everything that it tells may be lost
/// with the connection; the feed says it again from the last cursor.
public struct LiveReader: Sendable {
    /// Hints of one reader are at least this far apart. What happens meanwhile is one hint.
    static let hintInterval: Duration = .milliseconds(50)
    /// How many listeners of one tenant are told something in that time without a longer pause. More of them are told a
    /// thousand times a second together, so that a tenant's commits do not wait behind what is told of them. The first news
    /// after a pause comes at once all the same.
    static let listenersPerInterval = 50
    static let longestPause: Duration = .seconds(2)
    /// A reader that is stopped while it pauses ends within this.
    private static let pauseStep: Duration = .milliseconds(250)

    fileprivate enum Position {
        /// The feed's end as it was read at the beginning, and up to where the caller knows of it.
        case hints(head: Int64, told: Int64)
        case records(ChangesAnswer, ChangeQuery)
    }

    private let engine: SyncEngine
    private let listener: LiveListener
    private let collections: Set<ExactString>
    private let position: Position

    fileprivate init(
        _ engine: SyncEngine, _ listener: LiveListener, _ collections: Set<ExactString>,
        _ position: Position
    ) {
        self.engine = engine
        self.listener = listener
        self.collections = collections
        self.position = position
    }

    /// Ends the reader at its next wait: nobody is there any more to be told.
    public func stop() { listener.subscription.stop() }

    /// Goes on with a fresh token of the same caller.
    /// - Throws: `forbidden` for a token of somebody else.
    public func renew(_ caller: Caller) throws(Problem) { try listener.renew(caller) }

    /// Tells what happens, until it is stopped or the server stops.
    /// - Parameters:
    ///   - interval: after so long without news the reader says that it is quiet.
    ///   - take: takes one piece of news. The next one is not read before it returns, so a slow reader is simply behind.
    /// - Throws: what ends the reader: `token_expired`, `unauthenticated`, `device_retired`, `resync_required`,
    ///   `storage_unavailable`; what `take` throws.
    public func run(quietAfter interval: Duration, _ take: (LiveNews) async throws -> Void) async throws {
        var state = Wait(version: listener.subscription.version, accessVersion: listener.subscription.accessVersion)
        switch position {
        case .hints(let head, let told): try await hint(head, told, &state, interval, take)
        case .records(let answer, let query): try await deliver(answer, query, &state, interval, take)
        }
    }

    /// How much of the tenant's news the reader has seen.
    private struct Wait {
        var version: UInt64
        var accessVersion: UInt64
    }

    // MARK: Hints

    private func hint(
        _ first: Int64, _ known: Int64, _ state: inout Wait, _ interval: Duration,
        _ take: (LiveNews) async throws -> Void
    ) async throws {
        var (head, told) = (first, known)
        /// Where the changes were that have not been told of; nil where that is not known.
        var touched: Set<ExactString>? = first == known ? [] : nil
        while true {
            // A head may be read that is further than what was told of so far: then the rest is told of yet, and is a hint
            // though the head has been told.
            let wanted = touched.map { collections.isEmpty ? $0 : $0.intersection(collections) }
            if wanted.map({ !$0.isEmpty }) ?? (head != told) {
                told = head
                try await take(.change(engine.hint(listener.tenant, at: head, in: wanted)))
                await pause(atLeast: Self.hintInterval)
            }
            touched = []
            let before = state.version
            // Anything wakes it: word of the head that was read ahead of its word says where the change was.
            switch await wait(at: nil, for: nil, state, interval) {
            case .changed(let round, _):
                try await admit(round, &state)
                head = try await engine.head(of: listener.tenant, in: round)
                let new = listener.subscription.collections(after: before, through: round.version)
                touched = touched.flatMap { known in new.map { known.union($0) } }
            case .timedOut: try await rest(take)
            case .stopped: return
            }
        }
    }

    // MARK: Records

    private func deliver(
        _ first: ChangesAnswer, _ initial: ChangeQuery, _ state: inout Wait, _ interval: Duration,
        _ take: (LiveNews) async throws -> Void
    ) async throws {
        var (answer, query) = (first, initial)
        while true {
            if !answer.page.records.isEmpty {
                try await take(.page(answer))
                if !answer.page.end.hasMore { await pause(atLeast: .zero) }
            }
            query.goOn(after: answer)
            if answer.page.end.hasMore {
                try await listener.check(engine)
                answer = try await engine.page(listener.tenant, query)
                continue
            }
            switch await wait(at: query.after, for: query, state, interval) {
            case .changed(let round, let shared):
                try await admit(round, &state)
                let shared = shared ?? round.page(query)
                let (asked, tenant) = (query, listener.tenant)
                answer = try await shared.value { [engine] () throws(Problem) in try await engine.page(tenant, asked) }
                if answer.isEmpty { round.keep(shared) }
            case .timedOut:
                try await rest(take)
                answer = answer.withoutRecords
            case .stopped: return
            }
        }
    }

    // MARK: Waiting

    /// Lets others of the tenant have their turn.
    private func pause(atLeast shortest: Duration) async {
        let listeners = listener.subscription.listenerCount
        let shared = Self.hintInterval * listeners / Self.listenersPerInterval
        let isAlone = listeners <= Self.listenersPerInterval
        var left = isAlone ? shortest : min(Self.longestPause, max(shortest, shared))
        while left > .zero, !listener.subscription.isStopped {
            await engine.clock.sleep(for: min(left, Self.pauseStep))
            left -= Self.pauseStep
        }
    }

    private func wait(
        at position: Int64?, for query: ChangeQuery?, _ state: Wait, _ interval: Duration
    ) async -> ChangeNotifier.Wake {
        let left = min(interval, engine.validity(of: listener.caller))
        return await listener.subscription.wait(after: state.version, at: position, for: query, atMost: left)
    }

    /// Checks that the caller may be told of what happened.
    private func admit(_ round: WakeRound, _ state: inout Wait) async throws(Problem) {
        let caller = listener.caller
        try await engine.checkStanding(of: caller, in: round, since: state.accessVersion)
        (state.version, state.accessVersion) = (round.version, round.accessVersion)
    }

    /// Says that nothing happens, to a caller who may be told that.
    private func rest(_ take: (LiveNews) async throws -> Void) async throws {
        try await listener.check(engine)
        try await take(.quiet)
    }
}

/// What is held for a reader while somebody keeps it: a seat, a subscription, and whom it is for.
private final class LiveListener: Sendable {
    let tenant: TenantID
    let subscription: ChangeNotifier.Subscription
    private let seat: ReaderSeats.Seat
    private let current: Mutex<Caller>

    init(_ engine: SyncEngine, _ caller: Caller) throws(Problem) {
        tenant = caller.tenant
        // The seat is taken before anything is read, so that a caller who may not listen is told so at no cost.
        seat = try engine.seats.take(caller.tenant, RequestOwner(caller))
        subscription = engine.notifier.subscribe(caller.tenant, device: caller.device)
        current = Mutex(caller)
    }

    deinit { subscription.end() }

    var caller: Caller { current.withLock { $0 } }

    func renew(_ caller: Caller) throws(Problem) {
        let isSame = current.withLock { current in
            guard current.tenant == caller.tenant, current.user == caller.user, current.device == caller.device
            else { return false }
            current = caller
            return true
        }
        guard isSame else { throw Problem(.forbidden, "A fresh token is of the same tenant, user and device.") }
    }

    /// Checks that the token is good and that access has not ended.
    func check(_ engine: SyncEngine) async throws(Problem) {
        let caller = caller
        try engine.checkToken(of: caller)
        try await engine.permit(caller)
    }
}

extension SyncEngine {
    private static let liveChangesPerPage = 500

    /// Begins to tell of the tenant's changes as they happen. What is wrong with the request is known before anything is
    /// told.
    /// - Throws: what ``changes(_:_:)`` throws.
    public func live(_ caller: Caller, _ request: LiveRequest) async throws(Problem) -> LiveReader {
        let limit = request.delivery == .hints ? 1 : Self.liveChangesPerPage
        let query = try query(
            caller,
            ChangesRequest(
                since: request.start.cursor, limit: limit, collections: request.collections, waitSeconds: 0))
        // It is begun before the first reading, so that nothing is missed between the two.
        let listener = try LiveListener(self, caller)
        let saved: Int64? = if case .saved = request.start, request.delivery == .records { query.after } else { nil }
        let first = try await firstPage(caller, query, acknowledging: saved)
        switch request.delivery {
        case .hints:
            // A replica that is behind its reader has nothing to tell.
            let head = max(first.head, query.after)
            return LiveReader(self, listener, request.collections, .hints(head: head, told: query.after))
        case .records:
            return LiveReader(self, listener, request.collections, .records(first.answer, query))
        }
    }

    fileprivate func hint(_ tenant: TenantID, at head: Int64, in collections: Set<ExactString>?) -> ChangeHint {
        ChangeHint(
            cursor: Cursor(sequence: head, life: store.life.rawValue).text(cursors(of: tenant)),
            collections: collections.map { $0.sorted() })
    }

    /// The feed's end, read once for all whom the round woke.
    fileprivate func head(of tenant: TenantID, in round: WakeRound) async throws(Problem) -> Int64 {
        if let head = store.knownHead(of: tenant) { return head.sequence }
        return try await round.head.value { () throws(Problem) in
            try await reading { () throws(StoreError) in try await store.head(of: tenant) }
        }.sequence
    }
}
