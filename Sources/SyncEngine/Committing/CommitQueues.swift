import Causality
import MergeCore
import SyncStorage
import SyncWire

/// The serial order of what is written. There is one queue a tenant, so that a tenant has one connection for writing
/// and no more.
///
/// A lone batch commits at once. While a commit of its tenant runs, batches queue; the next commit takes all that wait,
/// up to a bound, into one transaction. What reviewers do, registrations and the like wait in the same queue and go
/// alone. Different tenants do not wait for each other here.
actor CommitQueues {
    private struct WaitingBatch {
        let submission: BatchSubmission
        let continuation: CheckedContinuation<Result<BatchReply, Problem>, Never>
    }

    private enum Waiting {
        case batch(WaitingBatch)
        /// Something else that writes. It answers by itself whoever asked for it.
        case work(@Sendable () async -> Void)

        var isBatch: Bool {
            switch self {
            case .batch: true
            case .work: false
            }
        }
    }

    /// What leaves a queue at once.
    private enum Departure {
        case group([WaitingBatch])
        case work(@Sendable () async -> Void)
    }

    private struct Queue {
        var waiting: [Waiting] = []
        /// The bytes of the bodies of the batches that wait.
        var bytes = 0
        var isRunning = false
    }

    private let store: any SyncStore
    private let schema: Schema
    private let limits: EngineLimits
    private let keys: ServerKeys
    private let clock: EngineClock
    private let tasks: EngineTasks
    private let onCommit: @Sendable (TenantID, Int64, Set<ExactString>?) async -> Void
    private let onFailure: @Sendable (StoreError) -> Void
    private var queues: [TenantID: Queue] = [:]
    private var isClosed = false
    private var drained: [CheckedContinuation<Void, Never>] = []

    /// - Parameters:
    ///   - store: where the batches are committed.
    ///   - settings: what the decisions are held to.
    ///   - keys: what cursors are authenticated with.
    ///   - clock: where the time comes from.
    ///   - onCommit: told after each transaction, with the tenant's last sequence number and the collections of the
    ///     records that were written, where those are known.
    ///   - onFailure: told of each transaction that failed.
    init(
        store: any SyncStore, schema: Schema, limits: EngineLimits, keys: ServerKeys, clock: EngineClock,
        tasks: EngineTasks,
        onCommit: @escaping @Sendable (TenantID, Int64, Set<ExactString>?) async -> Void,
        onFailure: @escaping @Sendable (StoreError) -> Void
    ) {
        self.store = store
        self.schema = schema
        self.limits = limits
        self.keys = keys
        self.clock = clock
        self.tasks = tasks
        self.onCommit = onCommit
        self.onFailure = onFailure
    }

    /// How many batches and other pieces of work wait, over all queues.
    var depth: Int { queues.values.reduce(0) { $0 + $1.waiting.count } }

    /// Waits for the batch's turn and commits it.
    ///
    /// Once the batch is in the queue it is committed, whether or not the one who asked still listens: the answer is
    /// stored.
    /// - Throws: `overloaded` when the queue is full or the server is stopping; what is wrong with the batch;
    ///   `storage_unavailable`.
    func commit(_ submission: BatchSubmission) async throws(Problem) -> BatchReply {
        try checkRoom(in: submission.tenant, bytes: submission.byteCount)
        let result = await withCheckedContinuation { continuation in
            add(.batch(WaitingBatch(submission: submission, continuation: continuation)), to: submission.tenant)
        }
        return try result.get()
    }

    /// Does something that writes when it is its turn, alone.
    /// - Throws: `overloaded` when the queue is full or the server is stopping. What the work itself throws is returned.
    func perform<Answer: Sendable>(
        in tenant: TenantID, _ work: @escaping @Sendable () async throws(StoreError) -> Answer
    ) async throws(Problem) -> Result<Answer, StoreError> {
        try checkRoom(in: tenant, bytes: 0)
        return await withCheckedContinuation { continuation in
            let departing = Waiting.work {
                do throws(StoreError) {
                    continuation.resume(returning: .success(try await work()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            add(departing, to: tenant)
        }
    }

    private func checkRoom(in tenant: TenantID, bytes: Int) throws(Problem) {
        guard !isClosed else {
            throw .overloaded("The server is stopping. Retry with the same key.", retryAfterSeconds: 2)
        }
        let queue = queues[tenant] ?? Queue()
        guard queue.waiting.count < limits.commitQueueDepth,
            queue.bytes == 0 || queue.bytes + bytes <= limits.commitQueueBytes
        else {
            throw .overloaded(
                "Too much of this tenant is waiting to be written. Send the same again, a batch with its key.",
                retryAfterSeconds: 1)
        }
    }

    private func add(_ waiting: Waiting, to tenant: TenantID) {
        queues[tenant, default: Queue()].waiting.append(waiting)
        if case .batch(let batch) = waiting { queues[tenant]?.bytes += batch.submission.byteCount }
        guard queues[tenant]?.isRunning == false else { return }
        queues[tenant]?.isRunning = true
        tasks.start { await self.run(tenant) }
    }

    /// Refuses new batches from now on.
    func refuseMore() { isClosed = true }

    /// Refuses new batches and returns when all that were taken have been committed and answered.
    func close() async {
        isClosed = true
        guard !queues.isEmpty else { return }
        await withCheckedContinuation { drained.append($0) }
    }

    private func run(_ tenant: TenantID) async {
        while let departure = take(tenant) {
            switch departure {
            case .work(let work): await work()
            case .group(let group):
                let replies = await commit(group.map(\.submission), of: tenant)
                for (waiting, reply) in zip(group, replies) { waiting.continuation.resume(returning: reply) }
            }
        }
        queues[tenant] = nil
        if queues.isEmpty {
            for continuation in drained { continuation.resume() }
            drained = []
        }
    }

    /// What leaves the queue together: the oldest batch, and those right behind it while the group stays within bounds; or the
    /// oldest piece of other work.
    private func take(_ tenant: TenantID) -> Departure? {
        guard let waiting = queues[tenant]?.waiting, let first = waiting.first else { return nil }
        if case .work(let work) = first {
            queues[tenant]?.waiting.removeFirst()
            return .work(work)
        }
        var group: [WaitingBatch] = []
        var operations = 0
        var bytes = 0
        for case .batch(let batch) in waiting.prefix(limits.batchesPerCommit).prefix(while: \.isBatch) {
            let (moreOperations, moreBytes) = (batch.submission.request.items.count, batch.submission.byteCount)
            let fits =
                operations + moreOperations <= limits.operationsPerCommit
                && bytes + moreBytes <= limits.bytesPerCommit
            guard group.isEmpty || fits else { break }
            operations += moreOperations
            bytes += moreBytes
            group.append(batch)
        }
        queues[tenant]?.waiting.removeFirst(group.count)
        queues[tenant]?.bytes -= bytes
        return .group(group)
    }

    /// Commits batches that leave their queue together.
    ///
    /// If the shared transaction fails, or would have to read too much, each batch gets a transaction of its own,
    /// because what made it fail may be in one of them. So does a lone batch whose fate is unknown: under the tenant's
    /// lock its key tells whether it was committed.
    private func commit(
        _ submissions: [BatchSubmission], of tenant: TenantID
    ) async -> [Result<BatchReply, Problem>] {
        do {
            if let replies = try await transact(submissions, of: tenant) { return replies }
        } catch {
            onFailure(error)
            guard submissions.count > 1 || error.leavesFateOpen else { return [.failure(Problem(error))] }
        }
        var replies: [Result<BatchReply, Problem>] = []
        for submission in submissions {
            do {
                replies += try await transact([submission], of: tenant) ?? [.failure(.recordsTooLarge(limits))]
            } catch {
                onFailure(error)
                replies.append(.failure(Problem(error)))
                // Where the storage does not answer, asking for each of many batches would keep all of them waiting.
                if error.isOutage { break }
            }
        }
        let unasked = submissions.count - replies.count
        if unasked > 0, let last = replies.last { replies += Array(repeating: last, count: unasked) }
        return replies
    }

    /// - Returns: nil when the batches have to be committed one by one.
    private func transact(
        _ submissions: [BatchSubmission], of tenant: TenantID
    ) async throws(StoreError) -> [Result<BatchReply, Problem>]? {
        let group = CommitGroup(
            tenant: tenant, submissions: submissions, schema: schema, limits: limits, identity: store.identity,
            keys: keys,
            nowMilliseconds: clock.now())
        let outcome = try await store.transact(tenant, readSet: group.readSet) {
            (snapshot: StoreSnapshot) throws(StoreError) -> (Commit, CommitGroup.Outcome) in
            group.decide(over: snapshot)
        }
        // Also where nothing is new: who committed what is told again may have been lost before it could say so.
        await onCommit(tenant, outcome.sequence, outcome.collections)
        return outcome.replies
    }
}

extension StoreError {
    fileprivate var leavesFateOpen: Bool {
        switch self {
        case .unsettled: true
        case .unavailable, .damaged, .tooLarge, .newerSchema, .cannotOpen: false
        }
    }

    fileprivate var isOutage: Bool {
        switch self {
        case .unavailable, .unsettled: true
        case .damaged, .tooLarge, .newerSchema, .cannotOpen: false
        }
    }
}
