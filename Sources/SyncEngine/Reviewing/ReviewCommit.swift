import Causality
import MergeCore
import SyncStorage
import SyncWire

/// Acts of one reviewer that share a transaction. Pure: what they do is decided over the snapshot, one after the other.
///
/// Acts on records that the basis has no room for are left to another transaction.
struct ReviewCommit: Sendable {
    enum Mode: Sendable, Hashable {
        case commit
        /// Answers what would happen and stores nothing.
        case dryRun
    }

    /// Whether what was done is answered with the record, in the form in which devices get it.
    enum RecordReturn: Sendable, Hashable {
        case full, none
    }

    let tenant: TenantID
    let reviewer: Reviewer
    /// Each conflict once, with the record that it is about.
    let acts: [(conflict: ConflictID, record: RecordKey, act: ReviewAct)]
    let mode: Mode
    let records: RecordReturn
    let terms: Terms
    let identity: StoreIdentity

    var basis: StoreBasis {
        var basis = StoreBasis()
        for act in acts {
            basis.conflicts.insert(act.conflict)
            basis.merge.records.insert(act.record)
        }
        basis.recordBytes = terms.limits.recordBytesPerCommit
        return basis
    }

    struct Answer: Sendable {
        /// One an act, in their order; nil where the act's record was not read.
        let outcomes: [ReviewOutcome?]
        /// About how many bytes of rows were written.
        var writtenBytes = 0
    }

    func decide(over snapshot: StoreSnapshot) throws(StoreError) -> (Commit, Answer) {
        var run = Run(commit: self, snapshot: snapshot)
        for act in acts {
            if snapshot.omitted.contains(act.record) { run.leave() } else { try run.take(act.act, on: act.conflict) }
        }
        return try run.finish()
    }

    /// One pass over the acts, and then one over what they left behind.
    private struct Run {
        let commit: ReviewCommit
        let snapshot: StoreSnapshot
        let redactor: Redactor
        var ledger: Ledger
        var head: TenantHead
        var operations: [OperationRow] = []
        private var steps: [Step] = []
        private var writer = JSONWriter(reservingCapacity: 1024)

        /// What became of an act, before it is known how the conflict stands after all of them.
        private enum Step {
            case done(ConflictFile, isRepeated: Bool, ReviewResult.Effect?)
            case decidedOtherwise(ConflictFile)
            case changed(ConflictFile)
            case refused(ConflictFile, [Rejection])
            case notFound
            case left
        }

        init(commit: ReviewCommit, snapshot: StoreSnapshot) {
            self.commit = commit
            self.snapshot = snapshot
            redactor = Redactor(identity: commit.identity, tenant: commit.tenant)
            ledger = Ledger(over: snapshot.merge, under: commit.terms)
            head = snapshot.head
        }

        private var schema: Schema { commit.terms.schema }

        /// Passes over an act whose record was not read.
        mutating func leave() { steps.append(.left) }

        mutating func take(_ act: ReviewAct, on id: ConflictID) throws(StoreError) {
            guard let file = snapshot.conflicts[id] else {
                steps.append(.notFound)
                return
            }
            let view = try ConflictView(file)
            switch act {
            case .decide(let decision): steps.append(decide(decision, on: try view.recorded(), file))
            case .comment(let text):
                // A retry: the same words by the same person with nothing said in between.
                let isRepeated =
                    view.comments.last.map { $0.user == commit.reviewer.user && $0.text == text } ?? false
                if !isRepeated {
                    guard hasRoom(view) else { return refuse(file) }
                    ledger.note(
                        .commented(by: commit.reviewer.user, text: text), on: try view.recorded(), by: commit.reviewer)
                }
                steps.append(.done(file, isRepeated: isRepeated, nil))
            case .assign(let assignee):
                let isRepeated = ExactString(view.row.assignee) == assignee ?? ""
                if !isRepeated {
                    guard hasRoom(view) else { return refuse(file) }
                    ledger.note(
                        .assigned(by: commit.reviewer.user, to: assignee), on: try view.recorded(), by: commit.reviewer)
                }
                steps.append(.done(file, isRepeated: isRepeated, nil))
            }
        }

        /// Whether one more thing can be said about the conflict.
        private func hasRoom(_ view: ConflictView) -> Bool {
            view.comments.count + view.assignments.count < commit.terms.limits.commentsPerConflict
        }

        private mutating func refuse(_ file: ConflictFile) {
            let limit = commit.terms.limits.commentsPerConflict
            let full = Rejection(
                .conflictFull,
                "The conflict has \(limit) comments and assignments, which is the most. It can still be decided, with a note."
            )
            steps.append(.refused(file, [full]))
        }

