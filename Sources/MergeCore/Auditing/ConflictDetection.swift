import Causality

extension RecordMerge {
    /// What has to be written into the audit about this merge, so that every value that does not show stays findable.
    ///
    /// - Parameters:
    ///   - before: the record's state before the merge.
    ///   - open: the record's conflicts that wait for a decision.
    public func conflictNotes(
        of write: RecordWrite, before: RecordState, rules: CollectionRules, open: [UnitKey: OpenConflict]
    ) -> [ConflictNote] {
        var notes: [ConflictNote] = []
        if let meeting = deleteMeeting(write, before: before, rules: rules) { notes.append(.opened(meeting)) }
        for register in registers {
            if let note = register.conflictNote(open: open[register.unit]) { notes.append(note) }
        }
        return notes
    }

    /// The conflict between a delete and writes that had not seen each other.
    ///
    /// Under `update-wins` a delete loses once, to the first write that it meets; later writes of the same kind lose nothing
    /// and take nothing. Under `delete-wins` every write that arrives hidden is a losing side of its own.
    private func deleteMeeting(_ write: RecordWrite, before: RecordState, rules: CollectionRules) -> ConflictOpening? {
        let deleteWon = rules.deletes == .deleteWins
        let sides: [ConflictSide]
        if write.kind == .delete {
            guard !life.unseenWrites.isEmpty else { return nil }
            let isUnseen = { (dot: Dot) in !write.context.contains(dot) }
            let writes = life.unseenWrites + before.broughtBack(beside: life.unseenWrites, where: isUnseen)
            sides =
                writes.map { event in
                    let value = before.contribution(rules) { $0.device == event.dot.device && isUnseen($0) }
                    return ConflictSide(role: .stored, won: !deleteWon, value: .object(value), event: event)
                } + [ConflictSide(role: .incoming, won: deleteWon, value: nil, event: write.event)]
        } else {
            guard !life.unseenDeletes.isEmpty, deleteWon || life.wasDeleted else { return nil }
            var written = write.writes.flatMap { $0.unit.fields(of: $0.value) }
            // A restore wants back what its author had seen in the record, beside what it writes itself.
            if write.kind == .restore { written += before.contribution(rules, where: write.context.contains) }
            sides =
                life.unseenDeletes.map { ConflictSide(role: .stored, won: deleteWon, value: nil, event: $0) }
                + [ConflictSide(role: .incoming, won: !deleteWon, value: .object(written), event: write.event)]
        }
        return ConflictOpening(kind: .deleteWrite, unit: .record, policy: rules.deletes.rawValue, sides: sides)
    }
}

extension RegisterMerge {
    fileprivate func conflictNote(open: OpenConflict?) -> ConflictNote? {
        if let open {
            if result.distinct.count <= 1 { return .superseded(open.id, unit: unit, by: incoming.event) }
            if rule.losers == .awaitDecision { return change(of: open) }
        }
        switch rule.losers {
        case .decidedByPolicy: return automaticConflict
        case .awaitDecision: return openedConflict
        }
    }

    /// Between the value that showed among those the write had not seen, and the write's own. The others that were not seen
    /// lost when they met the one that showed; only a surviving twin never did.
    private var automaticConflict: ConflictNote? {
        guard let stored = remaining.visible(by: rule), let shown = result.visible(by: rule) else { return nil }
        var sides = stored.value == incoming.value ? [shown] : [stored, incoming]
        if let twin = survivingTwin, !sides.contains(where: { $0.value == twin.value }) { sides.insert(twin, at: 0) }
        guard sides.count > 1 else { return nil }
        return .opened(
            ConflictOpening(
                kind: .writeWrite, unit: unit, policy: policy.rawValue, sides: sides.map(side(of:))))
    }

    /// The value that showed until the write replaced its event, where another device's event holds it still: as long as
    /// it showed, it lost to nothing.
    private var survivingTwin: Register.Candidate? {
        guard let before = Register(replaced.candidates + remaining.candidates).visible(by: rule),
            replaced.candidates.contains(before)
        else {
            return nil
        }
        return remaining.distinct.first { $0.value == before.value }
    }

    private var openedConflict: ConflictNote? {
        let candidates = result.distinct
        guard candidates.count > 1 else { return nil }
        return .opened(
            ConflictOpening(
                kind: .writeWrite, unit: unit, policy: policy.rawValue, awaitsDecision: true,
                sides: candidates.map(side(of:))))
    }

    /// The sides of an open conflict are the register's values, each with its latest event, before the write and after it.
    /// Where the event that stood for a value is replaced while a twin of it stays, the twin takes its place.
    private func change(of open: OpenConflict) -> ConflictNote? {
        let before = Register(replaced.candidates + remaining.candidates).distinct
        let after = Register(remaining.candidates + [incoming]).distinct
        let joined = after.filter { !before.contains($0) }
        let dropped = before.filter { !after.contains($0) }
        guard !joined.isEmpty || !dropped.isEmpty else { return nil }
        return .sidesChanged(
            open.id, unit: unit, joined: joined.map(side(of:)), dropped: dropped.map(\.event.dot))
    }

