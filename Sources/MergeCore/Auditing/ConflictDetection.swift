import Causality

extension RecordMerge {
    /// What has to be written into the audit about this merge, so that every value that does not show stays findable.
    ///
    /// - Parameters:
    ///   - before: the record's state before the merge.
    ///   - open: the record's conflicts that wait for a decision.
    public func conflictNotes(
        of write: RecordWrite, before: RecordState, rules: CollectionRules, limits: Limits,
        open: [UnitKey: OpenConflict]
    ) -> [ConflictNote] {
        var notes: [ConflictNote] = []
        if let meeting = deleteMeeting(write, before: before, rules: rules) { notes.append(.opened(meeting)) }
        for register in registers {
            notes += register.conflictNotes(open: open[register.unit], limits: limits)
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
            guard !deletion.unseenWrites.isEmpty else { return nil }
            let isUnseen = { (dot: Dot) in !write.context.contains(dot) }
            let writes = deletion.unseenWrites + before.broughtBack(beside: deletion.unseenWrites, where: isUnseen)
            let values = before.contributions(rules, of: writes.map(\.dot.device), where: isUnseen)
            sides =
                writes.map { event in
                    let value = values[event.dot.device] ?? []
                    return ConflictSide(role: .stored, won: !deleteWon, value: .object(value), event: event)
                } + [ConflictSide(role: .incoming, won: deleteWon, value: nil, event: write.event)]
        } else {
            guard !deletion.unseenDeletes.isEmpty, deleteWon || deletion.wasDeleted else { return nil }
            var written = write.writes.flatMap { $0.unit.fields(of: $0.value) }
            // A restore wants back what its author had seen in the record, beside what it writes itself.
            if write.kind == .restore { written += before.contribution(rules, where: write.context.contains) }
            sides =
                deletion.unseenDeletes.map { ConflictSide(role: .stored, won: deleteWon, value: nil, event: $0) }
                + [ConflictSide(role: .incoming, won: !deleteWon, value: .object(written), event: write.event)]
        }
        return ConflictOpening(kind: .deleteWrite, unit: .record, policy: rules.deletes.rawValue, sides: sides)
    }
}

extension RegisterMerge {
    fileprivate func conflictNotes(open: OpenConflict?, limits: Limits) -> [ConflictNote] {
        if let open {
            if result.distinct(by: equality).count <= 1 {
                return [.superseded(open.id, unit: unit, by: incoming.event)]
            }
            if rule.losers == .awaitDecision {
                guard let change = change(of: open) else { return [] }
                guard open.version >= limits.entriesPerConflict, let next = openedConflict else { return [change] }
                // No conflict grows for ever: a long one ends here, and all that stands goes on in a new one.
                return [.superseded(open.id, unit: unit, by: incoming.event), next]
            }
        }
        let note =
            switch rule.losers {
            case .decidedByPolicy: automaticConflict
            case .awaitDecision: openedConflict
            }
        return note.map { [$0] } ?? []
    }

    /// Between the value that showed among those the write had not seen, and the write's own. The others that were not seen
    /// lost when they met the one that showed; only a surviving twin never did.
    private var automaticConflict: ConflictNote? {
        guard let stored = remaining.visible(by: rule), let shown = result.visible(by: rule) else { return nil }
        var sides = areSame(stored, incoming) ? [shown] : [stored, incoming]
        if let twin = survivingTwin, !sides.contains(where: { areSame($0, twin) }) { sides.insert(twin, at: 0) }
        guard sides.count > 1 else { return nil }
        return .opened(
            ConflictOpening(
                kind: .writeWrite, unit: unit, policy: policy.rawValue, sides: sides.map(side(of:))))
    }

    private func areSame(_ left: Register.Candidate, _ right: Register.Candidate) -> Bool {
        left.hasSameValue(as: right, by: equality)
    }

    /// The value that showed until the write replaced its event, where another device's event holds it still: as long as
    /// it showed, it lost to nothing.
    private var survivingTwin: Register.Candidate? {
        guard let before = Register(replaced.candidates + remaining.candidates).visible(by: rule),
            replaced.candidates.contains(where: { $0.event.dot == before.event.dot })
        else {
            return nil
        }
        return remaining.distinct(by: equality).first { areSame($0, before) }
    }

