import Causality

/// One pass over the operations of one batch, in their order.
struct BatchRun {
    let decider: BatchDecider
    let batch: Batch
    private let correction: StampCorrection
    var changes: BatchChanges
    private var outcomes: [OperationOutcome] = []
    private var decided: [DecidedOperation] = []
    /// Whether an operation stands in `decided` more than once.
    private var hasRepeatedIDs = false
    /// Records whose next operations cannot be judged, because one on them failed in this batch.
    private var failedRecords: Set<RecordKey> = []
    private var failedOperations: Set<OperationID> = []
    /// How many reasons for refusing operations may still be told.
    private var rejectionsLeft: Int

    static func run(_ batch: Batch, over decider: BatchDecider) -> (BatchDecision, BatchChanges) {
        var run = BatchRun(batch, over: decider)
        run.reserveCapacity(batch.items.count)
        for (index, item) in batch.items.enumerated() { run.take(item, at: index) }
        return run.finish()
    }

    private init(_ batch: Batch, over decider: BatchDecider) {
        self.batch = batch
        self.decider = decider
        correction = StampCorrection(
            receivedAtMilliseconds: batch.receivedAtMilliseconds, sentAtMilliseconds: batch.sentAtMilliseconds)
        changes = BatchChanges(after: decider.plan)
        rejectionsLeft = decider.settings.limits.rejectionsPerBatch
    }

    /// The result with as many reasons as may be told, at least one.
    private mutating func bounded(_ result: OperationResult) -> OperationResult {
        guard !result.rejections.isEmpty else { return result }
        let bounded = result.keeping(
            rejections: max(1, min(rejectionsLeft, decider.settings.limits.rejectionsPerOperation)))
        rejectionsLeft -= bounded.rejections.count
        return bounded
    }

    private mutating func reserveCapacity(_ count: Int) {
        changes.records.reserveCapacity(count)
        changes.operations.reserveCapacity(count)
        changes.dots.reserveCapacity(count)
        outcomes.reserveCapacity(count)
        decided.reserveCapacity(count)
    }

    /// Decides one operation.
    private mutating func take(_ item: BatchItem, at index: Int) {
        switch item {
        case .malformed(let malformed):
            let result = bounded(.rejected(malformed.rejections))
            outcomes.append(OperationOutcome(id: malformed.id, record: malformed.record, result: result))
            fail(malformed.id, malformed.record)
            if let id = malformed.id, !known(id).contains(where: { $0.device == batch.device }) {
                keep(
                    KnownOperation(
                        id: id, device: batch.device, user: batch.user, record: malformed.record,
                        clock: VersionVector(), fingerprint: nil, result: result),
                    item, at: index, dot: nil, stamp: nil)
            }
        case .operation(let operation):
            if let replayed = replay(of: operation) {
                outcomes.append(replayed)
                if !replayed.result.isAccepted { fail(operation.id, operation.record) }
                take(numberOf: operation, replayed.result, item, at: index)
                return
            }
            let result = bounded(decide(operation))
            outcomes.append(
                OperationOutcome(
                    id: operation.id, record: operation.record, result: result,
                    keptUnder: result.isAccepted ? batch.device : nil))
            if !result.isAccepted { fail(operation.id, operation.record) }
            guard result.isAccepted || result.isPermanentRejection else { return }
            let isEvent =
                result.isAccepted && result.outcome != .older && changes.records[operation.record] != nil
            let dot = Dot(device: batch.device, counter: operation.clock[batch.device])
            keep(
                known(operation, result), item, at: index, dot: isEvent ? dot : nil,
                stamp: correction.corrected(operation.claimedMilliseconds))
        }
    }

    private func known(_ operation: Operation, _ result: OperationResult) -> KnownOperation {
        KnownOperation(
            id: operation.id, device: batch.device, user: batch.user, record: operation.record, clock: operation.clock,
            fingerprint: operation.fingerprint, result: result)
    }

