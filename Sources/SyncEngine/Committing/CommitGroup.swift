import Causality
import MergeCore
import SyncStorage
import SyncWire

/// Batches of one tenant that share a transaction. The group is pure, except for the one call of the store: what the
/// batches do is decided over the snapshot, and each gets the answer that it would have got alone.
struct CommitGroup: Sendable {
    let tenant: TenantID
    let submissions: [BatchSubmission]
    let schema: Schema
    let limits: EngineLimits
    let identity: StoreIdentity
    let keys: ServerKeys
    let nowMilliseconds: Int64

    /// What became of the group. An `OperationOutcome` says what became of an operation.
    struct Outcome: Sendable {
        /// One for each submission, in their order. nil when the group would read or record too much at once; then
        /// nothing is decided, and each batch has to have a transaction of its own.
        let replies: [Result<BatchReply, Problem>]?
        /// The tenant's last sequence number after the group.
        let sequence: Int64
        /// The collections of the records that the group writes; nil where it writes nothing, and tells again what was
        /// committed before.
        let collections: Set<ExactString>?
    }

    var readSet: StoreReadSet {
        var readSet = StoreReadSet()
        for submission in submissions {
            readSet.merge.formUnion(submission.batch.readSet)
            readSet.batches.insert(submission.batchKey)
            readSet.devices.insert(submission.device)
        }
        readSet.recordBytes = limits.recordBytesPerCommit
        return readSet
    }

    func decide(over snapshot: StoreSnapshot) -> (Commit, Outcome) {
        guard snapshot.omitted.isEmpty || submissions.count == 1 else {
            return (
                Commit(head: snapshot.head), Outcome(replies: nil, sequence: snapshot.head.sequence, collections: nil)
            )
        }
        var run = Run(group: self, snapshot: snapshot)
        var replies = submissions.map { run.reply(to: $0) }
        guard submissions.count == 1 || run.decider.plan.auditBytes <= limits.merge.auditBytesPerBatch else {
            return (
                Commit(head: snapshot.head), Outcome(replies: nil, sequence: snapshot.head.sequence, collections: nil)
            )
        }
        let commit = run.commit()
        charge(commit.byteCount, to: &replies)
        let collections = commit.isEmpty ? nil : Set(commit.records.map(\.key.collection))
        return (commit, Outcome(replies: replies, sequence: commit.head.sequence, collections: collections))
    }

    /// Divides what the commit wrote among the batches that were committed.
    private func charge(_ bytes: Int, to replies: inout [Result<BatchReply, Problem>]) {
        let committed = replies.indices.filter { index in
            guard case .success(let reply) = replies[index] else { return false }
            return !reply.isReplayed && submissions[index].mode == .commit
        }
        // One byte more, so that a body of unknown size has a part too.
        let total = committed.reduce(0) { $0 + submissions[$1].byteCount + 1 }
        for index in committed {
            let part = Double(submissions[index].byteCount + 1) / Double(total)
            replies[index] = replies[index].map { reply in
                var reply = reply
                reply.writtenBytes = Int(Double(bytes) * part)
                return reply
            }
        }
    }

    /// One pass over the group's batches.
    private struct Run {
        let group: CommitGroup
        let snapshot: StoreSnapshot
        let replies: ReplyBuilder
        private var life: LifeID { snapshot.life }
        var decider: BatchDecider
        private var builder: CommitBuilder
        /// Answers are in memory until they are sent, so the answers of a group share a bound.
        private var answerBytesLeft: Int

        init(group: CommitGroup, snapshot: StoreSnapshot) {
            self.group = group
            self.snapshot = snapshot
            replies = ReplyBuilder(
                schema: group.schema, limits: group.limits,
                cursors: Cursor.Codec(group.identity, group.tenant, group.keys),
                nowMilliseconds: group.nowMilliseconds)
            decider = BatchDecider(
                over: snapshot.merge, under: DecisionSettings(schema: group.schema, limits: group.limits.merge))
            builder = CommitBuilder(
                on: snapshot,
                CommitBuilder.Context(
                    tenant: group.tenant, identity: group.identity, schema: group.schema,
                    nowMilliseconds: group.nowMilliseconds))
            answerBytesLeft = group.limits.answerBytes * 2
        }

