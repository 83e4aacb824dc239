import Causality
import MergeCore
import SyncStorage
import SyncWire

/// What a device asks of the feed.
public struct ChangesRequest: Sendable, Hashable {
    /// The cursor up to which the caller has everything; nil where it begins with the first change.
    public var since: String?
    /// How many rows of the feed are looked at.
    public var limit: Int
    /// The collections whose records are wanted; empty for all.
    public var collections: Set<ExactString>
    /// Of the collections that are named here, only the records with these ids are wanted.
    public var only: [ExactString: Set<ExactString>]
    /// For how many seconds an empty answer may be held.
    public var waitSeconds: Int

    public init(
        since: String?, limit: Int, collections: Set<ExactString>, only: [ExactString: Set<ExactString>] = [:],
        waitSeconds: Int
    ) {
        self.since = since
        self.limit = limit
        self.collections = collections
        self.only = only
        self.waitSeconds = waitSeconds
    }
}

extension SyncEngine {
    /// One page of the tenant's feed. It is held back while it would be empty and the caller is willing to wait.
    ///
    /// The cursor that the caller brings is noted as acknowledged: whoever pulls from it has saved what came before.
    /// Whether the caller's access has ended is asked here (``permit(_:)``), where it is not known together with the page.
    /// - Throws: `resync_required`, `cursor_invalid`; `rate_limited` and `overloaded` where too many wait already;
    ///   `unauthenticated`, `token_expired` and `device_retired`, also while the caller waits.
    public func changes(_ caller: Caller, _ request: ChangesRequest) async throws(Problem) -> ChangesAnswer {
        let query = try query(caller, request)
        guard request.waitSeconds > 0 else {
            return try await firstPage(caller, query, acknowledging: query.after).answer
        }
        // The seat is taken before anything is read, so that a caller who may not wait is told so at no cost.
        let seat = try seats.take(caller.tenant, RequestOwner(caller))
        defer { withExtendedLifetime(seat) {} }
        let subscription = notifier.subscribe(caller.tenant, device: caller.device)
        defer { subscription.end() }
        let deadline = clock.uptime() + .seconds(request.waitSeconds)
        let answer = try await firstPage(caller, query, acknowledging: query.after).answer
        return try await held(answer, query, by: deadline, for: caller, subscription)
    }

    /// The whole catch-up from a cursor, page after page. The first page is read at once, so that what is wrong is
    /// known before anything is sent.
    /// - Throws: what ``changes(_:_:)`` throws.
    public func catchUp(_ caller: Caller, _ request: ChangesRequest) async throws(Problem) -> ChangesCatchUp {
        let query = try query(caller, request)
        let stream = try openStream(caller)
        let first = try await firstPage(caller, query, acknowledging: query.after).answer
        return ChangesCatchUp(stream: stream, query: query, first: first)
    }

    // MARK: Waiting

    private func held(
        _ first: ChangesAnswer, _ query: ChangeQuery, by deadline: Duration, for caller: Caller,
        _ subscription: ChangeNotifier.Subscription
    ) async throws(Problem) -> ChangesAnswer {
        var answer = first
        var query = query
        var (version, accessVersion) = (subscription.version, subscription.accessVersion)
        while answer.isEmpty {
            query.goOn(after: answer)
            let left = min(deadline - clock.uptime(), validity(of: caller))
            guard left > .zero else { break }
            switch await subscription.wait(after: version, for: query, atMost: left) {
            case .changed(let round, let shared):
                try await checkStanding(of: caller, in: round, since: accessVersion)
                guard let shared else { return answer }
                let asked = query
                answer = try await shared.value { () throws(Problem) in try await page(caller.tenant, asked) }
                if answer.isEmpty { round.keep(shared) }
                (version, accessVersion) = (round.version, round.accessVersion)
            case .timedOut:
                try checkToken(of: caller)
                return try changesAnswer(caller.tenant, query, try await readPage(for: caller, query).page)
            case .stopped: return answer
            }
        }
        try checkToken(of: caller)
        return answer
    }

    /// For how long the caller's token is good.
    public func validity(of caller: Caller) -> Duration {
        caller.expiresAtMilliseconds.map { .milliseconds(max(0, $0 - clock.now())) } ?? .seconds(1 << 31)
    }

    /// Checks that the caller's token is still good.
    /// - Throws: `token_expired`.
    public func checkToken(of caller: Caller) throws(Problem) {
        guard validity(of: caller) > .zero else { throw Problem(.tokenExpired, "The token's 'exp' has passed.") }
    }

    /// Checks that the caller may still be told anything.
    /// - Throws: `token_expired` and `device_retired`.
    func checkStanding(of caller: Caller) async throws(Problem) {
        try checkToken(of: caller)
        guard let device = caller.device else { return }
        let row = try await reading { () throws(StoreError) in try await store.device(caller.tenant, device) }
        if row?.retiredAtMilliseconds != nil { throw .deviceRetired }
    }

    /// Checks the same in one reading for all whom the round woke. Where somebody's access has ended since, each of them
    /// is asked for.
    /// - Parameter accessVersion: how often that had happened when the caller's access was last looked at.
    func checkStanding(
        of caller: Caller, in round: WakeRound, since accessVersion: UInt64
    ) async throws(Problem) {
        try checkToken(of: caller)
        if round.accessVersion != accessVersion { return try await permit(caller) }
        guard let device = caller.device else { return }
        let retired = try await round.retired.value { () throws(Problem) in
            try await reading { () throws(StoreError) in
                try await store.retiredDevices(caller.tenant, among: round.devices)
            }
        }
        if retired.contains(device) { throw .deviceRetired }
    }

