import Causality

extension BatchRun {
    struct Written {
        let unit: UnitKey
        /// The conflict as the operation's author hears of it; nil where the author need not hear.
        let summary: ConflictSummary?
        /// The conflict as the record is to remember it; nil when it does not wait for a decision.
        let stillOpen: OpenConflict?
    }

    mutating func audit(
        _ note: ConflictNote, of stored: StoredRecord, before: VersionVector, after: VersionVector
    ) -> Written {
        let written: Written
        let conflict: ConflictID
        let version: Int64
        let content: AuditEntry.Content
        switch note {
        case .opened(let opening):
            conflict = ConflictID(position: changes.nextPosition)
            version = 1
            content = .opened(opening)
            let isWaiting = opening.awaitsDecision
            written = Written(
                unit: opening.unit,
                summary: ConflictSummary(
                    id: conflict, unit: opening.unit.name, policy: ExactString(opening.policy),
                    status: opening.status, winner: opening.winner),
                stillOpen: isWaiting ? OpenConflict(id: conflict, version: 1) : stored.openConflicts[opening.unit])
        case .sidesChanged(let id, let unit, let joined, let dropped):
            conflict = id
            version = (stored.openConflicts[unit]?.version ?? 0) + 1
            content = .sidesChanged(unit: unit, joined: joined, dropped: dropped)
            let policy = decider.settings.schema.rules(for: stored.key.collection)?.policy(of: unit) ?? .manual
            let summary = joined.first { $0.role == .incoming }.map { side in
                ConflictSummary(
                    id: id, unit: unit.name, policy: ExactString(policy.rawValue), status: .open,
                    winner: side.won ? .incoming : .stored)
            }
            written = Written(unit: unit, summary: summary, stillOpen: OpenConflict(id: id, version: version))
        case .superseded(let id, let unit, let event):
            conflict = id
            version = (stored.openConflicts[unit]?.version ?? 0) + 1
            content = .superseded(by: event)
            written = Written(unit: unit, summary: nil, stillOpen: nil)
        }
        changes.append(
            content, to: (conflict, version, stored.key), clocks: (before, after),
            by: AuditAuthor(
                batch: batch.key, device: batch.device, atMilliseconds: batch.receivedAtMilliseconds))
        return written
    }
}