    /// Lets an operation that was recognised use up its new number.
    ///
    /// A device that had to register anew numbers what is pending under its new id, from 1 on, without knowing which of
    /// it had arrived. The next operation must not leave a gap. So the event joins the record's clock and changes
    /// nothing else. Where it cannot (a full clock, a collection that is not declared any more), the answer is the same
    /// and the number stays free.
    private mutating func take(
        numberOf operation: Operation, _ result: OperationResult, _ item: BatchItem, at index: Int
    ) {
        guard result.isAccepted,
            !known(operation.id).contains(where: { $0.device == batch.device && $0.result.isAccepted }),
            let clock = OperationClock(operation.clock, authoredBy: batch.device),
            var stored = record(operation.record), !stored.isPurged,
            stored.state.clock[batch.device] > 0 || stored.state.clock.count < decider.settings.limits.clockEntries,
            decider.settings.schema.rules(for: operation.record.collection) != nil
        else { return }
        switch Classification(clock, against: stored.state.clock) {
        case .past, .gap, .ahead: return
        case .newer, .concurrent: break
        }
        stored.state = stored.state.noting(clock.dot)
        changes.take(&stored)
        keep(
            known(operation, result), item, at: index, dot: clock.dot,
            stamp: correction.corrected(operation.claimedMilliseconds))
    }

    private mutating func fail(_ id: OperationID?, _ record: RecordKey?) {
        if let id { failedOperations.insert(id) }
        if let record { failedRecords.insert(record) }
    }

    /// - Parameter dot: the event that the operation became; nil when it became none.
    private mutating func keep(
        _ known: KnownOperation, _ item: BatchItem, at index: Int, dot: Dot?, stamp: Int64?
    ) {
        // The same id twice in a batch: a rejected operation that was mended further down. The last one counts.
        if changes.operations.updateValue(known, forKey: known.id) != nil { hasRepeatedIDs = true }
        if let dot, let record = known.record { changes.dots[RecordDot(record: record, dot: dot)] = known }
        decided.append(
            DecidedOperation(index: index, item: item, known: known, dot: dot, stampMilliseconds: stamp))
    }

    private func known(_ id: OperationID) -> [KnownOperation] {
        let before = decider.known(id)
        guard let own = changes.operations[id] else { return before }
        return before.filter { $0.device != batch.device } + [own]
    }

    private func record(_ key: RecordKey) -> StoredRecord? {
        changes.records[key] ?? decider.record(key)
    }

    // MARK: Replays (rules I1 to I4 of docs/semantics.md)

    /// The stored outcome of an operation that was decided before; nil when it is new.
    private func replay(of operation: Operation) -> OperationOutcome? {
        let known = known(operation.id)
        let own = known.first { $0.device == batch.device }
        if let own, own.result.isAccepted {
            guard own.fingerprint == operation.fingerprint else {
                let reused = Rejection(
                    .operationIDReused, "This id belongs to another operation of the device; ids are never used twice.",
                    at: ["id"])
                return OperationOutcome(id: operation.id, record: operation.record, result: .rejected([reused]))
            }
            return told(operation, as: own)
        }
        // A rejection had no effect, so it says nothing about whether the operation had its effect under another device. Only
        // one that was accepted there has had it, and must not have it twice.
        let twin = known.first {
            $0.user == batch.user && $0.fingerprint == operation.fingerprint && $0.result.isAccepted
        }
        if let twin { return told(operation, as: twin) }
        // An operation with another clock or content may be what the device was told to do about the rejection.
        guard let own, own.fingerprint == operation.fingerprint, own.clock == operation.clock else { return nil }
        return told(operation, as: own)
    }

    private func told(_ operation: Operation, as known: KnownOperation) -> OperationOutcome {
        OperationOutcome(
            id: operation.id, record: known.record, result: known.result, isReplayed: true,
            keptUnder: known.result.isAccepted ? known.device : nil)
    }

    // MARK: One operation (rules B5 and C3 to C9)

