import Causality
import Logging
import MergeCore
import SyncStorage
import SyncWire

/// The application without HTTP. It commits batches in their tenants' commit queues, answers reads, and wakes those who
/// wait.
///
/// Everything that can be refused is thrown as the `Problem` that the caller is to be told.
public struct SyncEngine: Sendable {
    /// The collections that are accepted, and how their fields are merged.
    public let schema: Schema
    /// The bounds of what one caller, one tenant and one commit may take.
    public let limits: EngineLimits
    /// Where the engine gets the time from.
    public let clock: EngineClock
    /// The keys with which this server authenticates what it gives out.
    public let keys: ServerKeys
    let store: any SyncStore
    let queues: CommitQueues
    let notifier: ChangeNotifier
    let heartbeats: DeviceHeartbeats
    let budget: RequestBudget
    let gate = AccessGate()
    let directory = MembershipDirectory()
    let seats: ReaderSeats
    let logger: Logger
    /// Makes the cursors of a tenant once it has its name.
    private let anyCursors: Cursor.Codec

    /// An engine on an open store. Whoever makes it runs `maintain(every:)` beside it and calls `close()` at the end.
    /// - Parameters:
    ///   - store: where the data is. It stays open when the engine closes.
    ///   - schema: the collections that are accepted, and how their fields are merged.
    ///   - limits: the bounds of queues, pages and budgets.
    ///   - keys: the same at every server on the data.
    ///   - clock: what time it is, and when what is due is done.
    ///   - tasks: how work is begun that goes on beside its caller.
    ///   - logger: takes what the engine reports to those who run it.
    public init(
        store: any SyncStore, schema: Schema, limits: EngineLimits = EngineLimits(), keys: ServerKeys,
        clock: EngineClock = .system, tasks: EngineTasks = .system,
        logger: Logger
    ) {
        let notifier = ChangeNotifier(clock: clock, tasks: tasks)
        self.store = store
        self.keys = keys
        anyCursors = Cursor.Codec(store.identity, TenantID(""), keys)
        self.schema = schema
        self.limits = limits
        self.clock = clock
        self.logger = logger
        self.notifier = notifier
        queues = CommitQueues(
            store: store, schema: schema, limits: limits, keys: keys, clock: clock, tasks: tasks,
            onCommit: { tenant, sequence, collections in notifier.advance(tenant, to: sequence, in: collections) },
            onFailure: { error in
                let message: Logger.Message =
                    switch error {
                    case .unsettled: "a commit was lost on its way; its batches' keys tell what became of it"
                    case .unavailable, .damaged, .tooLarge, .newerSchema, .cannotOpen:
                        "a commit failed; nothing of it is stored"
                    }
                logger.error(message, metadata: ["error": "\(error)"])
            })
        heartbeats = DeviceHeartbeats(store: store)
        budget = RequestBudget(
            requestsPerSecond: limits.requestsPerSecondPerDevice,
            bytesPerSecond: limits.bytesPerSecondPerDevice, accounts: limits.requestAccounts)
        seats = ReaderSeats(limits: limits)
    }

    /// The data set's id; cursors of another one are answered with `resync_required`.
    public var lineage: String { identity.lineage }

    /// The data set that is served.
    public var identity: StoreIdentity { store.identity }

    // MARK: Life

