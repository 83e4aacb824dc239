import Causality

/// The states of a record's units, sorted by unit, each unit once.
///
/// Operations write units in this order and stores keep them in it, so one pass over both meets every unit where it
/// expects it. A hash table would be made anew for every record that is read. A copy in which a unit is changed shares
/// nearly all other units with the one it was copied from (`SortedChunks`).
public struct UnitStates: Sendable {
    struct Entry: KeyedElement, Hashable {
        let unit: UnitKey
        var state: UnitState

        var key: UnitKey { unit }

        static func precedes(_ left: UnitKey, _ right: UnitKey) -> Bool { left < right }
    }

    private(set) var entries = SortedChunks<Entry>()
    /// The weight of all units together, kept up with every change.
    public private(set) var weight = UnitWeight()

    /// A record without units.
    public init() {}

    /// Takes states in any order; of several of one unit the last counts. O(n) when they are sorted already, else O(n
    /// log n).
    public init(_ unordered: some Sequence<(key: UnitKey, value: UnitState)>) {
        entries = SortedChunks(unordered.lazy.map { Entry(unit: $0.key, state: $0.value) })
        for entry in entries { weight += entry.state.weight(of: entry.unit) }
    }

    /// The units in their order, each once.
    public var keys: some Sequence<UnitKey> { entries.lazy.map(\.unit) }

    /// The state of a unit; nil where the record has none. O(log n) to find; a change copies at most a chunk of 64
    /// units and, where the states are shared, the list of chunks.
    public subscript(unit: UnitKey) -> UnitState? {
        get { entries.element(of: unit)?.state }
        set {
            if let state = newValue, entries.last.map({ $0.unit < unit }) ?? true {
                entries.append(Entry(unit: unit, state: state))
                weight += state.weight(of: unit)
                return
            }
            var position: Position? = nil
            update(unit, near: &position) { $0 = newValue }
        }
    }

    /// Makes room for units that will be set in their order.
    public mutating func reserveCapacity(_ count: Int) { entries.reserveCapacity(count) }

    /// Where a unit stands, for a caller that asks for unit after unit in their order. nil is the first place.
    struct Position {
        fileprivate var place: SortedChunks<Entry>.Position
    }

    /// The state of a unit: O(1) where the units asked for one after the other are those that are here.
    /// - Parameter position: where the unit is expected; where the next one is, after the call.
    func state(of unit: UnitKey, near position: inout Position?) -> UnitState? {
        let place = place(of: unit, near: position)
        guard entries.has(unit, at: place) else {
            position = Position(place: place)
            return nil
        }
        position = Position(place: entries.position(after: place))
        return entries[place].state
    }

    /// Changes the state of a unit in its place; nil stands for a unit without any.
    /// - Parameter position: as in `state(of:near:)`.
    @discardableResult
    mutating func update<Result>(
        _ unit: UnitKey, near position: inout Position?, _ change: (inout UnitState?) -> Result
    ) -> Result {
        let place = place(of: unit, near: position)
        let isHere = entries.has(unit, at: place)
        var state = isHere ? entries[place].state : nil
        if let state { weight -= state.weight(of: unit) }
        let result = change(&state)
        if let state { weight += state.weight(of: unit) }
        position = Position(place: place)
        switch (isHere, state) {
        case (true, let state?):
            entries.replace(at: place, with: Entry(unit: unit, state: state))
            position = Position(place: entries.position(after: place))
        case (true, nil): entries.remove(at: place)
        case (false, let state?): entries.insert(Entry(unit: unit, state: state), at: place)
        case (false, nil): break
        }
        return result
    }

    private func place(of unit: UnitKey, near position: Position?) -> SortedChunks<Entry>.Position {
        let expected = position?.place ?? entries.start
        return entries.has(unit, at: expected) ? expected : entries.position(of: unit)
    }
}

extension UnitStates: Hashable {
    public static func == (left: UnitStates, right: UnitStates) -> Bool { left.entries == right.entries }

    public func hash(into hasher: inout Hasher) { hasher.combine(entries) }
}

extension UnitStates: Sequence {
    public struct Iterator: IteratorProtocol {
        private var entries: SortedChunks<Entry>.Iterator

        fileprivate init(_ entries: SortedChunks<Entry>.Iterator) { self.entries = entries }

        public mutating func next() -> (key: UnitKey, value: UnitState)? {
            entries.next().map { ($0.unit, $0.state) }
        }
    }

    public func makeIterator() -> Iterator { Iterator(entries.makeIterator()) }

    /// The number of units.
    public var count: Int { entries.count }
    /// Whether the record has no units.
    public var isEmpty: Bool { entries.isEmpty }
    public var underestimatedCount: Int { entries.count }
}

extension UnitStates: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (UnitKey, UnitState)...) {
        self.init(elements.map { (key: $0.0, value: $0.1) })
    }
}