    private func side(of candidate: Register.Candidate) -> ConflictSide {
        ConflictSide(
            role: candidate.event.dot == incoming.event.dot ? .incoming : .stored,
            won: candidate.event.dot == result.visible(by: rule)?.event.dot, value: candidate.value,
            event: candidate.event)
    }
}

extension RecordState {
    /// The latest events of other devices than those of `events` whose values stand in the record: a restore brought them
    /// back from a delete, so they are no live writes of their own any more.
    fileprivate func broughtBack(beside events: [Event], where isIncluded: (Dot) -> Bool) -> [Event] {
        var latest: [DeviceID: Event] = [:]
        for case .register(let register) in units.values {
            for event in register.candidates.map(\.event) where isIncluded(event.dot) {
                guard !events.contains(where: { $0.dot.device == event.dot.device }) else { continue }
                if let other = latest[event.dot.device], event.dot < other.dot { continue }
                latest[event.dot.device] = event
            }
        }
        return latest.values.sorted { $0.dot < $1.dot }
    }

    /// The fields to which certain events contributed: registers with the value that would show among theirs, counters with
    /// the sum that shows, sets with the elements that they added.
    fileprivate func contribution(
        _ rules: CollectionRules, where isIncluded: (Dot) -> Bool
    ) -> [(ExactString, Value)] {
        var fields: [(ExactString, Value)] = []
        for (unit, state) in units {
            switch state {
            case .register(let register):
                let own = Register(register.candidates.filter { isIncluded($0.event.dot) })
                guard let shown = own.visible(by: rules.policy(of: unit).registerRule ?? .lastWriterWins) else {
                    continue
                }
                fields += unit.fields(of: shown.value)
            case .extremum(let extremum):
                if isIncluded(extremum.event.dot) { fields += unit.fields(of: extremum.value) }
            case .counter(let totals):
                if totals.totals.contains(where: { isIncluded($0.dot) }) {
                    fields += unit.fields(of: .integer(totals.sum))
                }
            case .set(let set):
                let added = set.elements.filter { $0.dots.contains(where: isIncluded) }.map(\.value)
                if !added.isEmpty { fields += unit.fields(of: .array(added)) }
            }
        }
        return fields
    }

    /// What a write would have done whose event is in the history already: for each unit whose value it would change, a
    /// conflict that keeps the value, because its device will forget it.
    public func staleConflicts(of write: RecordWrite, rules: CollectionRules) -> [ConflictOpening] {
        if write.kind == .delete {
            guard !isDeleted(rules.deletes), let stored = latestEvent else { return [] }
            return [
                ConflictOpening(
                    kind: .stale, unit: .record, policy: rules.deletes.rawValue,
                    sides: [
                        ConflictSide(role: .stored, won: true, value: .object(visibleFields(rules)), event: stored),
                        ConflictSide(role: .incoming, won: false, value: nil, event: write.event),
                    ])
            ]
        }
        return write.writes.compactMap { staleConflict(of: $0, in: write) }
    }

    private func staleConflict(of unitWrite: UnitWrite, in write: RecordWrite) -> ConflictOpening? {
        guard let stored = shown(unitWrite.unit, by: unitWrite.policy), !isHeld(unitWrite) else { return nil }
        return ConflictOpening(
            kind: .stale, unit: unitWrite.unit, policy: unitWrite.policy.rawValue,
            sides: [
                ConflictSide(role: .stored, won: true, value: stored.value, event: stored.event),
                ConflictSide(role: .incoming, won: false, value: unitWrite.value, event: write.event),
            ])
    }

    /// Whether the record already shows what the write wants.
    private func isHeld(_ unitWrite: UnitWrite) -> Bool {
        switch (unitWrite.change, units[unitWrite.unit]) {
        case (.assign(let value), .extremum(let best)?): value == best.value || !best.isBettered(by: value)
        case (.assign(let value), let state): state?.visible(by: unitWrite.policy) == value
        case (.elements(let adding, let removing), .set(let set)?):
            Set(adding).isSubset(of: set.values) && Set(removing).subtracting(adding).isDisjoint(with: set.values)
        case (.increment, _), (.elements, _): false
        }
    }

    /// What the unit shows and the event behind it. Where the policy keeps no single event, or the unit was never written,
    /// the record's latest known event stands in.
    private func shown(_ unit: UnitKey, by policy: MergePolicy) -> (value: Value?, event: Event)? {
        let state = units[unit]
        switch state {
        case .register(let register)?:
            return register.visible(by: policy.registerRule ?? .lastWriterWins).map { ($0.value, $0.event) }
        case .extremum(let extremum)?:
            return (extremum.value, extremum.event)
        case .counter?, .set?, nil:
            return latestEvent.map { (state?.visible(by: policy), $0) }
        }
    }

    private var latestEvent: Event? {
        (life.writes + life.deletes).max { $0.stamp < $1.stamp }
    }
}
