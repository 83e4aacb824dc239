import Causality

/// The states of a record's units, sorted by unit, each unit once.
///
/// Operations write units in this order and stores keep them in it, so one pass over both meets every unit where it
/// expects it; a hash table would be made anew for every record that is read.
public struct UnitStates: Sendable, Hashable {
    private struct Entry: Sendable, Hashable {
        let unit: UnitKey
        var state: UnitState
    }

    private var entries: [Entry] = []

    public init() {}

    /// Takes states in any order; of several of one unit the last counts. O(n) when they are sorted already.
    public init(_ unordered: some Sequence<(key: UnitKey, value: UnitState)>) {
        entries.reserveCapacity(unordered.underestimatedCount)
        for (unit, state) in unordered { self[unit] = state }
    }

    public var keys: [UnitKey] { entries.map(\.unit) }
    public var values: [UnitState] { entries.map(\.state) }

    /// O(log n) to read and to replace, O(n) to insert before others.
    public subscript(unit: UnitKey) -> UnitState? {
        get {
            let position = position(of: unit)
            return has(unit, at: position) ? entries[position].state : nil
        }
        set {
            if let state = newValue, entries.last.map({ $0.unit < unit }) ?? true {
                entries.append(Entry(unit: unit, state: state))
                return
            }
            var position = position(of: unit)
            update(unit, near: &position) { $0 = newValue }
        }
    }

    public mutating func reserveCapacity(_ count: Int) { entries.reserveCapacity(count) }

    /// The state of a unit for one who asks for unit after unit in their order: O(1) where the units asked for are those
    /// that are here.
    /// - Parameter position: where the unit is expected; where the next one is, after the call.
    func state(of unit: UnitKey, near position: inout Int) -> UnitState? {
        if !has(unit, at: position) { position = self.position(of: unit) }
        guard has(unit, at: position) else { return nil }
        position += 1
        return entries[position - 1].state
    }

    /// Changes the state of a unit in its place; nil stands for a unit without any.
    /// - Parameter position: as in `state(of:near:)`.
    mutating func update<Result>(
        _ unit: UnitKey, near position: inout Int, _ change: (inout UnitState?) -> Result
    ) -> Result {
        if !has(unit, at: position) { position = self.position(of: unit) }
        let isHere = has(unit, at: position)
        var state = isHere ? entries[position].state : nil
        let result = change(&state)
        switch (isHere, state) {
        case (true, let state?): entries[position].state = state
        case (true, nil): entries.remove(at: position)
        case (false, let state?): entries.insert(Entry(unit: unit, state: state), at: position)
        case (false, nil): return result
        }
        if state != nil { position += 1 }
        return result
    }

    private func has(_ unit: UnitKey, at position: Int) -> Bool {
        position < entries.count && entries[position].unit == unit
    }

    /// The first position whose unit is not before the given one.
    private func position(of unit: UnitKey) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].unit < unit { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension UnitStates: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { entries.count }
    public subscript(position: Int) -> (key: UnitKey, value: UnitState) {
        (entries[position].unit, entries[position].state)
    }
}

extension UnitStates: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (UnitKey, UnitState)...) {
        self.init(elements.map { (key: $0.0, value: $0.1) })
    }
}