    private mutating func decide(_ operation: Operation) -> OperationResult {
        if let skipped = skip(operation) { return skipped }
        guard let rules = decider.settings.schema.rules(for: operation.record.collection) else {
            return .rejected([Rejection(.unknownCollection, "The collection is not declared.", at: ["collection"])])
        }
        let interpretation = FieldInterpretation(operation, rules: rules, limits: decider.settings.limits)
        guard interpretation.rejections.isEmpty else { return .rejected(interpretation.rejections) }
        guard let clock = OperationClock(operation.clock, authoredBy: batch.device) else {
            return .rejected([Rejection(.clockInvalid, "The clock has no entry of its own device.", at: ["clock"])])
        }
        if operation.kind == .create, !clock.context.isEmpty {
            return .rejected([
                Rejection(.clockInvalid, "A create has seen nothing: its clock is its own entry, 1.", at: ["clock"])
            ])
        }
        if operation.kind == .restore, clock.context.isEmpty {
            return .rejected([
                Rejection(.clockInvalid, "A restore has seen the delete that it undoes.", at: ["clock"])
            ])
        }
        let stored = record(operation.record) ?? StoredRecord(key: operation.record, state: RecordState(), sequence: 0)
        guard !stored.isPurged else {
            return .rejected([
                Rejection(
                    .recordPurged,
                    "The record was deleted and purged; its id stays taken. Create a record under another id.")
            ])
        }
        let stamp = Stamp(milliseconds: correction.corrected(operation.claimedMilliseconds), dot: clock.dot)
        let event = Event(
            stamp: stamp,
            provenance: Provenance(
                operation: operation.id, user: batch.user, claimedMilliseconds: operation.claimedMilliseconds))
        let write = RecordWrite(
            kind: operation.kind, event: event, context: clock.context, writes: interpretation.writes)
        switch Classification(clock, against: stored.state.clock) {
        case .past(let isEqual):
            return past(operation, write, stored: stored, rules: rules, relation: isEqual ? .equal : .older)
        case .gap(let expected):
            return .rejected([
                Rejection(
                    .clockGap,
                    "An earlier event of this device on the record has not arrived; \(expected) is next. Send the operation "
                        + "that has this counter first; if there is none any more, give it to this one.",
                    at: ["clock", batch.device.name], expectedCounter: expected)
            ])
        case .ahead(let device):
            return .rejected([
                Rejection(
                    .clockAhead,
                    "The clock names events of this device that the server does not have. Pull the record, copy its clock, "
                        + "raise your own entry by one, and send the operation again.",
                    at: ["clock", device.name])
            ])
        case .newer: return merge(write, into: stored, rules: rules, relation: .newer)
        case .concurrent: return merge(write, into: stored, rules: rules, relation: .concurrent)
        }
    }

    private func skip(_ operation: Operation) -> OperationResult? {
        let skipped = { (detail: String) in
            OperationResult(
                outcome: .skipped, relation: nil, rejections: [Rejection(.dependencyFailed, detail)])
        }
        if failedRecords.contains(operation.record) {
            return skipped("An earlier operation on the same record failed in this batch.")
        }
        for dependency in operation.dependsOn {
            if failedOperations.contains(dependency) { return skipped("An operation that it depends on failed.") }
            let known = known(dependency).filter { $0.device == batch.device || $0.user == batch.user }
            if !known.contains(where: { $0.result.isAccepted }) {
                return skipped(
                    "An operation that it depends on was rejected or has not arrived. Send it with or after that one.")
            }
        }
        return nil
    }

    /// Rule C5: the counter is in the history.
    private mutating func past(
        _ operation: Operation, _ write: RecordWrite, stored: StoredRecord, rules: CollectionRules, relation: Relation
    ) -> OperationResult {
        let dot = RecordDot(record: operation.record, dot: write.event.dot)
        let other = changes.dots[dot] ?? decider.known(dot)
        if let other, other.id != operation.id, other.fingerprint != operation.fingerprint {
            // Whoever makes a record again has not lost its numbers: it takes the record for gone.
            guard operation.kind != .create else {
                return .rejected([stored.existence(for: batch.device, deletes: rules.deletes)])
            }
            return .rejected([
                Rejection(
                    .counterReused,
                    "Another operation of this device has this counter: the device was cloned, restored from a backup, or "
                        + "shares its id. Register a new device id, number the pending operations anew under it, keep "
                        + "their operation ids, and send them again.",
                    at: ["clock", batch.device.name])
            ])
        }
        let openings = stored.state.staleConflicts(of: write, rules: rules)
        guard changes.admits(openings.map { .opened($0) }, on: operation.record, limits: decider.settings.limits) else {
            return .rejected([.batchFull])
        }
        let conflicts = openings.map { opening in
            audit(.opened(opening), of: stored, before: stored.state.clock, after: stored.state.clock)
        }
        return OperationResult(outcome: .older, relation: relation, conflicts: conflicts.compactMap(\.summary))
    }

