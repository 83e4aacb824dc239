import Causality
import MergeCore
import SyncStorage
import SyncWire
import Values

/// Commands of one reviewer that share a transaction. What they do is decided over the snapshot, one after the other,
/// and purely.
///
/// Commands on records that the read set has no room for are left to another transaction.
struct ReviewCommit: Sendable {
    enum Mode: Sendable, Hashable {
        case commit
        /// The answer says what would happen, and nothing is stored.
        case dryRun
    }

    /// Whether what was done is answered with the record, in the form in which devices get it.
    enum RecordReturn: Sendable, Hashable {
        case full, none
    }

    let tenant: TenantID
    let reviewer: Reviewer
    /// Each conflict once, with the record that it is about.
    let commands: [(conflict: ConflictID, record: RecordKey, command: ReviewCommand)]
    let mode: Mode
    let records: RecordReturn
    let schema: Schema
    let limits: EngineLimits
    let identity: StoreIdentity

    var readSet: StoreReadSet {
        var readSet = StoreReadSet()
        for command in commands {
            readSet.conflicts.insert(command.conflict)
            readSet.merge.records.insert(command.record)
        }
        readSet.recordBytes = limits.recordBytesPerCommit
        return readSet
    }

    struct Answer: Sendable {
        /// One for each command, in their order; nil where the command's record was not read.
        let outcomes: [ReviewOutcome?]
        /// About how many bytes of rows were written.
        var writtenBytes = 0
    }

    func decide(over snapshot: StoreSnapshot) throws(StoreError) -> (Commit, Answer) {
        var run = Run(commit: self, snapshot: snapshot)
        for command in commands {
            if snapshot.omitted.contains(command.record) {
                run.leave()
            } else {
                try run.take(command.command, on: command.conflict)
            }
        }
        return try run.finish()
    }

    /// One pass over the commands, and then one over what they left behind.
    private struct Run {
        let commit: ReviewCommit
        let snapshot: StoreSnapshot
        var decider: BatchDecider
        private var builder: CommitBuilder
        private var steps: [Step] = []

        /// What became of a command, before it is known how the conflict stands after all of them.
        private enum Step {
            case done(ConflictHistory, isRepeated: Bool, ReviewResult.Effect?)
            case decidedOtherwise(ConflictHistory)
            case changed(ConflictHistory)
            case refused(ConflictHistory, [Rejection])
            case notFound
            case left
        }

        init(commit: ReviewCommit, snapshot: StoreSnapshot) {
            self.commit = commit
            self.snapshot = snapshot
            decider = BatchDecider(
                over: snapshot.merge, under: DecisionSettings(schema: commit.schema, limits: commit.limits.merge))
            builder = CommitBuilder(
                on: snapshot,
                CommitBuilder.Context(
                    tenant: commit.tenant, identity: commit.identity, schema: commit.schema,
                    nowMilliseconds: commit.reviewer.nowMilliseconds))
        }

        private var schema: Schema { commit.schema }

        /// Passes over a command whose record was not read.
        mutating func leave() { steps.append(.left) }

        mutating func take(_ command: ReviewCommand, on id: ConflictID) throws(StoreError) {
            guard let history = snapshot.conflicts[id] else {
                steps.append(.notFound)
                return
            }
            let view = try ConflictView(history)
            switch command {
            case .decide(let decision): steps.append(decide(decision, on: try view.recorded(), history))
            case .comment(let text):
                // A retry: the same words by the same person with nothing said in between.
                let isRepeated =
                    view.comments.last.map { $0.user == commit.reviewer.user && $0.text == text } ?? false
                if !isRepeated {
                    guard hasRoom(view) else { return refuse(history) }
                    decider.note(
                        .commented(by: commit.reviewer.user, text: text), on: try view.recorded(), by: commit.reviewer)
                }
                steps.append(.done(history, isRepeated: isRepeated, nil))
            case .assign(let assignee):
                let isRepeated = ExactString(view.row.assignee) == assignee ?? ""
                if !isRepeated {
                    guard hasRoom(view) else { return refuse(history) }
                    decider.note(
                        .assigned(by: commit.reviewer.user, to: assignee), on: try view.recorded(), by: commit.reviewer)
                }
                steps.append(.done(history, isRepeated: isRepeated, nil))
            }
        }

