import Causality
import MergeCore
import SyncStorage
import SyncWire

/// Batches of one tenant that share a transaction. Pure but for the store's one call: what the batches do is decided over
/// the snapshot, and each gets the answer that it would have got alone.
struct CommitGroup: Sendable {
    let tenant: TenantID
    let submissions: [BatchSubmission]
    let settings: DecisionSettings
    let identity: StoreIdentity
    let keys: ServerKeys
    let nowMilliseconds: Int64

    /// What became of the group. What became of an operation is an `OperationOutcome`.
    struct Outcome: Sendable {
        /// One for each submission, in their order; nil when the group would read or record too much at once. Then nothing is
        /// decided, and each batch has to have a transaction of its own.
        let replies: [Result<BatchReply, Problem>]?
        /// The tenant's last sequence number after the group.
        let sequence: Int64
    }

    var readSet: StoreReadSet {
        var readSet = StoreReadSet()
        for submission in submissions {
            readSet.merge.formUnion(submission.batch.readSet)
            readSet.batches.insert(submission.batchKey)
            readSet.devices.insert(submission.device)
        }
        readSet.recordBytes = settings.limits.recordBytesPerCommit
        return readSet
    }

    func decide(over snapshot: StoreSnapshot) -> (Commit, Outcome) {
        guard snapshot.omitted.isEmpty || submissions.count == 1 else {
            return (Commit(head: snapshot.head), Outcome(replies: nil, sequence: snapshot.head.sequence))
        }
        var run = Run(group: self, snapshot: snapshot)
        var replies = submissions.map { run.reply(to: $0) }
        guard submissions.count == 1 || run.decider.plan.auditBytes <= settings.limits.auditBytesPerBatch else {
            return (Commit(head: snapshot.head), Outcome(replies: nil, sequence: snapshot.head.sequence))
        }
        let commit = run.commit()
        charge(commit.byteCount, to: &replies)
        return (commit, Outcome(replies: replies, sequence: commit.head.sequence))
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
        let redactor: Redactor
        let cursors: Cursor.Codec
        var decider: BatchDecider
        var head: TenantHead
        var batches: [BatchKey: BatchRow] = [:]
        var operations: [OperationRow] = []
        private var positionOfOperation: [OperationOwner: Int] = [:]
        var newDevices: [DeviceID: DeviceRow] = [:]
        /// The records that answers carry, which are mostly what the commit writes in the end. A record's sequence tells its
        /// states apart.
        private var rows: [RecordKey: RecordRow] = [:]
        private var writer = JSONWriter(reservingCapacity: 1024)
        /// Answers are in memory until they are sent, so those of a group share a bound.
        private var answerBytesLeft: Int

        init(group: CommitGroup, snapshot: StoreSnapshot) {
            self.group = group
            self.snapshot = snapshot
            redactor = Redactor(identity: group.identity, tenant: group.tenant)
            cursors = Cursor.Codec(group.identity, group.tenant, group.keys)
            decider = BatchDecider(over: snapshot.merge, under: group.settings)
            head = snapshot.head
            answerBytesLeft = group.settings.limits.answerBytes * 2
        }

        mutating func reply(to submission: BatchSubmission) -> Result<BatchReply, Problem> {
            if snapshot.devices[submission.device]?.retiredAtMilliseconds != nil { return .failure(.deviceRetired) }
            if let stored = batches[submission.batchKey] ?? snapshot.batches[submission.batchKey] {
                return replay(of: stored, to: submission)
            }
            guard snapshot.omitted.isEmpty else { return .failure(.recordsTooLarge(group.settings.limits)) }
            switch submission.mode {
            case .commit:
                let decision = decider.decide(submission.batch)
                guard !decision.isRefused else {
                    return .failure(Problem(refusing: decision.outcomes, limits: group.settings.limits))
                }
                keep(submission, decision: decision)
                // Before others change the records further.
                let records = records(of: decision.outcomes, wantedBy: submission) { run, key in
                    run.decider.record(key).map { run.row($0) }
                }
                return reply(to: submission, .committed, decision.outcomes, records, at: decision.sequence)
            case .dryRun:
                // A decider of its own, so that the batches that follow are not told of what did not happen.
                var imagined = decider
                let decision = imagined.decide(submission.batch)
                guard !decision.isRefused else {
                    return .failure(Problem(refusing: decision.outcomes, limits: group.settings.limits))
                }
                let records = records(of: decision.outcomes, wantedBy: submission) { run, key in
                    imagined.record(key).map { run.newRow($0) }
                }
                // A cursor for what did not happen would make its owner skip what happens there later.
                return reply(to: submission, .dryRun, decision.outcomes, records, at: decider.plan.sequence)
            }
        }

        /// The stored results, and the records as they stand now.
        private mutating func replay(
            of stored: BatchRow, to submission: BatchSubmission
        ) -> Result<BatchReply, Problem> {
            guard stored.fingerprint == submission.request.fingerprint else { return .failure(.keyReused) }
            do throws(StoreError) {
                let outcomes = try stored.readResults().outcomes { owner in
                    decider.known(owner.id).first { $0.device == owner.device }
                }
                let records = records(of: outcomes, wantedBy: submission) { run, key in
                    run.decider.record(key).map { run.row($0) }
                }
                return reply(to: submission, .replayed, outcomes, records, at: decider.plan.sequence)
            } catch {
                return .failure(Problem(error))
            }
        }

        private func reply(
            to submission: BatchSubmission, _ kind: BatchAnswer.Kind, _ outcomes: [OperationOutcome],
            _ records: TouchedRecords?, at sequence: Int64
        ) -> Result<BatchReply, Problem> {
            let answer = BatchAnswer(
                key: submission.key, serverTimeMilliseconds: group.nowMilliseconds,
                cursor: Cursor(sequence: sequence).text(cursors), kind: kind, outcomes: outcomes, records: records)
            return .success(
                BatchReply(
                    body: answer.encoded(), isReplayed: kind == .replayed,
                    outcomes: kind == .replayed ? [:] : outcomes.counts,
                    rejections: kind == .replayed ? [:] : outcomes.rejections))
        }

        /// The records that the batch touched, each once.
        ///
        /// Those of a collection that is not declared any more are named only. A record is sent as it was written last, under
        /// the rules of that time; to work it out anew, without them, could show a deleted one as being there.
        private mutating func records(
            of outcomes: [OperationOutcome], wantedBy submission: BatchSubmission,
            row: (inout Run, RecordKey) -> RecordRow?
        ) -> TouchedRecords? {
            guard submission.answer == .full else { return nil }
            var records = TouchedRecords(byteLimit: min(group.settings.limits.answerBytes, answerBytesLeft))
            for key in outcomes.touchedRecords {
                if snapshot.omitted.contains(key) {
                    records.omit(key)
                } else if group.settings.schema.rules(for: key.collection) == nil {
                    if let record = decider.record(key), !record.isPurged { records.omit(key) }
                } else if let row = row(&self, key), !row.isPurged {
                    records.take(WireRecord(row))
                }
            }
            answerBytesLeft -= records.byteCount
            return records
        }

        /// The record as it stands after the batches decided so far.
        private mutating func row(_ record: StoredRecord) -> RecordRow {
            if let row = rows[record.key], row.sequence == record.sequence { return row }
            let row = newRow(record)
            rows[record.key] = row
            return row
        }

        private mutating func newRow(_ record: StoredRecord) -> RecordRow {
            RecordRow(
                record, rules: group.settings.schema.rules(for: record.key.collection) ?? .undeclared,
                changedAtMilliseconds: group.nowMilliseconds, using: &writer)
        }

        private mutating func keep(_ submission: BatchSubmission, decision: BatchDecision) {
            batches[submission.batchKey] = BatchRow(
                key: submission.batchKey, fingerprint: submission.request.fingerprint, outcomes: decision.outcomes,
                recordedAtMilliseconds: submission.receivedAtMilliseconds, using: &writer)
            for operation in decision.operations {
                head.operationOrdinal += 1
                let row = OperationRow(
                    operation, of: submission, ordinal: head.operationOrdinal, redactor: redactor,
                    schema: group.settings.schema, using: &writer)
                // A rejected operation that was repaired in a later batch of the group has one row: the last.
                let owner = OperationOwner(id: row.id, device: row.device)
                if let position = positionOfOperation[owner] {
                    operations[position] = row
                } else {
                    positionOfOperation[owner] = operations.count
                    operations.append(row)
                }
            }
            if snapshot.devices[submission.device] == nil, newDevices[submission.device] == nil {
                newDevices[submission.device] = DeviceRow(
                    device: submission.device, user: submission.user, registeredAtMilliseconds: group.nowMilliseconds,
                    lastSeenAtMilliseconds: group.nowMilliseconds)
            }
        }

        mutating func commit() -> Commit {
            let chained = decider.plan.chained(
                after: head, of: group.tenant, identity: group.identity, schema: group.settings.schema)
            return Commit(
                head: chained.head,
                records: decider.plan.records.keys.sorted().compactMap { key in
                    decider.plan.records[key].map { row($0) }
                },
                operations: operations, batches: Array(batches.values), devices: Array(newDevices.values),
                audit: chained.entries, conflicts: chained.index.opened.values.sorted { $0.id < $1.id },
                conflictChanges: chained.index.changed.values.sorted { $0.id < $1.id },
                assignments: chained.index.assigned.values.sorted { $0.id < $1.id })
        }
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

    static func recordsTooLarge(_ limits: Limits) -> Problem {
        Problem(
            .batchTooLarge,
            "The records that this batch names take more than \(limits.recordBytesPerCommit) bytes together. Send its "
                + "operations in several batches.", limit: limits.recordBytesPerCommit)
    }

    /// Lists what is wrong with the operations of a refused batch, as far as it is told. Those that only depend on another are
    /// not wrong themselves.
    init(refusing outcomes: [OperationOutcome], limits: Limits) {
        let errors = outcomes.enumerated().flatMap { index, outcome in
            outcome.result.rejections.map { Detail($0, index: index, id: outcome.id) }
        }
        let causes = outcomes.filter { $0.result.outcome == .rejected }
        self.init(
            .batchRefused,
            "One invalid operation refuses an atomic batch; nothing of it is stored and its key is free.",
            errors: Array(errors.prefix(limits.rejectionsPerBatch)))
        if errors.count > limits.rejectionsPerBatch { errorsOmitted = errors.count - limits.rejectionsPerBatch }
        let rejections = (causes.isEmpty ? outcomes : causes).flatMap(\.result.rejections)
        isRetryableOverride = rejections.allSatisfy(\.code.isRetryable)
    }
}

extension [OperationOutcome] {
    fileprivate var counts: [OutcomeKind: Int] {
        reduce(into: [:]) { $0[$1.result.outcome, default: 0] += 1 }
    }

    fileprivate var rejections: [Rejection.Code: Int] {
        reduce(into: [:]) { counts, outcome in
            if let first = outcome.result.rejections.first { counts[first.code, default: 0] += 1 }
        }
    }
}

extension WireRecord {
    init(_ row: RecordRow) {
        self.init(
            key: row.key, sequence: row.sequence, isDeleted: row.isDeleted, clock: row.clock,
            stampMilliseconds: row.stampMilliseconds, fields: row.fields, siblings: row.siblings,
            openConflicts: row.openConflicts)
    }
}
