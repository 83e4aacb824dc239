import Causality
import MergeCore
import Values

/// What a record holds by rules U1 to U5 of docs/semantics.md, computed from the whole history. It keeps every event
/// with all that its author had seen, and shares nothing with the merge: no clock is compared, no state is carried from
/// one event to the next.
struct Oracle {
    struct Held: Hashable {
        let value: Value
        let dot: Dot
        let milliseconds: Int64
    }

    let history: History
    /// The events that have arrived; causally closed.
    let arrived: [Int]

    init(_ history: History, arrived: EventSet) {
        self.history = history
        self.arrived = arrived.indices
    }

    private func hasSeen(_ later: Int, _ earlier: Int) -> Bool { history.events[later].past.contains(earlier) }

    // MARK: Units

    /// The units that were written at all.
    var units: Set<UnitKey> {
        Set(
            arrived.flatMap { index -> [UnitKey] in
                guard case .write(let writes) = history.events[index].action else { return [] }
                return writes.map(\.unit)
            })
    }

    /// The write events on a unit.
    private func writers(of unit: UnitKey) -> [Int] {
        arrived.filter { history.events[$0].change(of: unit) != nil }
    }

    private func assigned(_ index: Int, _ unit: UnitKey) -> Value? {
        if case .assign(let value)? = history.events[index].change(of: unit) { value } else { nil }
    }

    /// The events whose value of a unit no later write on it has seen. An immutable unit cannot be overwritten: there the
    /// writes count that had seen no value.
    func holders(of unit: UnitKey) -> [Int] {
        let writers = writers(of: unit)
        if history.rules.policy(of: unit) == .immutable {
            return writers.filter { writer in !writers.contains { hasSeen(writer, $0) } }
        }
        return writers.filter { writer in !writers.contains { hasSeen($0, writer) } }
    }

    func held(in unit: UnitKey) -> Set<Held> {
        Set(
            holders(of: unit).compactMap { index in
                assigned(index, unit).map {
                    Held(value: $0, dot: history.dot(index), milliseconds: history.events[index].milliseconds)
                }
            })
    }

    func sum(of unit: UnitKey) -> Int64 {
        writers(of: unit).reduce(0) { sum, index in
            if case .increment(let amount)? = history.events[index].change(of: unit) { sum + amount } else { sum }
        }
    }

    /// The elements of a set with the additions that nobody has removed, or added again, who had seen them.
    func elements(of unit: UnitKey) -> [Value: Set<Dot>] {
        var elements: [Value: Set<Dot>] = [:]
        for writer in writers(of: unit) {
            guard case .elements(let adding, _)? = history.events[writer].change(of: unit) else { continue }
            for value in adding {
                let isTakenAway = writers(of: unit).contains { later in
                    guard hasSeen(later, writer),
                        case .elements(let adding, let removing)? = history.events[later].change(of: unit)
                    else { return false }
                    return (adding + removing).contains(value)
                }
                if !isTakenAway { elements[value, default: []].insert(history.dot(writer)) }
            }
        }
        return elements
    }

    /// The best integer ever written.
    func best(of unit: UnitKey, _ isBetter: (Int64, Int64) -> Bool) -> Value? {
        var best: Int64?
        for writer in writers(of: unit) {
            guard case .integer(let number)? = assigned(writer, unit) else { continue }
            if best.map({ isBetter(number, $0) }) ?? true { best = number }
        }
        return best.map { .integer($0) }
    }

    func visible(_ unit: UnitKey) -> Value? {
        let ascending = held(in: unit).sorted { left, right in
            if left.milliseconds != right.milliseconds { return left.milliseconds < right.milliseconds }
            return left.dot < right.dot
        }
        switch history.rules.policy(of: unit) {
        case .lww, .manual: return ascending.last?.value
        case .fww, .immutable: return ascending.first?.value
        case .max: return best(of: unit, >)
        case .min: return best(of: unit, <)
        case .counter: return .integer(sum(of: unit))
        case .set: return .array(elements(of: unit).keys.sorted { $0.precedes($1) })
        default: preconditionFailure("the oracle does not know \(history.rules.policy(of: unit))")
        }
    }

    // MARK: Life

    private var deletes: [Int] { arrived.filter { history.events[$0].isDelete } }

    /// The deletes that no later event has seen.
    var standingDeletes: [Int] {
        deletes.filter { delete in !arrived.contains { hasSeen($0, delete) } }
    }

    /// The writes that no delete has seen.
    var unseenWrites: [Int] {
        arrived.filter { write in
            !history.events[write].isDelete && !deletes.contains { hasSeen($0, write) }
        }
    }

    var isDeleted: Bool {
        guard !arrived.isEmpty else { return false }
        return switch history.rules.deletes {
        case .updateWins: unseenWrites.isEmpty
        case .deleteWins: !standingDeletes.isEmpty
        }
    }

    var latestMilliseconds: Int64 { max(0, arrived.map { history.events[$0].milliseconds }.max() ?? 0) }
}

extension Oracle {
    /// How a state differs from what the rules say; nil when it does not.
    func difference(from state: RecordState) -> String? {
        let rules = history.rules
        let known = EventSet(bits: arrived.reduce(0) { $0 | 1 << UInt64($1) })
        if state.clock != history.clock(of: known) { return "clock \(state.clock)" }
        if Set(state.units.keys) != units { return "units \(state.units.keys)" }
        for (unit, stored) in state.units {
            let visible = visible(unit)
            if stored.visible(by: rules.policy(of: unit)) != visible {
                return "\(unit.name) shows \(stored), not \(String(describing: visible))"
            }
            switch stored {
            case .register(let register):
                let content = register.candidates.map {
                    Held(value: $0.value, dot: $0.event.dot, milliseconds: $0.event.stamp.milliseconds)
                }
                if Set(content) != held(in: unit) || content.count != Set(content).count {
                    return "\(unit.name) holds \(content), not \(held(in: unit))"
                }
            case .set(let set):
                let content = Dictionary(uniqueKeysWithValues: set.elements.map { ($0.value, Set($0.dots)) })
                if content != elements(of: unit) { return "\(unit.name) holds \(content)" }
            case .extremum, .counter, .other:
                break
            }
        }
        // The latest write of each device: whoever has seen that has seen its earlier ones.
        let latest = Dictionary(
            unseenWrites.map { ($0, history.dot($0)) }.map { ($1.device, $1) }, uniquingKeysWith: max)
        if Set(state.deletion.writes.map(\.dot)) != Set(latest.values) { return "live writes \(state.deletion.writes)" }
        if Set(state.deletion.deletes.map(\.dot)) != Set(standingDeletes.map(history.dot)) {
            return "standing deletes \(state.deletion.deletes)"
        }
        if state.isDeleted(rules.deletes) != isDeleted { return "deleted: \(!isDeleted), not \(isDeleted)" }
        if state.latestMilliseconds != latestMilliseconds { return "latest stamp \(state.latestMilliseconds)" }
        return nil
    }
}
