import Causality
import MergeCore
import SyncStorage
import SyncWire

/// Conflicts that are decided together, all in the same way.
public struct BulkDecision: Sendable {
    /// Which conflicts are decided.
    public enum Selection: Sendable {
        /// These conflicts, each with the version that was looked at.
        case listed([(conflict: ConflictID, version: Int64)])
        /// The first of those that a query finds, as they stand.
        case matching(ConflictQuery)
    }

    /// Which conflicts are decided.
    public let selection: Selection
    /// What their units are to have.
    public let choice: Decision.Choice
    /// What becomes of records that are deleted.
    public let deletedRecord: Decision.DeletedRecord
    /// What the reviewer writes about the decisions.
    public let note: ExactString?

    /// Takes what is to be decided.
    /// - Parameters:
    ///   - selection: which conflicts.
    ///   - choice: what their units are to have.
    ///   - deletedRecord: what becomes of records that are deleted.
    ///   - note: what the reviewer writes about the decisions.
    public init(
        _ selection: Selection, choice: Decision.Choice, deletedRecord: Decision.DeletedRecord = .staysDeleted,
        note: ExactString? = nil
    ) {
        self.selection = selection
        self.choice = choice
        self.deletedRecord = deletedRecord
        self.note = note
    }
}

extension SyncEngine {
    /// Does one thing with a conflict.
    /// - Throws: `not_found`; `already_resolved`, `conflict_changed` with the conflict as it stands; what is wrong with
    ///   the decision; `storage_unavailable`.
    public func review(
        _ caller: Caller, _ conflict: ConflictID, _ command: ReviewCommand
    ) async throws(Problem) -> ReviewResult {
        let placed = try await place([PlacedCommand(conflict: conflict, command: command)], of: caller.tenant)
        guard placed[0].record != nil else { throw .notFound }
        let outcome = try await carryOut(caller, placed, .commit, returning: .full)[0]
        guard case .done(let result)? = outcome else { throw outcome.flatMap { Problem($0) } ?? .notFound }
        return result
    }

    /// Decides many conflicts in the same way, as many in one transaction as it may read.
    ///
    /// Where a later part fails, what the parts before it decided stays decided, and the problem says so. The same
    /// request again finds that, and goes on.
    /// - Parameters:
    ///   - caller: the reviewer.
    ///   - bulk: which conflicts, and what is decided about them.
    ///   - page: where the call before said that this one begins; for a selection by query.
    ///   - preview: whether the answer only says what would happen, and nothing is stored.
    /// - Throws: `batch_too_large` for what is better asked for in several requests; `storage_unavailable`,
    ///   `overloaded`.
    public func decide(
        _ caller: Caller, _ bulk: BulkDecision, page: String? = nil, preview: Bool = false
    ) async throws(Problem) -> BulkOutcome {
        var looked: [(conflict: ConflictID, version: Int64)] = []
        var commands: [PlacedCommand] = []
        var next: String?
        func add(_ conflict: ConflictID, _ version: Int64, of record: RecordKey?) {
            looked.append((conflict, version))
            let decision = Decision(
                version: version, choice: bulk.choice, deletedRecord: bulk.deletedRecord, note: bulk.note)
            commands.append(PlacedCommand(conflict: conflict, record: record, command: .decide(decision)))
        }
        switch bulk.selection {
        case .listed(let conflicts):
            for listed in conflicts { add(listed.conflict, listed.version, of: nil) }
        case .matching(let query):
            // Together they are a page, so that they have room in one part.
            let (views, following) = try await conflictPage(caller, query, page: page)
            for view in views { add(view.id, view.row.version, of: view.record) }
            next = following
        }
        try checkSize(of: bulk.choice, count: commands.count)
        let placed = try await place(commands, of: caller.tenant)
        var parts = ReviewParts(
            placed.map { command in command.record.map { ($0, command.byteCount) } },
            byteLimit: limits.recordBytesPerCommit)
        guard !parts.hasOversizedGroup else { throw .conflictsTooLarge(limits) }
        var outcomes = BulkOutcomes(looked, byteLimit: limits.answerBytes)
        for index in placed.indices where placed[index].record == nil { outcomes.note(.notFound, at: index) }
        let unplaced = outcomes.count
        while let part = parts.next() {
            let done: [ReviewOutcome?]
            do throws(Problem) {
                done = try await carryOut(
                    caller, part.map { placed[$0] }, preview ? .dryRun : .commit, returning: .none)
            } catch {
                guard !preview, outcomes.count > unplaced else { throw error }
                throw Problem(error, after: outcomes.count, of: commands.count)
            }
            var left: Set<Int> = []
            for (index, outcome) in zip(part, done) {
                if let outcome { outcomes.note(outcome, at: index) } else { left.insert(index) }
            }
            // A transaction reads one record at least; where it did not, asking on would have no end.
            guard left.count < part.count else { throw Problem(.internalError, "The storage read nothing.") }
            parts.putBack(left)
        }
        return outcomes.whole(next: next)
    }

