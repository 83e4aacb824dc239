import Causality
import Values

extension RecordMerge {
    /// What has to be written into the audit about this merge, so that every value that does not show can still be
    /// found.
    ///
    /// - Parameters:
    ///   - write: what was merged.
    ///   - before: the record's state before the merge.
    ///   - rules: the rules of the record's collection.
    ///   - limits: for the number of entries that one conflict may have.
    ///   - open: the record's conflicts that wait for a decision.
    /// - Returns: at most one note for each register that was written, and one for a delete that met writes. O(n) in
    ///   what was written, and in the whole record where a delete met writes.
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
    /// Under `update-wins` a delete loses once, to the first write that it meets. Later writes that had not seen it
    /// lose nothing and take nothing. Under `delete-wins` every write that arrives hidden is a losing side of its own.
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

extension RecordState {
    /// The latest events, of devices other than those of `events`, whose values stand in the record because a restore
    /// brought them back from a delete. They are no live writes of their own any more.
    fileprivate func broughtBack(beside events: [Event], where isIncluded: (Dot) -> Bool) -> [Event] {
        let devices = Set(events.map(\.dot.device))
        var latest: [DeviceID: Event] = [:]
        for (_, state) in units {
            for event in state.content.replaceableEvents where isIncluded(event.dot) {
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
            if let value = state.content.contribution(by: rules.policy(of: unit), where: isIncluded) {
                fields += unit.fields(of: value)
            }
        }
        return fields
    }

    /// What each of several devices contributed. One pass over the units: a unit that has nothing of a device costs the
    /// device nothing.
    fileprivate func contributions(
        _ rules: CollectionRules, of devices: [DeviceID], where isIncluded: (Dot) -> Bool
    ) -> [DeviceID: [(ExactString, Value)]] {
        let wanted = Set(devices)
        var fields: [DeviceID: [(ExactString, Value)]] = [:]
        for (unit, state) in units {
            let values = state.content.contributions(by: rules.policy(of: unit)) {
                wanted.contains($0.device) && isIncluded($0)
            }
            for (device, value) in values { fields[device, default: []] += unit.fields(of: value) }
        }
        return fields
    }

    /// What a write would have done whose event is in the history already (rule K2). O(n) in what the write names.
    ///
    /// Each unit whose value the write would change becomes a conflict that keeps the value, because the device will
    /// forget it. The record becomes one too, where the write would delete it or bring it back.
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

    /// - Returns: nil where the write says nothing about whether the record is there, or the record is as the write
    ///   wants it.
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
        let state = units[unitWrite.unit]?.content
        // The record's latest known event stands in where the family keeps no single event, or the unit was never
        // written.
        let shown = state?.shown(beside: unitWrite) ?? (value: nil, event: nil)
        guard let event = shown.event ?? latest,
            !(state?.isHeld(unitWrite, by: rules.equality(of: unitWrite.unit)) ?? false)
        else { return nil }
        return ConflictOpening(
            kind: .stale, unit: unitWrite.unit, policy: unitWrite.policy.rawValue,
            sides: [
                ConflictSide(role: .stored, won: true, value: shown.value, event: event),
                ConflictSide(role: .incoming, won: false, value: unitWrite.value, event: write.event),
            ])
    }

    private var latestEvent: Event? {
        (deletion.writes + deletion.deletes).max { $0.stamp < $1.stamp }
    }
}
