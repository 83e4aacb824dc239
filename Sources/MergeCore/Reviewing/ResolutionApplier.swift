import Causality
import Values

/// Carries out one decision on top of what a decider has decided. The decision becomes an operation by the reviewer's
/// replica, which has seen all of the record and is merged like any other; and an entry in the audit says which
/// conflict it ended.
struct ResolutionApplier {
    let decider: BatchDecider
    let conflict: RecordedConflict
    let decision: Decision
    let reviewer: Reviewer
    /// The value in the form in which the audit keeps it: redacted fields are hashed there.
    let kept: (Value, UnitKey) -> Value
    private var changes: BatchChanges

    init(
        _ decision: Decision, on conflict: RecordedConflict, by reviewer: Reviewer, over decider: BatchDecider,
        kept: @escaping (Value, UnitKey) -> Value
    ) {
        self.decider = decider
        self.conflict = conflict
        self.decision = decision
        self.reviewer = reviewer
        self.kept = kept
        changes = BatchChanges(after: decider.plan)
    }

    mutating func run() -> (DecisionOutcome, BatchChanges) {
        (outcome(), changes)
    }

    private mutating func outcome() -> DecisionOutcome {
        guard let rules = decider.settings.schema.rules(for: conflict.record.collection) else {
            return .refused([Rejection(.unknownCollection, "The collection is not declared.")])
        }
        guard let stored = decider.record(conflict.record), !stored.isPurged else {
            return .refused([Rejection(.recordPurged, "The record was deleted and purged.")])
        }
        let equality = rules.equality(of: rules.unit(named: conflict.unit))
        let intent: ResolutionIntent
        do throws(Rejection) {
            // A side that was chosen before may have no value any more: the decision on it has replaced it.
            let side = try ResolutionIntent.side(decision.choice, of: conflict)
            if let side, let ended = ended({ $0 == side || equality.areSame($1, conflict.sides[side].value) }) {
                return ended
            }
            intent = try ResolutionIntent(decision, on: conflict, record: stored.state, rules: rules)
        } catch {
            return .refused([error])
        }
        let wanted = intent.value.map { kept($0, intent.unit) }
        if let ended = ended({ _, value in equality.areSame(value, wanted) }) { return ended }
        guard decision.version == conflict.version, hasSeenUnit(intent.unit, of: stored.state) else { return .changed }
        if let obstacle = intent.obstacle { return .refused([obstacle]) }
        return carryOut(intent, on: stored, rules: rules)
    }

    /// What a decision means for a conflict that has ended; nil while it has not.
    /// - Parameter isSame: whether the decision that ended it, for a side or for a value, wanted the same.
    private func ended(_ isSame: (_ side: Int?, _ value: Value?) -> Bool) -> DecisionOutcome? {
        switch conflict.ending {
        case nil: return nil
        case .superseded: return decision.version == conflict.version ? .decidedOtherwise : .changed
        case .resolved(let side, let value):
            // Who looked at the version before the ending made the decision at the same time as whoever ended it.
            guard decision.version == conflict.version || decision.version == conflict.version - 1 else {
                return .changed
            }
            return isSame(side, value) ? .repeated : .decidedOtherwise
        }
    }

    /// Whether nothing happened to the unit since the reviewer looked at the record.
    private func hasSeenUnit(_ unit: UnitKey, of state: RecordState) -> Bool {
        guard let seen = decision.seen else { return true }
        guard unit != .record else { return seen.includes(state.clock) }
        // A unit that is hidden or shown again is not what it was either.
        return (state.units[unit]?.dots ?? []).allSatisfy(seen.contains)
            && state.deletion.deletes.allSatisfy { seen.contains($0.dot) }
    }