        mutating func reply(to submission: BatchSubmission) -> Result<BatchReply, Problem> {
            if snapshot.devices[submission.device]?.retiredAtMilliseconds != nil { return .failure(.deviceRetired) }
            if let stored = builder.batch(submission.batchKey) { return replay(of: stored, to: submission) }
            guard snapshot.omitted.isEmpty else { return .failure(.recordsTooLarge(group.limits)) }
            switch submission.mode {
            case .commit:
                let sent = submission.sentBatch
                let decision = decider.decide(sent.batch)
                guard !decision.isRefused else {
                    return .failure(Problem(refusing: decision.outcomes, limits: group.limits))
                }
                builder.add(decision, of: sent)
                // The records are taken before others change them further.
                let records = records(of: decision.outcomes, wantedBy: submission)
                return .success(
                    replies.reply(
                        to: submission.key, .committed, decision.outcomes, records, at: decision.sequence, in: life))
            case .dryRun:
                // A decider of its own, so that the batches that follow are not told of what did not happen.
                var imagined = decider
                let decision = imagined.decide(submission.batch)
                guard !decision.isRefused else {
                    return .failure(Problem(refusing: decision.outcomes, limits: group.limits))
                }
                let records = records(of: decision.outcomes, wantedBy: submission, imaginedBy: imagined)
                // A cursor for what did not happen would make its owner skip what happens there later.
                return .success(
                    replies.reply(
                        to: submission.key, .dryRun, decision.outcomes, records, at: decider.plan.sequence, in: life))
            }
        }

        /// Answers with the stored results, and with the records as they stand now.
        private mutating func replay(
            of stored: BatchRow, to submission: BatchSubmission
        ) -> Result<BatchReply, Problem> {
            guard stored.fingerprint == submission.request.fingerprint else { return .failure(.keyReused) }
            do throws(StoreError) {
                let outcomes = try stored.readResults().outcomes { owner in
                    decider.known(owner.id).first { $0.device == owner.device }
                }
                let records = records(of: outcomes, wantedBy: submission)
                return .success(
                    replies.reply(
                        to: submission.key, .replayed, outcomes, records, at: decider.plan.sequence, in: life))
            } catch {
                return .failure(Problem(error))
            }
        }

        /// The records that the batch touched, within what is left for the group's answers; nil where nobody wants them.
        /// - Parameter imagined: the decider of a batch that will not be written.
        private mutating func records(
            of outcomes: [OperationOutcome], wantedBy submission: BatchSubmission,
            imaginedBy imagined: BatchDecider? = nil
        ) -> TouchedRecords? {
            guard submission.answer == .full else { return nil }
            let records = replies.records(
                of: outcomes, byteLimit: min(group.limits.answerBytes, answerBytesLeft)
            ) { key in
                if snapshot.omitted.contains(key) { return .unread }
                let record = imagined == nil ? decider.record(key) : imagined?.record(key)
                guard let record, !record.isPurged else { return .gone }
                return .there(record)
            } row: { record in
                imagined == nil ? builder.row(record) : builder.row(imagined: record)
            }
            answerBytesLeft -= records.byteCount
            return records
        }

        mutating func commit() -> Commit { builder.commit(decider.plan) }
    }
}

extension Problem {
    static let deviceRetired = Problem(
        .deviceRetired,
        "The device was retired. Get a token for a new device id, number the pending operations anew under it, keep their "
            + "operation ids, and send them again.")

    static let keyReused = Problem(
        .idempotencyKeyReused,
        "This key belongs to a batch with another body. Nothing was done; send this one under a new key.")

    static func recordsTooLarge(_ limits: EngineLimits) -> Problem {
        Problem(
            .batchTooLarge,
            "The records that this batch names take more than \(limits.recordBytesPerCommit) bytes together. Send its "
                + "operations in several batches.", limit: limits.recordBytesPerCommit)
    }

    /// Lists what is wrong with the operations of a refused batch, as far as it is told. Those that only depend on another are
    /// not wrong themselves.
    init(refusing outcomes: [OperationOutcome], limits: EngineLimits) {
        let errors = outcomes.enumerated().flatMap { index, outcome in
            outcome.result.rejections.map { Detail($0, index: index, id: outcome.id) }
        }
        let causes = outcomes.filter { $0.result.outcome == .rejected }
        self.init(
            .batchRefused,
            "One invalid operation refuses an atomic batch; nothing of it is stored and its key is free.",
            errors: Array(errors.prefix(limits.merge.rejectionsPerBatch)))
        if errors.count > limits.merge.rejectionsPerBatch {
            errorsOmitted = errors.count - limits.merge.rejectionsPerBatch
        }
        let rejections = (causes.isEmpty ? outcomes : causes).flatMap(\.result.rejections)
        isRetryableOverride = rejections.allSatisfy(\.code.isRetryable)
    }
}
