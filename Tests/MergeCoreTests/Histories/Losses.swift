import Causality
import MergeCore
import Values

/// What the audit remembers of one record, by unit.
struct AuditedSides {
    private(set) var ofUnits: [UnitKey: [ConflictSide]] = [:]
    private(set) var ofDeletes: [ConflictSide] = []
    /// The sides of each unit's conflict that waits for a decision, as its entries add up.
    private(set) var open: [UnitKey: [ConflictSide]] = [:]

    init(_ audit: [AuditEntry]) {
        var units: [ConflictID: UnitKey] = [:]
        for entry in audit {
            switch entry.content {
            case .opened(let opening):
                units[entry.conflict] = opening.unit
                if opening.kind == .deleteWrite {
                    ofDeletes += opening.sides
                } else {
                    ofUnits[opening.unit, default: []] += opening.sides
                    if opening.awaitsDecision { open[opening.unit] = opening.sides }
                }
            case .sidesChanged(_, let joined, let dropped):
                guard let unit = units[entry.conflict] else { continue }
                ofUnits[unit, default: []] += joined
                open[unit]?.removeAll { dropped.contains($0.event.dot) }
                open[unit]? += joined
            case .superseded, .resolved:
                if let unit = units[entry.conflict] { open[unit] = nil }
            case .commented, .assigned: break
            }
        }
    }

    /// Whether a value is remembered: as a side of its unit's conflict, or within a write that met a delete.
    func remember(_ value: Value, of unit: UnitKey) -> Bool {
        sides(with: value, of: unit).first != nil
    }

    func rememberAsLoser(_ value: Value, of unit: UnitKey) -> Bool {
        sides(with: value, of: unit).contains { !$0.won }
    }

    private func sides(with value: Value, of unit: UnitKey) -> [ConflictSide] {
        let own = (ofUnits[unit] ?? []).filter { $0.value == value }
        let withDeletes = ofDeletes.filter { side in
            guard case .object(let object)? = side.value else { return false }
            return unit.fields(of: value).allSatisfy { object[$0.0] == $0.1 }
        }
        return own + withDeletes
    }

    func rememberDelete(_ dot: Dot) -> Bool {
        ofDeletes.contains { $0.value == nil && !$0.won && $0.event.dot == dot }
    }

    func rememberHidden(_ unit: UnitKey, by dot: Dot) -> Bool {
        ofDeletes.contains { side in
            guard case .object(let object)? = side.value, !side.won else { return false }
            return side.event.dot.device == dot.device && side.event.dot.counter >= dot.counter
                && object[unit.name] != nil
        }
    }
}

extension Oracle {
    /// The values that no later write has seen and that do not show (rule N1 of docs/semantics.md): from the whole
    /// history, so that they are the same in whatever order the events came.
    var losers: [(unit: UnitKey, value: Value)] {
        let isDeleted = isDeleted
        return units.flatMap { unit -> [(unit: UnitKey, value: Value)] in
            guard history.rules.policy(of: unit).registerRule != nil else { return [] }
            let shown = visible(unit)
            return holders(of: unit).compactMap { holder in
                guard case .assign(let value)? = history.events[holder].change(of: unit) else { return nil }
                let isLost = isDeleted ? !isCoveredByDelete(holder) : value != shown
                return isLost ? (unit, value) : nil
            }
        }
    }

    /// Whether a delete that stands had seen the event.
    private func isCoveredByDelete(_ index: Int) -> Bool {
        standingDeletes.contains { history.events[$0].past.contains(index) }
    }

    /// What was lost without a trace; nil when nothing was.
    func silentLoss(in tenant: Tenant) -> String? {
        let sides = AuditedSides(tenant.audit)
        for loser in losers {
            if !sides.remember(loser.value, of: loser.unit) {
                return "\(loser.unit.name) = \(loser.value) is lost silently"
            }
            let isOpen = !isDeleted && history.rules.policy(of: loser.unit) == .manual
            if !isOpen, !sides.rememberAsLoser(loser.value, of: loser.unit) {
                return "\(loser.unit.name) = \(loser.value) lost, and no conflict says so"
            }
        }
        if !isDeleted {
            for delete in standingDeletes where !sides.rememberDelete(history.dot(delete)) {
                return "the delete \(history.dot(delete)) is lost silently"
            }
        }
        return hiddenLoss(sides) ?? openConflictFailure(sides, tenant)
    }

    /// An increment or a set change that a delete hides without having seen it.
    private func hiddenLoss(_ sides: AuditedSides) -> String? {
        guard isDeleted else { return nil }
        for write in unseenWrites {
            for unit in units {
                let isHeld =
                    switch history.events[write].change(of: unit) {
                    case .increment: true
                    case .elements: elements(of: unit).values.contains { $0.contains(history.dot(write)) }
                    case .assign, .edit, nil: false
                    }
                if isHeld, !sides.rememberHidden(unit, by: history.dot(write)) {
                    return "\(unit.name) of \(history.dot(write)) is hidden silently"
                }
            }
        }
        return nil
    }

    /// A conflict that waits has exactly the values that stand beside one another as its sides.
    private func openConflictFailure(_ sides: AuditedSides, _ tenant: Tenant) -> String? {
        for unit in units where history.rules.policy(of: unit) == .manual {
            let values = Set(held(in: unit).map(\.value))
            let expected = values.count > 1 ? values : []
            let found = sides.open[unit] ?? []
            if Set(found.map(\.value)) != Set(expected.map(Optional.some)) || found.count != expected.count {
                return "the open conflict on \(unit.name) has the sides \(found.map(\.value)), not \(expected)"
            }
            if (tenant.record?.openConflicts[unit] != nil) != (values.count > 1) {
                return "the record and the audit differ about the open conflict on \(unit.name)"
            }
        }
        return nil
    }
}
