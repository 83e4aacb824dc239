import Causality
import MergeCore
import SyncStorage
import SyncWire

/// Conflicts that are decided together, alike.
public struct BulkDecision: Sendable {
    /// Which conflicts.
    public enum Selection: Sendable {
        /// These, as they were looked at.
        case listed([(conflict: ConflictID, version: Int64)])
        /// The first of those that a query finds, as they are.
        case matching(ConflictQuery)
    }

    public let selection: Selection
    public let choice: Decision.Choice
    public let deletedRecord: Decision.DeletedRecord
    public let note: ExactString?

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

/// What became of conflicts that were decided together: each on its own, so that one that cannot be decided keeps no other.
public struct BulkOutcome: Sendable {
    /// With the versions that were looked at.
    public let outcomes: [(conflict: ConflictID, version: Int64, outcome: ReviewOutcome)]
    /// Where the next call goes on; nil when the query finds no more.
    public let next: String?
}

extension SyncEngine {
    /// Does one thing with a conflict.
    /// - Throws: `not_found`; `already_resolved`, `conflict_changed` with the conflict as it stands; what is wrong with the
    ///   decision; `storage_unavailable`.
    public func review(
        _ caller: Caller, _ conflict: ConflictID, _ act: ReviewAct
    ) async throws(Problem) -> ReviewResult {
        let outcomes = try await review(
            caller, [PlacedAct(conflict: conflict, record: nil, act: act)], mode: .commit)
        guard case .done(let result)? = outcomes.first else {
            throw outcomes.first.flatMap { Problem($0) } ?? .notFound
        }
        return result
    }

    /// Decides many conflicts alike, in one transaction.
    /// - Parameters:
    ///   - page: where the call before said that this one begins; for a selection by query.
    ///   - preview: answers what would happen and stores nothing.
    public func decide(
        _ caller: Caller, _ bulk: BulkDecision, page: String? = nil, preview: Bool = false
    ) async throws(Problem) -> BulkOutcome {
        var versions: [Int64] = []
        func decided(_ conflict: ConflictID, _ version: Int64, of record: RecordKey?) -> PlacedAct {
            versions.append(version)
            let decision = Decision(
                version: version, choice: bulk.choice, deletedRecord: bulk.deletedRecord, note: bulk.note)
            return PlacedAct(conflict: conflict, record: record, act: .decide(decision))
        }
        var acts: [PlacedAct]
        var next: String?
        switch bulk.selection {
        case .listed(let conflicts):
            acts = conflicts.map { decided($0.conflict, $0.version, of: nil) }
        case .matching(let query):
            let (views, following) = try await conflictPage(caller, query, page: page)
            acts = views.map { decided($0.id, $0.row.version, of: $0.record) }
            next = following
        }
        let outcomes = try await review(caller, acts, mode: preview ? .dryRun : .commit)
        return BulkOutcome(
            outcomes: acts.indices.map { (acts[$0].conflict, versions[$0], outcomes[$0]) }, next: next)
    }

    /// An act with the record that its conflict is about, where that is known already.
    private struct PlacedAct {
        let conflict: ConflictID
        var record: RecordKey?
        let act: ReviewAct
    }

    /// - Parameter acts: each conflict once.
    private func review(
        _ caller: Caller, _ acts: [PlacedAct], mode: ReviewCommit.Mode
    ) async throws(Problem) -> [ReviewOutcome] {
        // Which record a conflict is about never changes, so it can be read before the transaction whose basis it belongs to.
        let placed = try await reading { () throws(StoreError) in
            var placed = acts
            for index in placed.indices where placed[index].record == nil {
                placed[index].record = try await store.conflict(caller.tenant, placed[index].conflict)?.conflict
                    .recordKey
            }
            return placed
        }
        let known = placed.compactMap { act in act.record.map { (act.conflict, $0, act.act) } }
        guard !known.isEmpty else { return placed.map { _ in .notFound } }
        let commit = ReviewCommit(
            tenant: caller.tenant, reviewer: Reviewer(user: caller.user, nowMilliseconds: clock.now()), acts: known,
            mode: mode, terms: terms, identity: store.identity)
        let answer = try await settling(in: caller.tenant) { () throws(StoreError) in
            try await store.transact(caller.tenant, basis: commit.basis) {
                (snapshot: StoreSnapshot) throws(StoreError) -> (Commit, ReviewCommit.Answer) in
                try commit.decide(over: snapshot)
            }
        }
        if mode == .commit {
            // A comment has no place in the feed, and who minds the audit waits for it too.
            notifier.wake(caller.tenant)
        }
        var outcomes = answer.outcomes[...]
        return placed.map { $0.record == nil ? .notFound : outcomes.removeFirst() }
    }

    /// In the tenant's lane. Acts whose fate is unknown are done once more: what was stored of them is recognised as the same.
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
    var recordKey: RecordKey { RecordKey(collection: ExactString(collection), id: ExactString(record)) }
}