    private var openedConflict: ConflictNote? {
        let candidates = result.distinct(by: equality)
        guard candidates.count > 1 else { return nil }
        return .opened(
            ConflictOpening(
                kind: .writeWrite, unit: unit, policy: policy.rawValue, awaitsDecision: true,
                sides: candidates.map(side(of:))))
    }

    /// The sides of an open conflict are the register's values, each with its latest event, before the write and after it.
    /// Where the event that stood for a value is replaced while a twin of it stays, the twin takes its place.
    private func change(of open: OpenConflict) -> ConflictNote? {
        let before = Register(replaced.candidates + remaining.candidates).distinct(by: equality)
        let after = Register(remaining.candidates + [incoming]).distinct(by: equality)
        // An event writes one value to a unit, so its dot stands for both.
        let dotsBefore = Set(before.map(\.event.dot))
        let dotsAfter = Set(after.map(\.event.dot))
        let joined = after.filter { !dotsBefore.contains($0.event.dot) }
        let dropped = before.filter { !dotsAfter.contains($0.event.dot) }
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
        let devices = Set(events.map(\.dot.device))
        var latest: [DeviceID: Event] = [:]
        for (_, state) in units {
            guard case .register(let register) = state else { continue }
            for event in register.candidates.map(\.event) where isIncluded(event.dot) {
                guard !devices.contains(event.dot.device) else { continue }
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
            if let value = state.contribution(rules.policy(of: unit), where: isIncluded) {
                fields += unit.fields(of: value)
            }
        }
        return fields
    }

    /// What each of several devices contributed. One pass over the units: what has nothing of a device costs it nothing.
    fileprivate func contributions(
        _ rules: CollectionRules, of devices: [DeviceID], where isIncluded: (Dot) -> Bool
    ) -> [DeviceID: [(ExactString, Value)]] {
        let wanted = Set(devices)
        var fields: [DeviceID: [(ExactString, Value)]] = [:]
        for (unit, state) in units {
            let values = state.contributions(rules.policy(of: unit)) { wanted.contains($0.device) && isIncluded($0) }
            for (device, value) in values { fields[device, default: []] += unit.fields(of: value) }
        }
        return fields
    }

    /// What a write would have done whose event is in the history already: for each unit whose value it would change, a
    /// conflict that keeps the value, because its device will forget it; and one where it would delete the record or bring it
    /// back.
    public func staleConflicts(of write: RecordWrite, rules: CollectionRules) -> [ConflictOpening] {
        let latest = latestEvent
        let existence = staleExistence(of: write, latest: latest, rules: rules)
        return [existence].compactMap { $0 }
            + write.writes.compactMap { unitWrite in
                // A record that is one unit is a side of that conflict already.
                guard existence == nil || unitWrite.unit != .record else { return nil }
                return staleConflict(of: unitWrite, in: write, latest: latest, rules: rules)
            }
    }

    /// - Returns: nil where the write does not care, or the record is there, or is not there, as it wants.
    private func staleExistence(of write: RecordWrite, latest: Event?, rules: CollectionRules) -> ConflictOpening? {
        let stored: (value: Value?, event: Event)
        let incoming: Value?
        switch write.kind {
        case .create, .update: return nil
        case .delete:
            guard !isDeleted(rules.deletes), let latest else { return nil }
            stored = (.object(visibleFields(rules)), latest)
            incoming = nil
        case .restore:
            guard isDeleted(rules.deletes), let delete = deletion.deletes.max(by: { $0.stamp < $1.stamp }) else {
                return nil
            }
            stored = (nil, delete)
            // The record as it would come back: what the write names counts before what is hidden.
            let written = write.writes.flatMap { $0.unit.fields(of: $0.value) }
            incoming = .object(written + visibleFields(rules).members.map { ($0.name, $0.value) })
        }
        return ConflictOpening(
            kind: .stale, unit: .record, policy: rules.deletes.rawValue,
            sides: [
                ConflictSide(role: .stored, won: true, value: stored.value, event: stored.event),
                ConflictSide(role: .incoming, won: false, value: incoming, event: write.event),
            ])
    }

    /// - Parameter latest: the record's latest known event.
    private func staleConflict(
        of unitWrite: UnitWrite, in write: RecordWrite, latest: Event?, rules: CollectionRules
    ) -> ConflictOpening? {
        let state = units[unitWrite.unit]
        guard let stored = Self.shown(state, beside: unitWrite, latest: latest),
            !Self.isHeld(unitWrite, in: state, by: rules.equality(of: unitWrite.unit))
        else { return nil }
        return ConflictOpening(
            kind: .stale, unit: unitWrite.unit, policy: unitWrite.policy.rawValue,
            sides: [
                ConflictSide(role: .stored, won: true, value: stored.value, event: stored.event),
                ConflictSide(role: .incoming, won: false, value: unitWrite.value, event: write.event),
            ])
    }

    /// Whether the unit already shows what the write wants.
    private static func isHeld(_ unitWrite: UnitWrite, in state: UnitState?, by equality: UnitEquality) -> Bool {
        switch (unitWrite.change, state) {
        case (.assign(let value), .extremum(let best)?): return value == best.value || !best.isBettered(by: value)
        case (.assign(let value), let state): return equality.areSame(state?.visible(by: unitWrite.policy), value)
        case (.elements(let adding, let removing), .set(let set)?):
            let added = Set(adding)
            return adding.allSatisfy(set.contains) && removing.allSatisfy { added.contains($0) || !set.contains($0) }
        case (.increment, _), (.elements, _): return false
        }
    }

    /// What the unit shows beside a write, and the event behind it: of a set those elements that the write names. Where the
    /// policy keeps no single event, or the unit was never written, the record's latest known event stands in.
    private static func shown(
        _ state: UnitState?, beside unitWrite: UnitWrite, latest: Event?
    ) -> (value: Value?, event: Event)? {
        switch state {
        case .register(let register)?:
            return register.visible(by: unitWrite.policy.registerRule ?? .lastWriterWins).map { ($0.value, $0.event) }
        case .extremum(let extremum)?:
            return (extremum.value, extremum.event)
        case .set(let set)?:
            return latest.map { (.array(set.values(namedBy: unitWrite.change)), $0) }
        case .counter?, nil:
            return latest.map { (state?.visible(by: unitWrite.policy), $0) }
        }
    }

    private var latestEvent: Event? {
        (deletion.writes + deletion.deletes).max { $0.stamp < $1.stamp }
    }
}

extension UnitState {
    /// What certain events contributed to the unit; nil where they contributed nothing.
    fileprivate func contribution(_ policy: MergePolicy, where isIncluded: (Dot) -> Bool) -> Value? {
        switch self {
        case .register(let register):
            let own = Register(register.candidates.filter { isIncluded($0.event.dot) })
            return own.visible(by: policy.registerRule ?? .lastWriterWins)?.value
        case .extremum(let extremum):
            return isIncluded(extremum.event.dot) ? extremum.value : nil
        case .counter(let totals):
            return totals.totals.contains { isIncluded($0.dot) } ? .integer(totals.sum) : nil
        case .set(let set):
            let added = set.elements.filter { $0.dots.contains(where: isIncluded) }.map(\.value)
            return added.isEmpty ? nil : .array(added)
        }
    }