        private mutating func decide(
            _ decision: Decision, on conflict: RecordedConflict, _ file: ConflictFile
        ) -> Step {
            let rules = schema.rules(for: conflict.record.collection) ?? .undeclared
            let kept = { [redactor] (value: Value, unit: UnitKey) in
                redactor.redacted(value, unit: unit, collection: conflict.record.collection, rules: rules)
            }
            let unit = rules.unit(named: conflict.unit)
            let before = ledger.record(conflict.record)?.state.shown(unit, rules).map { kept($0, unit) }
            switch ledger.decide(decision, on: conflict, by: commit.reviewer, kept: kept) {
            case .decided(let decided):
                keep(decided)
                let after = decided.resolution.value.map { kept($0, unit) }
                return .done(file, isRepeated: false, ReviewResult.Effect(before: before, after: after))
            case .repeated: return .done(file, isRepeated: true, ReviewResult.Effect(before: before, after: before))
            case .decidedOtherwise: return .decidedOtherwise(file)
            case .changed: return .changed(file)
            case .refused(let rejections): return .refused(file, rejections)
            }
        }

        /// The reviewer's operation, as a device's is kept: it is in the record's history, and its result can be asked for.
        private mutating func keep(_ decided: DecidedConflict) {
            let event = decided.resolution.event
            writer.write(.object(decided.fields))
            let fields = writer.takeText()
            let fingerprint = ContentFingerprint(
                kind: decided.kind, record: decided.record, claimedMilliseconds: nil, fields: fields, using: &writer)
            let operation = Operation(
                id: event.provenance.operation, kind: decided.kind, record: decided.record, clock: decided.clock,
                claimedMilliseconds: nil, fields: decided.fields, fingerprint: fingerprint)
            decided.clock.write(to: &writer)
            let clock = writer.takeText()
            OperationResult(outcome: .applied, relation: .newer, sequence: decided.sequence).writeStored(to: &writer)
            let result = writer.takeText()
            Submission.operation(operation).writeContent(
                fields: fields, to: &writer, redactor: redactor, schema: schema)
            head.operationOrdinal += 1
            operations.append(
                OperationRow(
                    id: operation.id, device: commit.reviewer.device, ordinal: head.operationOrdinal,
                    user: commit.reviewer.user, batch: operation.id.name, record: decided.record,
                    counter: event.dot.counter, clock: clock, fingerprint: fingerprint, outcome: .applied,
                    result: result, content: writer.takeText(), stampMilliseconds: event.stamp.milliseconds,
                    recordedAtMilliseconds: commit.reviewer.nowMilliseconds))
        }

        mutating func finish() throws(StoreError) -> (Commit, Answer) {
            let sealed = ledger.plan.sealed(after: head, of: commit.tenant, identity: commit.identity, schema: schema)
            var outcomes: [ReviewOutcome?] = []
            let entries = Dictionary(grouping: sealed.entries, by: \.conflict)
            for step in steps { outcomes.append(try outcome(of: step, after: sealed, entries)) }
            guard commit.mode == .commit else {
                return (Commit(head: snapshot.head), Answer(outcomes: outcomes))
            }
            var records: [RecordRow] = []
            for key in ledger.plan.records.keys.sorted() {
                if let record = ledger.plan.records[key] { records.append(row(record)) }
            }
            let stored = Commit(
                head: sealed.head, records: records, operations: operations, audit: sealed.entries,
                conflictChanges: sealed.index.changed.values.sorted { $0.id < $1.id },
                assignments: sealed.index.assigned.values.sorted { $0.id < $1.id })
            return (stored, Answer(outcomes: outcomes, writtenBytes: stored.byteCount))
        }

        private mutating func row(_ record: StoredRecord) -> RecordRow {
            RecordRow(
                record, rules: schema.rules(for: record.key.collection) ?? .undeclared,
                changedAtMilliseconds: commit.reviewer.nowMilliseconds, using: &writer)
        }

        private mutating func outcome(
            of step: Step, after sealed: SealedAudit, _ entries: [Int64: [AuditEntryRow]]
        ) throws(StoreError) -> ReviewOutcome? {
            switch step {
            case .left: return nil
            case .notFound: return .notFound
            case .decidedOtherwise(let file):
                return .decidedOtherwise(try ConflictView(file.followed(by: sealed, entries)))
            case .changed(let file): return .changed(try ConflictView(file.followed(by: sealed, entries)))
            case .refused(let file, let rejections):
                return .refused(rejections, try ConflictView(file.followed(by: sealed, entries)))
            case .done(let file, let isRepeated, let effect):
                let view = try ConflictView(file.followed(by: sealed, entries))
                var record: WireRecord?
                if commit.records == .full, schema.rules(for: view.record.collection) != nil,
                    let stored = ledger.record(view.record), !stored.isPurged
                {
                    record = WireRecord(row(stored))
                }
                return .done(ReviewResult(conflict: view, record: record, isRepeated: isRepeated, effect: effect))
            }
        }
    }
}

extension ConflictFile {
    /// The conflict as it stands after further entries.
    /// - Parameter further: all that were written, by conflict.
    fileprivate func followed(by sealed: SealedAudit, _ further: [Int64: [AuditEntryRow]]) -> ConflictFile {
        var row = conflict
        if let change = sealed.index.changed[row.id] {
            row.version = change.version
            row.status = change.status.rawValue
        }
        if let assignment = sealed.index.assigned[row.id] { row.assignee = assignment.assignee }
        return ConflictFile(conflict: row, entries: entries + (further[row.id] ?? []))
    }
}