    /// Refuses a value that is too large for many. A value that is given for many is written as often, so that a short
    /// request could write for a long time.
    private func checkSize(of choice: Decision.Choice, count: Int) throws(Problem) {
        guard case .value(let value) = choice, count > 1, value.weight > limits.merge.auditBytesPerBatch / count else {
            return
        }
        throw Problem(
            .batchTooLarge,
            "A value for \(count) conflicts takes more than \(limits.merge.auditBytesPerBatch) bytes. Give it to fewer at once.",
            limit: limits.merge.auditBytesPerBatch)
    }

    /// A command with the record that its conflict is about, where that is known.
    private struct PlacedCommand {
        let conflict: ConflictID
        var record: RecordKey?
        /// About what its conflict takes in memory; 0 where that is bounded otherwise.
        var byteCount = 0
        let command: ReviewCommand
    }

    /// Finds the records of commands. Which record a conflict is about never changes, so it can be read before the
    /// transaction whose read set it belongs to.
    /// - Returns: the commands; those whose conflict is not there have no record.
    private func place(_ commands: [PlacedCommand], of tenant: TenantID) async throws(Problem) -> [PlacedCommand] {
        try await reading { () throws(StoreError) in
            var placed = commands
            for index in placed.indices where placed[index].record == nil {
                guard let file = try await store.conflict(tenant, placed[index].conflict) else { continue }
                placed[index].record = file.conflict.recordKey
                placed[index].byteCount = file.byteCount
            }
            return placed
        }
    }

    /// Carries commands out in one transaction.
    /// - Parameter commands: each conflict once, with its record.
    /// - Returns: one outcome for each command, nil where the transaction had no room for its record.
    private func carryOut(
        _ caller: Caller, _ commands: [PlacedCommand], _ mode: ReviewCommit.Mode,
        returning records: ReviewCommit.RecordReturn
    ) async throws(Problem) -> [ReviewOutcome?] {
        let commit = ReviewCommit(
            tenant: caller.tenant, reviewer: Reviewer(user: caller.user, nowMilliseconds: clock.now()),
            commands: commands.compactMap { command in command.record.map { (command.conflict, $0, command.command) } },
            mode: mode,
            records: records, schema: schema, limits: limits, identity: store.identity)
        let answer = try await settling(in: caller.tenant) { () throws(StoreError) in
            try await store.transact(caller.tenant, readSet: commit.readSet) {
                (snapshot: StoreSnapshot) throws(StoreError) -> (Commit, ReviewCommit.Answer) in
                try commit.decide(over: snapshot)
            }
        }
        budget.spend(
            bytes: answer.writtenBytes, of: caller.tenant, RequestOwner(caller), atMilliseconds: clock.now())
        // A comment has no place in the feed, and who minds the audit waits for it too.
        if mode == .commit {
            notifier.wake(caller.tenant, in: Set(commands.compactMap { $0.record?.collection }))
        }
        return answer.outcomes
    }

    /// Writes in the tenant's commit queue. Commands whose fate is unknown are carried out once more: what was stored
    /// of them is recognised as the same.
    private func settling<Answer: Sendable>(
        in tenant: TenantID, _ body: @escaping @Sendable () async throws(StoreError) -> Answer
    ) async throws(Problem) -> Answer {
        try await writing(in: tenant) { () throws(StoreError) in
            do throws(StoreError) {
                return try await body()
            } catch {
                guard case .unsettled = error else { throw error }
                return try await body()
            }
        }
    }
}

extension ConflictRow {
    /// The name of the conflict's record.
    public var recordKey: RecordKey { RecordKey(collection: ExactString(collection), id: ExactString(record)) }
}

extension Problem {
    fileprivate static func conflictsTooLarge(_ limits: EngineLimits) -> Problem {
        Problem(
            .batchTooLarge,
            "The conflicts of one record that are named here take more than \(limits.recordBytesPerCommit) bytes together. "
                + "Decide them in several requests.", limit: limits.recordBytesPerCommit)
    }
}