        /// Whether one more thing can be said about the conflict.
        private func hasRoom(_ view: ConflictView) -> Bool {
            view.comments.count + view.assignments.count < commit.limits.commentsPerConflict
        }

        private mutating func refuse(_ history: ConflictHistory) {
            let limit = commit.limits.commentsPerConflict
            let full = Rejection(
                .conflictFull,
                "The conflict has \(limit) comments and assignments, which is the most. It can still be decided, with a note."
            )
            steps.append(.refused(history, [full]))
        }

        private mutating func decide(
            _ decision: Decision, on conflict: RecordedConflict, _ history: ConflictHistory
        ) -> Step {
            let rules = schema.rules(for: conflict.record.collection) ?? .undeclared
            let kept = { [redactor = builder.redactor] (value: Value, unit: UnitKey) in
                redactor.redacted(value, unit: unit, collection: conflict.record.collection, rules: rules)
            }
            let unit = rules.unit(named: conflict.unit)
            let before = decider.record(conflict.record)?.state.shown(unit, rules).map { kept($0, unit) }
            switch decider.decide(decision, on: conflict, by: commit.reviewer, kept: kept) {
            case .decided(let decided):
                builder.add(decided, by: commit.reviewer)
                let after = decided.resolution.value.map { kept($0, unit) }
                return .done(history, isRepeated: false, ReviewResult.Effect(before: before, after: after))
            case .repeated: return .done(history, isRepeated: true, ReviewResult.Effect(before: before, after: before))
            case .decidedOtherwise: return .decidedOtherwise(history)
            case .changed: return .changed(history)
            case .refused(let rejections): return .refused(history, rejections)
            }
        }

        mutating func finish() throws(StoreError) -> (Commit, Answer) {
            let stored = builder.commit(decider.plan)
            let after = ConflictChanges(of: stored)
            var outcomes: [ReviewOutcome?] = []
            for step in steps { outcomes.append(try outcome(of: step, after: after)) }
            guard commit.mode == .commit else {
                return (Commit(head: snapshot.head), Answer(outcomes: outcomes))
            }
            return (stored, Answer(outcomes: outcomes, writtenBytes: stored.byteCount))
        }

        private mutating func outcome(
            of step: Step, after changes: ConflictChanges
        ) throws(StoreError) -> ReviewOutcome? {
            switch step {
            case .left: return nil
            case .notFound: return .notFound
            case .decidedOtherwise(let history):
                return .decidedOtherwise(try ConflictView(history.followed(by: changes)))
            case .changed(let history): return .changed(try ConflictView(history.followed(by: changes)))
            case .refused(let history, let rejections):
                return .refused(rejections, try ConflictView(history.followed(by: changes)))
            case .done(let history, let isRepeated, let effect):
                let view = try ConflictView(history.followed(by: changes))
                var record: WireRecord?
                if commit.records == .full, schema.rules(for: view.record.collection) != nil,
                    let stored = decider.record(view.record), !stored.isPurged
                {
                    record = WireRecord(builder.row(stored))
                }
                return .done(ReviewResult(conflict: view, record: record, isRepeated: isRepeated, effect: effect))
            }
        }
    }
}

/// What a commit changes in conflicts that were there before it.
private struct ConflictChanges {
    let entries: [Int64: [AuditEntryRow]]
    let statuses: [Int64: ConflictChange]
    let assignments: [Int64: ConflictAssignment]

    init(of commit: Commit) {
        entries = Dictionary(grouping: commit.audit, by: \.conflict)
        statuses = Dictionary(uniqueKeysWithValues: commit.conflictChanges.map { ($0.id, $0) })
        assignments = Dictionary(uniqueKeysWithValues: commit.assignments.map { ($0.id, $0) })
    }
}

extension ConflictHistory {
    /// The conflict as it stands after a commit.
    fileprivate func followed(by changes: ConflictChanges) -> ConflictHistory {
        var row = conflict
        if let change = changes.statuses[row.id] {
            row.version = change.version
            row.status = change.status.rawValue
        }
        if let assignment = changes.assignments[row.id] { row.assignee = assignment.assignee }
        return ConflictHistory(conflict: row, entries: entries + (changes.entries[row.id] ?? []))
    }
}