    private mutating func carryOut(
        _ intent: ResolutionIntent, on stored: StoredRecord, rules: CollectionRules
    ) -> DecisionOutcome {
        let device = reviewer.device
        let dot = Dot(device: device, counter: stored.state.clock[device] + 1)
        let version = conflict.version + 1
        let id = OperationID("resolution-\(conflict.id.position)-\(version)")
        let clock = stored.state.clock.setting(device, to: dot.counter)
        let writes: [UnitWrite]
        do throws(Refusal) {
            writes = try self.writes(of: intent, id: id, clock: clock, rules: rules)
        } catch {
            return .refused(error.rejections)
        }
        // The author of a hybrid clock that has seen all of the record (Kulkarni et al. 2014).
        let stamp = Stamp(
            milliseconds: max(reviewer.nowMilliseconds, stored.state.latestMilliseconds + 1), dot: dot)
        let event = Event(
            stamp: stamp,
            provenance: Provenance(operation: id, user: reviewer.user, claimedMilliseconds: nil))
        let write = RecordWrite(kind: intent.kind, event: event, context: stored.state.clock, writes: writes)
        let rejections = stored.state.rejections(of: write, rules: rules, limits: decider.settings.limits)
        guard rejections.isEmpty else { return .refused(rejections) }

        let merge = stored.state.applying(
            write, rules: rules, limits: decider.settings.limits, notingOnly: stored.openConflicts)
        if let full = merge.fullness(of: write, before: stored.state, limits: decider.settings.limits) {
            return .refused([full])
        }
        let clocks = (before: stored.state.clock, after: merge.state.clock)
        let author = AuditAuthor(
            batch: id.name, device: device, atMilliseconds: reviewer.nowMilliseconds)
        var next = stored
        next.state = merge.state
        // It has seen everything, so all that it can do to other conflicts is to end them.
        for case .superseded(let id, let unit, let event) in merge.conflictNotes(
            of: write, before: stored.state, rules: rules, limits: decider.settings.limits, open: stored.openConflicts)
        {
            guard id != conflict.id else { continue }
            changes.append(
                .superseded(by: event), to: (id, (stored.openConflicts[unit]?.version ?? 0) + 1, stored.key),
                clocks: clocks, by: author)
            next.openConflicts[unit] = nil
        }
        let resolution = ConflictResolution(
            event: event, unit: intent.unit, side: intent.side, value: intent.value, note: decision.note)
        changes.append(.resolved(resolution), to: (conflict.id, version, stored.key), clocks: clocks, by: author)
        for (unit, open) in stored.openConflicts where open.id == conflict.id { next.openConflicts[unit] = nil }
        changes.take(&next)
        return .decided(
            DecidedConflict(
                conflict: conflict.id, version: version, record: stored.key, resolution: resolution, kind: intent.kind,
                clock: clock, fields: intent.fields ?? ObjectValue([]), sequence: next.sequence))
    }

    private struct Refusal: Error {
        let rejections: [Rejection]
    }

    /// What the decision writes, under the rules of an update: what it says of a unit is all of that unit, whether or not the
    /// record is deleted or comes back with it.
    private func writes(
        of intent: ResolutionIntent, id: OperationID, clock: VersionVector, rules: CollectionRules
    ) throws(Refusal) -> [UnitWrite] {
        guard let fields = intent.fields else { return [] }
        let update = Operation(
            id: id, kind: .update, record: conflict.record, clock: clock, claimedMilliseconds: nil, fields: fields,
            fingerprint: .zero)
        let interpretation = FieldInterpretation(update, rules: rules, limits: decider.settings.limits)
        guard interpretation.rejections.isEmpty else { throw Refusal(rejections: interpretation.rejections) }
        // A conflict that ends has to end in its unit: what is said of another one would leave its sides as they are.
        let isPartOfRecord = intent.unit == .record && rules.recordMerge == nil
        guard isPartOfRecord || interpretation.writes.map(\.unit) == [intent.unit] else {
            throw Refusal(rejections: [
                Rejection(
                    .groupIncomplete,
                    "The conflict is about '\(intent.unit.name)'. Give all of its fields and no other field.",
                    at: ["value"])
            ])
        }
        return interpretation.writes
    }
}