    /// Does, until it is cancelled, what is done beside requests: it wakes readers for commits of other servers and,
    /// now and then, notes what devices have acknowledged.
    public func maintain(every interval: Duration = .seconds(10)) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await hearOfOthers() }
            group.addTask { await flush(every: interval) }
            group.addTask { await lookForMissed(every: interval) }
        }
    }

    /// Notifications of other servers are lost now and then. Whoever waits without end hears of what was lost here.
    private func lookForMissed(every interval: Duration) async {
        while !Task.isCancelled {
            await clock.sleep(for: interval)
            for tenant in notifier.tenants where !Task.isCancelled && store.knownHead(of: tenant) == nil {
                // A storage that cannot be asked now is asked the next time.
                guard let head = try? await store.head(of: tenant) else { break }
                notifier.hear(tenant, at: head.sequence)
            }
        }
    }

    private func hearOfOthers() async {
        for await notification in store.changeNotifications() {
            switch notification {
            case .advanced(let tenant, let sequence, let collections):
                notifier.advance(tenant, to: sequence, in: collections)
            case .accessEnded(let tenant): accessHasEnded(in: tenant)
            case .missed: notifier.wakeAll()
            }
        }
    }

    private func flush(every interval: Duration) async {
        while !Task.isCancelled {
            await clock.sleep(for: interval)
            // A cancelled task cannot write any more; `close` writes what is left.
            if !Task.isCancelled { await flush() }
        }
    }

    /// Lets commits under way finish and refuses new ones, answers those who wait, and writes what was collected. The
    /// store stays open, because it belongs to whoever opened it.
    public func close() async {
        // First, so that whoever is answered because the server stops is not taken anew.
        await queues.refuseMore()
        notifier.close()
        await queues.close()
        await flush()
    }

    /// Answers those who wait for a change, now and from now on: the server is about to stop.
    public func releaseReaders() async {
        notifier.close()
    }

    private func flush() async {
        do {
            try await heartbeats.flush()
        } catch {
            logger.warning("device heartbeats could not be written yet", metadata: ["error": "\(error)"])
        }
    }

    /// How many batches wait, how many readers wait, and how many readers are open, for the metrics.
    ///
    /// Readers that are open are those that wait and those that are being answered, streams among them.
    public func load() async -> (waitingBatches: Int, waitingReaders: Int, openReaders: Int) {
        (await queues.depth, notifier.waiterCount, seats.count)
    }

    /// Checks that the storage answers.
    /// - Throws: `storage_unavailable`.
    public func checkReadiness() async throws(Problem) {
        try await reading { () throws(StoreError) in try await store.ping() }
    }

    /// Takes the code of a link that signs somebody in.
    /// - Returns: whether this was the first time.
    public func spend(_ caller: Caller, _ code: OneTimeCode) async throws(Problem) -> Bool {
        let now = clock.now()
        return try await writing(in: caller.tenant) { () throws(StoreError) in
            try await store.spend(caller.tenant, code, nowMilliseconds: now)
        }
    }

    // MARK: Committing

    /// Commits a batch, or answers what it was answered before.
    /// - Throws: what is wrong with the batch; `overloaded`, `storage_unavailable`.
    public func commit(_ submission: BatchSubmission) async throws(Problem) -> BatchReply {
        note(submission.tenant, submission.device, acknowledged: 0, seenAtMilliseconds: clock.now())
        return try await queues.commit(submission)
    }

    func recall(_ tenant: TenantID, _ key: BatchKey) async throws(Problem) -> BatchRecall? {
        try await reading { () throws(StoreError) in
            try await store.recall(tenant, key, recordBytes: limits.answerBytes)
        }
    }

    /// Makes the answers to the tenant's batches.
    func replies(of tenant: TenantID) -> ReplyBuilder {
        ReplyBuilder(schema: schema, limits: limits, cursors: cursors(of: tenant), nowMilliseconds: clock.now())
    }

    // MARK: Common to reads

    /// Notes that a device was seen, and up to which sequence it has everything.
    func note(
        _ tenant: TenantID, _ device: DeviceID, acknowledged sequence: Int64, seenAtMilliseconds: Int64
    ) {
        heartbeats.note(
            DeviceHeartbeat(
                tenant: tenant, device: device, acknowledgedSequence: sequence, seenAtMilliseconds: seenAtMilliseconds))
    }

    /// Calls the store. An error becomes a problem, and the store's own words are logged.
    func reading<Answer>(_ body: () async throws(StoreError) -> Answer) async throws(Problem) -> Answer {
        do {
            return try await body()
        } catch {
            logger.error("the storage failed", metadata: ["error": "\(error)"])
            throw Problem(error)
        }
    }

    /// Calls the store to write, in the tenant's commit queue.
    func writing<Answer: Sendable>(
        in tenant: TenantID, _ body: @escaping @Sendable () async throws(StoreError) -> Answer
    ) async throws(Problem) -> Answer {
        switch try await queues.perform(in: tenant, body) {
        case .success(let answer): return answer
        case .failure(let error):
            logger.error("the storage failed", metadata: ["error": "\(error)"])
            throw Problem(error)
        }
    }

    func cursors(of tenant: TenantID) -> Cursor.Codec {
        anyCursors.of(tenant: tenant.name.text)
    }
}

extension Cursor.Codec {
    init(_ identity: StoreIdentity, _ tenant: TenantID, _ keys: ServerKeys) {
        self.init(
            lineage: identity.lineage, tenant: tenant.name.text, key: keys.cursor,
            formerKey: identity.formerCursorKey)
    }
}

extension Problem {
    /// There is nothing under the name that was asked for.
    public static let notFound = Problem(.notFound, "There is nothing here under this name.")
}
