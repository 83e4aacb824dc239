import MergeCore
import SyncStorage
import SyncWire

/// The serial order of what is written: one lane a tenant, so that a tenant has one connection for writing and no more.
///
/// A lone batch commits at once. While a commit of its tenant runs, batches queue; the next commit takes all that wait, up to
/// a bound, into one transaction. What reviewers do, registrations and the like wait in the same lane and go alone. Different
/// tenants do not wait for each other here.
actor CommitLanes {
    private struct WaitingBatch {
        let submission: BatchSubmission
        let continuation: CheckedContinuation<Result<BatchReply, Problem>, Never>
    }

    private enum Waiting {
        case batch(WaitingBatch)
        /// Something else that writes; answers by itself whoever asked for it.
        case act(@Sendable () async -> Void)

        var isBatch: Bool {
            switch self {
            case .batch: true
            case .act: false
            }
        }
    }

    /// What leaves a lane at once.
    private enum Departure {
        case group([WaitingBatch])
        case act(@Sendable () async -> Void)
    }

    private struct Lane {
        var waiting: [Waiting] = []
        /// Of the bodies of the batches that wait.
        var bytes = 0
        var isRunning = false
    }

    private let store: any SyncStore
    private let terms: Terms
    private let keys: ServerKeys
    private let clock: EngineClock
    private let onCommit: @Sendable (TenantID, Int64) async -> Void
    private let onFailure: @Sendable (StoreError) -> Void
    private var lanes: [TenantID: Lane] = [:]
    private var isClosed = false
    private var drained: [CheckedContinuation<Void, Never>] = []

    /// - Parameters:
    ///   - onCommit: told after each transaction, with the tenant's last sequence number.
    ///   - onFailure: told of each transaction that failed.
    init(
        store: any SyncStore, terms: Terms, keys: ServerKeys, clock: EngineClock,
        onCommit: @escaping @Sendable (TenantID, Int64) async -> Void,
        onFailure: @escaping @Sendable (StoreError) -> Void
    ) {
        self.store = store
        self.terms = terms
        self.keys = keys
        self.clock = clock
        self.onCommit = onCommit
        self.onFailure = onFailure
    }

    /// Batches and acts that wait, over all lanes.
    var depth: Int { lanes.values.reduce(0) { $0 + $1.waiting.count } }

    /// Waits for the batch's turn and commits it.
    ///
    /// Once it is in the lane it is committed, whether or not the one who asked still listens: the answer is stored.
    /// - Throws: `overloaded` when the lane is full or the server is stopping; what is wrong with the batch;
    ///   `storage_unavailable`.
    func commit(_ submission: BatchSubmission) async throws(Problem) -> BatchReply {
        try checkRoom(in: submission.tenant, bytes: submission.byteCount)
        let result = await withCheckedContinuation { continuation in
            add(.batch(WaitingBatch(submission: submission, continuation: continuation)), to: submission.tenant)
        }
        return try result.get()
    }

    /// Does something that writes when it is its turn, alone.
    /// - Throws: `overloaded` when the lane is full or the server is stopping. What the act itself throws is returned.
    func perform<Answer: Sendable>(
        in tenant: TenantID, _ act: @escaping @Sendable () async throws(StoreError) -> Answer
    ) async throws(Problem) -> Result<Answer, StoreError> {
        try checkRoom(in: tenant, bytes: 0)
        return await withCheckedContinuation { continuation in
            let departing = Waiting.act {
                do throws(StoreError) {
                    continuation.resume(returning: .success(try await act()))
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
        let lane = lanes[tenant] ?? Lane()
        guard lane.waiting.count < terms.limits.laneDepth,
            lane.bytes == 0 || lane.bytes + bytes <= terms.limits.laneBytes
        else {
            throw .overloaded(
                "Too many batches of this tenant are waiting. Retry with the same key.", retryAfterSeconds: 1)
        }
    }

    private func add(_ waiting: Waiting, to tenant: TenantID) {
        lanes[tenant, default: Lane()].waiting.append(waiting)
        if case .batch(let batch) = waiting { lanes[tenant]?.bytes += batch.submission.byteCount }
        guard lanes[tenant]?.isRunning == false else { return }
        lanes[tenant]?.isRunning = true
        Task { await run(tenant) }
    }

    /// Refuses new batches and returns when all that were taken have been committed and answered.
    func close() async {
        isClosed = true
        guard !lanes.isEmpty else { return }
        await withCheckedContinuation { drained.append($0) }
    }

    private func run(_ tenant: TenantID) async {
        while let departure = take(tenant) {
            switch departure {
            case .act(let act): await act()
            case .group(let group):
                let replies = await commit(group.map(\.submission), of: tenant)
                for (waiting, reply) in zip(group, replies) { waiting.continuation.resume(returning: reply) }
            }
        }
        lanes[tenant] = nil
        if lanes.isEmpty {
            for continuation in drained { continuation.resume() }
            drained = []
        }
    }

    /// What leaves the lane together: the oldest batch, and those right behind it while the group stays within bounds; or the
    /// oldest act.
    private func take(_ tenant: TenantID) -> Departure? {
        guard let waiting = lanes[tenant]?.waiting, let first = waiting.first else { return nil }
        if case .act(let act) = first {
            lanes[tenant]?.waiting.removeFirst()
            return .act(act)
        }
        var group: [WaitingBatch] = []
        var operations = 0
        var bytes = 0
        for case .batch(let batch) in waiting.prefix(terms.limits.batchesPerCommit).prefix(while: \.isBatch) {
            let (moreOperations, moreBytes) = (batch.submission.request.submissions.count, batch.submission.byteCount)
            let fits =
                operations + moreOperations <= terms.limits.operationsPerCommit
                && bytes + moreBytes <= terms.limits.bytesPerCommit
            guard group.isEmpty || fits else { break }
            operations += moreOperations
            bytes += moreBytes
            group.append(batch)
        }
        lanes[tenant]?.waiting.removeFirst(group.count)
        lanes[tenant]?.bytes -= bytes
        return .group(group)
    }

    /// If the shared transaction fails, or would have to read too much, each batch gets one of its own: what made it fail may be in one of them. So does a
    /// lone batch whose fate is unknown: under the tenant's lock its key tells whether it was committed.
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
                replies += try await transact([submission], of: tenant) ?? [.failure(.recordsTooLarge(terms.limits))]
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
            tenant: tenant, submissions: submissions, terms: terms, identity: store.identity, keys: keys,
            nowMilliseconds: clock.now())
        let outcome = try await store.transact(tenant, basis: group.basis) {
            (snapshot: StoreSnapshot) throws(StoreError) -> (Commit, CommitGroup.Outcome) in
            group.decide(over: snapshot)
        }
        // Also where nothing is new: who committed what is told again may have been lost before it could say so.
        await onCommit(tenant, outcome.sequence)
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
