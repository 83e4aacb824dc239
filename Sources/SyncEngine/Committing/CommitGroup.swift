import Causality
import MergeCore
import SyncStorage
import SyncWire

/// Batches of one tenant that share a transaction. Pure but for the store's one call: what the batches do is decided over
/// the snapshot, and each gets the answer that it would have got alone.
struct CommitGroup: Sendable {
    let tenant: TenantID
    let submissions: [BatchSubmission]
    let terms: Terms
    let identity: StoreIdentity
    let keys: ServerKeys
    let nowMilliseconds: Int64

    struct Outcome: Sendable {
        /// One a submission, in their order.
        let replies: [Result<BatchReply, Problem>]
        /// The tenant's last sequence number after the group.
        let sequence: Int64
    }

    var basis: StoreBasis {
        var basis = StoreBasis()
        for submission in submissions {
            basis.merge.formUnion(submission.batch.basis)
            basis.batches.insert(submission.batchKey)
            basis.devices.insert(submission.device)
        }
        return basis
    }

    func decide(over snapshot: StoreSnapshot) -> (Commit, Outcome) {
        var run = Run(group: self, snapshot: snapshot)
        let replies = submissions.map { run.reply(to: $0) }
        let commit = run.commit()
        return (commit, Outcome(replies: replies, sequence: commit.head.sequence))
    }

    private struct OperationOwner: Hashable {
        let id: OperationID
        let device: DeviceID
    }

    /// One pass over the group's batches.
    private struct Run {
        let group: CommitGroup
        let snapshot: StoreSnapshot
        let redactor: Redactor
        let cursors: Cursor.Seal
        var ledger: Ledger
        var head: TenantHead
        var batches: [BatchKey: BatchRow] = [:]
        var operations: [OperationRow] = []
        private var positionOfOperation: [OperationOwner: Int] = [:]
        var newDevices: [DeviceID: DeviceRow] = [:]
        /// The records that answers carry, which are mostly what the commit writes in the end. A record's sequence tells its
        /// states apart.
        private var rows: [RecordKey: RecordRow] = [:]
        private var writer = JSONWriter(reservingCapacity: 1024)

        init(group: CommitGroup, snapshot: StoreSnapshot) {
            self.group = group
            self.snapshot = snapshot
            redactor = Redactor(identity: group.identity, tenant: group.tenant)
            cursors = Cursor.Seal(group.identity, group.tenant, group.keys)
            ledger = Ledger(over: snapshot.merge, under: group.terms)
            head = snapshot.head
        }

        mutating func reply(to submission: BatchSubmission) -> Result<BatchReply, Problem> {
            if snapshot.devices[submission.device]?.retiredAtMilliseconds != nil { return .failure(.deviceRetired) }
            if let stored = batches[submission.batchKey] ?? snapshot.batches[submission.batchKey] {
                return submission.replay(of: stored)
            }
            switch submission.mode {
            case .commit:
                let decision = ledger.decide(submission.batch)
                guard !decision.isRefused else { return .failure(Problem(refusing: decision.outcomes)) }
                let body = answer(to: submission, decision) { run, key in run.ledger.record(key).map { run.row($0) } }
                keep(submission, decision: decision, answer: body)
                return .success(BatchReply(body: body, isReplayed: false, outcomes: decision.outcomeCounts))
            case .dryRun:
                // A ledger of its own, so that the batches that follow are not told of what did not happen.
                var imagined = ledger
                let decision = imagined.decide(submission.batch)
                guard !decision.isRefused else { return .failure(Problem(refusing: decision.outcomes)) }
                let body = answer(to: submission, decision) { run, key in
                    imagined.record(key).map { run.newRow($0) }
                }
                return .success(BatchReply(body: body, isReplayed: false, outcomes: decision.outcomeCounts))
            }
        }

        private mutating func answer(
            to submission: BatchSubmission, _ decision: BatchDecision, row: (inout Run, RecordKey) -> RecordRow?
        ) -> String {
            let answer = BatchAnswer(
                key: submission.key, serverTimeMilliseconds: group.nowMilliseconds,
                // A cursor for what did not happen would make its owner skip what happens there later.
                cursor: Cursor(sequence: submission.mode == .commit ? decision.sequence : ledger.plan.sequence)
                    .text(cursors),
                outcomes: decision.outcomes, isDryRun: submission.mode == .dryRun)
            let body = answer.encoded { key in
                guard submission.answer == .full, group.terms.schema.rules(for: key.collection) != nil,
                    let row = row(&self, key), !row.isPurged
                else { return nil }
                return WireRecord(row)
            }
            return String(decoding: body, as: UTF8.self)
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
                record, rules: group.terms.schema.rules(for: record.key.collection) ?? .undeclared,
                changedAtMilliseconds: group.nowMilliseconds, using: &writer)
        }

        private mutating func keep(_ submission: BatchSubmission, decision: BatchDecision, answer: String) {
            batches[submission.batchKey] = BatchRow(
                key: submission.batchKey, fingerprint: submission.request.fingerprint, response: answer,
                recordedAtMilliseconds: submission.receivedAtMilliseconds)
            for operation in decision.operations {
                head.operationOrdinal += 1
                let row = OperationRow(
                    operation, of: submission, ordinal: head.operationOrdinal, redactor: redactor,
                    schema: group.terms.schema, using: &writer)
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
            let sealed = ledger.plan.sealed(
                after: head, of: group.tenant, identity: group.identity, schema: group.terms.schema)
            return Commit(
                head: sealed.head,
                records: ledger.plan.records.keys.sorted().compactMap { key in ledger.plan.records[key].map { row($0) }
                },
                operations: operations, batches: Array(batches.values), devices: Array(newDevices.values),
                audit: sealed.entries, conflicts: sealed.index.opened.values.sorted { $0.id < $1.id },
                conflictChanges: sealed.index.changed.values.sorted { $0.id < $1.id },
                assignments: sealed.index.assigned.values.sorted { $0.id < $1.id })
        }
    }
}

extension BatchSubmission {
    /// The stored answer, if the stored batch is this one.
    func replay(of stored: BatchRow) -> Result<BatchReply, Problem> {
        stored.fingerprint == request.fingerprint
            ? .success(BatchReply(body: stored.response, isReplayed: true))
            : .failure(
                Problem(
                    .idempotencyKeyReused,
                    "This key belongs to a batch with another body. Nothing was done; send this one under a new key."))
    }
}

extension Problem {
    static let deviceRetired = Problem(
        .deviceRetired,
        "The device was retired. Get a token for a new device id, number the pending operations anew under it, keep their "
            + "operation ids, and send them again.")

    /// Lists everything that is wrong with the operations of a refused batch. Those that only depend on another are not
    /// wrong themselves.
    init(refusing outcomes: [OperationOutcome]) {
        let errors = outcomes.enumerated().flatMap { index, outcome in
            outcome.result.rejections.map { Detail($0, index: index, id: outcome.id) }
        }
        let causes = outcomes.filter { $0.result.outcome == .rejected }
        self.init(
            .batchRefused,
            "One invalid operation refuses an atomic batch; nothing of it is stored and its key is free.",
            errors: errors)
        let rejections = (causes.isEmpty ? outcomes : causes).flatMap(\.result.rejections)
        isRetryableOverride = rejections.allSatisfy(\.code.isRetryable)
    }
}

extension BatchDecision {
    fileprivate var outcomeCounts: [OutcomeKind: Int] {
        outcomes.reduce(into: [:]) { $0[$1.result.outcome, default: 0] += 1 }
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