    private mutating func merge(
        _ write: RecordWrite, into stored: StoredRecord, rules: CollectionRules, relation: Relation
    ) -> OperationResult {
        if write.kind == .delete, stored.state.isUnknown {
            return OperationResult(outcome: .applied, relation: relation)
        }
        let rejections = stored.state.rejections(of: write, rules: rules, limits: decider.settings.limits)
        guard rejections.isEmpty else { return .rejected(rejections) }
        let merge = stored.state.applying(
            write, rules: rules, limits: decider.settings.limits, notingOnly: stored.openConflicts)
        if let full = merge.fullness(of: write, before: stored.state, limits: decider.settings.limits) {
            return .rejected([full])
        }
        let notes = merge.conflictNotes(
            of: write, before: stored.state, rules: rules, limits: decider.settings.limits, open: stored.openConflicts)
        guard changes.admits(notes, on: stored.key, limits: decider.settings.limits) else {
            return .rejected([.batchFull])
        }
        var next = stored
        next.state = merge.state
        var summaries: [ConflictSummary] = []
        for note in notes {
            let written = audit(note, of: next, before: stored.state.clock, after: merge.state.clock)
            next.openConflicts[written.unit] = written.stillOpen
            if let summary = written.summary { summaries.append(summary) }
        }
        changes.take(&next)
        let outcome: OutcomeKind =
            switch relation {
            case .newer, .equal, .older: .applied
            case .concurrent: summaries.isEmpty ? .merged : .conflicted
            }
        return OperationResult(
            outcome: outcome, relation: relation, conflicts: summaries, sequence: next.sequence)
    }

    // MARK: The batch as a whole

    /// An operation that changed nothing (the delete of a record that is not there) is answered with the place of its record
    /// too, if another operation of the batch changed that.
    private mutating func placeIdleOperations() {
        for position in decided.indices {
            let index = decided[position].index
            let outcome = outcomes[index]
            guard outcome.result.sequence == nil, !outcome.isReplayed, outcome.result.isAccepted,
                outcome.result.outcome != .older, let key = outcome.record,
                let sequence = changes.records[key]?.sequence
            else { continue }
            outcomes[index].result.sequence = sequence
            decided[position].known.result.sequence = sequence
            changes.operations[decided[position].known.id] = decided[position].known
        }
    }

    private mutating func keepLastOfEachID() {
        var ids: Set<OperationID> = []
        decided = decided.reversed().filter { ids.insert($0.known.id).inserted }.reversed()
    }

    private mutating func finish() -> (BatchDecision, BatchChanges) {
        let hasFailed = outcomes.contains { !$0.result.isAccepted }
        let isRefused = batch.atomicity == .allOrNothing && hasFailed
        guard !isRefused else {
            return (
                BatchDecision(outcomes: outcomes, isRefused: true, operations: [], sequence: decider.plan.sequence),
                changes
            )
        }
        if hasRepeatedIDs { keepLastOfEachID() }
        placeIdleOperations()
        // An operation that stands twice in the batch is answered as it was decided in the end.
        for index in outcomes.indices where outcomes[index].isReplayed {
            guard let id = outcomes[index].id, let known = changes.operations[id] else { continue }
            outcomes[index].result = known.result
        }
        return (
            BatchDecision(
                outcomes: outcomes, isRefused: false, operations: decided, sequence: changes.sequence),
            changes
        )
    }
}