    /// The same for each device by itself. O(n) in what the unit holds.
    fileprivate func contributions(_ policy: MergePolicy, where isIncluded: (Dot) -> Bool) -> [DeviceID: Value] {
        switch self {
        case .register(let register):
            let own = Dictionary(
                grouping: register.candidates.filter { isIncluded($0.event.dot) }, by: \.event.dot.device)
            return own.compactMapValues { Register($0).visible(by: policy.registerRule ?? .lastWriterWins)?.value }
        case .extremum(let extremum):
            return isIncluded(extremum.event.dot) ? [extremum.event.dot.device: extremum.value] : [:]
        case .counter(let totals):
            let sum = Value.integer(totals.sum)
            return totals.totals.reduce(into: [:]) { sums, total in
                if isIncluded(total.dot) { sums[total.dot.device] = sum }
            }
        case .set(let set):
            var added: [DeviceID: [Value]] = [:]
            for element in set.elements {
                for device in Set(element.dots.filter(isIncluded).map(\.device)) {
                    added[device, default: []].append(element.value)
                }
            }
            return added.mapValues { .array($0) }
        }
    }
}

extension ObservedRemoveSet {
    /// Those of its elements that a change names, in canonical order.
    fileprivate func values(namedBy change: UnitWrite.Change) -> [Value] {
        guard case .elements(let adding, let removing) = change else { return values }
        return Set(adding + removing).filter(contains).sorted { $0.precedes($1) }
    }
}
