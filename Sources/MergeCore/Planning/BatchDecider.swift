import Causality
import Values

/// What decisions are held to: the declared collections, and the limits.
public struct DecisionSettings: Sendable {
    /// What is declared of collections.
    public let schema: Schema
    /// The bound of every quantity.
    public let limits: Limits

    public init(schema: Schema, limits: Limits = Limits()) {
        self.schema = schema
        self.limits = limits
    }
}

/// Decides batch after batch over one snapshot. A batch, a snapshot and the time go in; rows to write and an outcome
/// for each operation come out. The decider reads nothing, waits for nothing and never fails.
///
/// Each batch sees what the batches before it did, as if they had been committed. A refused one leaves no trace. So the
/// batches that share one transaction get the same answers as if each had had its own.
public struct BatchDecider: Sendable {
    /// What the decisions are held to.
    public let settings: DecisionSettings
    private let snapshot: Snapshot
    /// What the batches decided so far have changed.
    public private(set) var plan: Plan
    private var operations: [OperationID: [KnownOperation]] = [:]
    private var dots: [RecordDot: KnownOperation] = [:]
    /// The conflicts that have an entry in the plan.
    private var touchedConflicts: Set<ConflictID> = []

    /// Begins with a plan that changes nothing.
    /// - Parameters:
    ///   - snapshot: what the store holds under the read sets of all batches that will be decided.
    ///   - settings: what the decisions are held to.
    public init(over snapshot: Snapshot, under settings: DecisionSettings) {
        self.snapshot = snapshot
        self.settings = settings
        plan = Plan(
            sequence: snapshot.sequence, auditPosition: snapshot.auditPosition,
            auditMilliseconds: snapshot.auditMilliseconds)
    }

    /// Decides one batch and takes what it changes into the plan. The snapshot holds what the batch's read set names.
    ///
    /// O(k log n) for an operation that names k units, and O(devices) for each clock that is compared.
    public mutating func decide(_ batch: Batch) -> BatchDecision {
        let (decision, changes) = BatchRun.run(batch, over: self)
        if !decision.isRefused { take(changes) }
        return decision
    }

    /// Decides a conflict and takes what that changes into the plan. The snapshot holds the conflict's record.
    /// - Parameters:
    ///   - decision: what the reviewer wants.
    ///   - conflict: the conflict as it stands without what this decider has decided so far.
    ///   - reviewer: who decides, and when.
    ///   - kept: the form in which the audit keeps a value of a unit.
    public mutating func decide(
        _ decision: Decision, on conflict: RecordedConflict, by reviewer: Reviewer,
        kept: @escaping (Value, UnitKey) -> Value
    ) -> DecisionOutcome {
        // The only thing that a decision does to another conflict is to supersede it.
        guard !touchedConflicts.contains(conflict.id) else { return .changed }
        var applier = ResolutionApplier(decision, on: conflict, by: reviewer, over: self, kept: kept)
        let (outcome, changes) = applier.run()
        take(changes)
        return outcome
    }

    /// Appends a comment or an assignment to the audit.
    public mutating func note(_ content: AuditEntry.Content, on conflict: RecordedConflict, by reviewer: Reviewer) {
        var changes = BatchChanges(after: plan)
        let clock = record(conflict.record)?.state.clock ?? VersionVector()
        changes.append(
            content, to: (conflict.id, conflict.version, conflict.record), clocks: (clock, clock),
            by: AuditAuthor(batch: "", device: reviewer.device, atMilliseconds: reviewer.nowMilliseconds))
        take(changes)
    }

    /// Takes changes into the plan that are known to stand.
    mutating func take(_ changes: BatchChanges) {
        plan.sequence = changes.sequence
        plan.auditPosition = changes.auditPosition
        plan.auditMilliseconds = changes.auditMilliseconds
        plan.audit += changes.audit
        plan.auditBytes += changes.auditBytes
        for entry in changes.audit { touchedConflicts.insert(entry.conflict) }
        if plan.records.isEmpty {
            plan.records = changes.records
        } else {
            plan.records.merge(changes.records) { _, later in later }
        }
        operations.reserveCapacity(operations.count + changes.operations.count)
        for (id, known) in changes.operations {
            let others = self.known(id).filter { $0.device != known.device }
            operations[id] = others.isEmpty ? [known] : others + [known]
        }
        if dots.isEmpty { dots = changes.dots } else { dots.merge(changes.dots) { _, later in later } }
    }

    /// The record as it stands after the batches decided so far.
    public func record(_ key: RecordKey) -> StoredRecord? {
        plan.records[key] ?? snapshot.records[key]
    }

    /// The operations under an id, at most one a device. What the batches decided so far added is among them.
    public func known(_ id: OperationID) -> [KnownOperation] {
        operations[id] ?? snapshot.operations[id] ?? []
    }

    func known(_ dot: RecordDot) -> KnownOperation? {
        dots[dot] ?? snapshot.dots[dot]
    }
}