    // MARK: Reading

    func query(_ caller: Caller, _ request: ChangesRequest) throws(Problem) -> ChangeQuery {
        let place = try place(request.since, of: caller.tenant)
        return ChangeQuery(
            after: place.sequence, in: place.life, limit: request.limit, bytes: limits.pageBytes,
            collections: request.collections,
            only: request.only)
    }

    /// Reads a cursor. Whoever has none is before the first change.
    func place(_ since: String?, of tenant: TenantID) throws(Problem) -> (sequence: Int64, life: LifeID) {
        guard let since else { return (0, store.life) }
        do {
            let cursor = try Cursor(since, cursors(of: tenant))
            return (cursor.sequence, LifeID(rawValue: cursor.life))
        } catch {
            switch error {
            case .invalid:
                throw Problem(
                    .cursorInvalid, "This is no cursor of this tenant. Pull from the beginning, without 'since'.")
            case .otherLineage: throw .resyncRequired(.lineage)
            }
        }
    }

    /// Reads the page from the cursor that the caller brought, and notes that the caller has what came before. A cursor
    /// that is not good any more says nothing about what its device has.
    /// - Parameter sequence: up to where the caller's device has everything; nil where that is not known.
    /// - Returns: the page, and the feed's end in the state that was read.
    func firstPage(
        _ caller: Caller, _ query: ChangeQuery, acknowledging sequence: Int64?
    ) async throws(Problem) -> (answer: ChangesAnswer, head: Int64) {
        let (known, _) = gate.known(
            of: caller.tenant, AccessQuery(caller), isDeviceNamed: caller.isDeviceNamed, nowMilliseconds: clock.now())
        let read: ReaderPage
        if let known {
            try check(caller, known)
            read = ReaderPage(page: try await readPage(caller.tenant, query), access: known)
        } else {
            read = try await readPage(for: caller, query)
        }
        try await admit(caller, read.access)
        let answer = try changesAnswer(caller.tenant, query, read.page)
        if let device = caller.device {
            note(caller.tenant, device, acknowledged: sequence ?? 0, seenAtMilliseconds: clock.now())
        }
        return (answer, read.page.head)
    }

    /// Reads a page.
    /// - Throws: `resync_required` where the feed cannot go on from there.
    func page(_ tenant: TenantID, _ query: ChangeQuery) async throws(Problem) -> ChangesAnswer {
        try changesAnswer(tenant, query, try await readPage(tenant, query))
    }

    /// The page after a cursor beyond which there is nothing, where that is known without asking.
    private func knownPage(_ tenant: TenantID, _ query: ChangeQuery) -> ChangePage? {
        guard query.life == store.life, let head = store.knownHead(of: tenant), head.sequence <= query.after else {
            return nil
        }
        var page = ChangePageBuilder(query, over: head).finished()
        page.course = FeedCourse(life: store.life, isContinued: query.after <= head.sequence)
        return page
    }

    private func readPage(_ tenant: TenantID, _ query: ChangeQuery) async throws(Problem) -> ChangePage {
        if let page = knownPage(tenant, query) { return page }
        return try await reading { () throws(StoreError) in
            let page = try await store.changes(tenant, query)
            guard page.isToBeReadAgain(query) else { return page }
            return try await store.changes(tenant, query)
        }
    }

    /// Reads a page and, in the same visit to the store, what has ended of its reader's access.
    /// - Throws: what ``permit(_:)`` throws.
    private func readPage(for caller: Caller, _ query: ChangeQuery) async throws(Problem) -> ReaderPage {
        let (tenant, reader, now) = (caller.tenant, AccessQuery(caller), clock.now())
        let (_, moment) = gate.known(
            of: tenant, reader, isDeviceNamed: caller.isDeviceNamed, nowMilliseconds: now)
        let read: ReaderPage
        if let page = knownPage(tenant, query) {
            read = ReaderPage(page: page, access: try await readAccess(of: caller))
        } else {
            read = try await reading { () throws(StoreError) in
                let read = try await store.changes(tenant, query, for: reader)
                guard read.page.isToBeReadAgain(query) else { return read }
                return try await store.changes(tenant, query, for: reader)
            }
        }
        gate.note(read.access, of: tenant, reader, nowMilliseconds: now, since: moment)
        try check(caller, read.access)
        return read
    }

    /// What is answered with a page.
    /// - Throws: `resync_required` where the feed cannot go on from there.
    private func changesAnswer(
        _ tenant: TenantID, _ query: ChangeQuery, _ page: ChangePage
    ) throws(Problem) -> ChangesAnswer {
        // Who has nothing has missed nothing.
        if query.after > 0 {
            // It was given out in a life that this data does not lead on from: the data was set back.
            guard page.course?.isContinued == true else { throw .resyncRequired(.lineage) }
            if query.after < page.purgeFloor { throw .resyncRequired(.expired) }
        }
        let life = page.course?.life ?? store.life
        let end = ChangesPage.End(
            cursor: Cursor(sequence: page.reached, life: life.rawValue).text(cursors(of: tenant)),
            hasMore: page.hasMore,
            serverTimeMilliseconds: clock.now())
        return ChangesAnswer(
            ChangesPage(records: page.rows.map(WireRecord.init(_:)), end: end), reached: page.reached, in: life)
    }
}

extension ChangePage {
    /// A standby that was promoted while it was read answered with what it had before, and is none any more.
    fileprivate func isToBeReadAgain(_ query: ChangeQuery) -> Bool { head < query.after && !isReplica }
}
