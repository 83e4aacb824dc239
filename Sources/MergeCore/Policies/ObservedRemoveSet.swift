import Causality

/// The state of `set`: each element with the events that added it and that no removal has seen
/// (the optimised observed-remove set of Bieniusa et al. 2012).
///
/// A removal takes out only the additions it had seen, so an addition that is concurrent to it stays.
public struct ObservedRemoveSet: Sendable, Hashable {
    public struct Element: Sendable, Hashable {
        public let value: Value
        /// Sorted, never empty.
        public let dots: [Dot]

        public init(value: Value, dots: [Dot]) {
            self.value = value
            self.dots = dots.sorted()
        }
    }

    /// In the total order of values, each value once.
    public private(set) var elements: [Element]

    public init(_ elements: [Element] = []) {
        self.elements = elements.sorted { $0.value.precedes($1.value) }
    }

    /// The elements in canonical order, as they are sent.
    public var values: [Value] { elements.map(\.value) }

    /// The removals first, then the additions: what an operation adds, its own removals have not seen.
    /// O(n log n) in the number of elements.
    func changing(adding: [Value], removing: [Value], at dot: Dot, context: VersionVector) -> ObservedRemoveSet {
        var dotsByValue = Dictionary(uniqueKeysWithValues: elements.map { ($0.value, $0.dots) })
        for value in removing + adding {
            dotsByValue[value]?.removeAll { context.contains($0) }
        }
        for value in adding where dotsByValue[value]?.contains(dot) != true {
            dotsByValue[value, default: []].append(dot)
        }
        return ObservedRemoveSet(
            dotsByValue.filter { !$0.value.isEmpty }.map { Element(value: $0.key, dots: $0.value) })
    }

    func join(_ other: ObservedRemoveSet, clock: VersionVector, otherClock: VersionVector) -> ObservedRemoveSet {
        let mine = Dictionary(uniqueKeysWithValues: elements.map { ($0.value, $0.dots) })
        let theirs = Dictionary(uniqueKeysWithValues: other.elements.map { ($0.value, $0.dots) })
        var joined: [Element] = []
        for value in Set(mine.keys).union(theirs.keys) {
            let left = mine[value] ?? []
            let right = theirs[value] ?? []
            let dots =
                left.filter { right.contains($0) || !otherClock.contains($0) }
                + right.filter { !left.contains($0) && !clock.contains($0) }
            if !dots.isEmpty { joined.append(Element(value: value, dots: dots)) }
        }
        return ObservedRemoveSet(joined)
    }
}
