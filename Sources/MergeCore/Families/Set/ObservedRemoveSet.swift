import Causality
import Values

/// The state of `set`: each element with the events that added it and that no removal has seen (the optimised
/// observed-remove set of Bieniusa et al. 2012).
///
/// A removal takes out only the additions that its author had seen, so an addition that is concurrent to it stays. A
/// changed copy shares nearly all elements with the one it was copied from (`SortedChunks`).
public struct ObservedRemoveSet: Sendable {
    /// One element of the set.
    public struct Element: Sendable, Hashable {
        /// The element itself.
        public let value: Value
        /// The events that added it, sorted and never empty.
        public let dots: [Dot]
        /// The bytes of the value, as in `UnitWeight.values`.
        let weight: Int

        public init(value: Value, dots: [Dot]) {
            self.value = value
            self.dots = dots.count < 2 ? dots : dots.sorted()
            weight = value.weight + WeightOf.comma + dots.count * WeightOf.dot
        }

        private init(_ value: Value, weight: Int, dots: [Dot]) {
            self.value = value
            self.dots = dots.count < 2 ? dots : dots.sorted()
            self.weight = weight
        }

        /// The same value with other events. The value is not weighed again.
        fileprivate func with(_ dots: [Dot]) -> Element {
            Element(value, weight: weight + (dots.count - self.dots.count) * WeightOf.dot, dots: dots)
        }
    }

    private(set) var chunks: SortedChunks<Element>
    /// The sum of the elements' weights.
    private(set) var weight: Int

    /// Takes elements in any order; of several of one value the last counts. O(n) where they are sorted already, else
    /// O(n log n).
    public init(_ elements: [Element] = []) {
        chunks = SortedChunks(elements)
        weight = chunks.reduce(0) { $0 + $1.weight }
    }

    /// The number of elements.
    public var count: Int { chunks.count }

    /// The elements in the total order of values, each value once.
    public var elements: some Sequence<Element> { chunks }

    /// The elements' values in canonical order, as they are sent. O(n).
    public var values: [Value] { chunks.map(\.value) }

    /// Whether the set shows the value. O(log n).
    public func contains(_ value: Value) -> Bool { chunks.element(of: value) != nil }

    /// How many elements there will be after a change. O(k log n) in the number k of values that the change names.
    func count(adding: [Value], removing: [Value], context: VersionVector) -> Int {
        let added = Set(adding)
        let gone = Set(removing).count { value in
            guard !added.contains(value), let element = chunks.element(of: value) else { return false }
            return element.dots.allSatisfy(context.contains)
        }
        return count - gone + added.count { !contains($0) }
    }

    /// Takes the removals first, then the additions. So an operation's own removals have not seen what it adds. O(k log
    /// n) in the number k of values that the change names; where the set is shared, what is copied comes on top.
    mutating func change(adding: [Value], removing: [Value], at dot: Dot, context: VersionVector) {
        for value in removing {
            let position = chunks.position(of: value)
            guard chunks.has(value, at: position) else { continue }
            let element = chunks[position]
            put(element.with(element.dots.filter { !context.contains($0) }), at: position)
        }
        for value in adding {
            let position = chunks.position(of: value)
            guard chunks.has(value, at: position) else {
                let element = Element(value: value, dots: [dot])
                weight += element.weight
                chunks.insert(element, at: position)
                continue
            }
            let element = chunks[position]
            var dots = element.dots.filter { !context.contains($0) }
            if !dots.contains(dot) { dots.append(dot) }
            put(element.with(dots), at: position)
        }
    }

    /// Puts an element in the place of the one of the same value; without events it is no element any more.
    private mutating func put(_ element: Element, at position: SortedChunks<Element>.Position) {
        weight -= chunks[position].weight
        if element.dots.isEmpty {
            chunks.remove(at: position)
        } else {
            weight += element.weight
            chunks.replace(at: position, with: element)
        }
    }

    /// Keeps an addition if both sets have it, or if the set without it has never heard of its event (Almeida et al.
    /// 2018, section 4). O(n + m) in the elements of both.
    public func join(_ other: ObservedRemoveSet, clock: VersionVector, otherClock: VersionVector) -> ObservedRemoveSet {
        var joined: [Element] = []
        var mine = chunks.makeIterator()
        var theirs = other.chunks.makeIterator()
        var left = mine.next()
        var right = theirs.next()
        while left != nil || right != nil {
            let value: Value
            var leftDots: [Dot] = []
            var rightDots: [Dot] = []
            if let one = left, right.map({ !$0.value.precedes(one.value) }) ?? true {
                value = one.value
                leftDots = one.dots
                if let two = right, two.value == value {
                    rightDots = two.dots
                    right = theirs.next()
                }
                left = mine.next()
            } else if let two = right {
                value = two.value
                rightDots = two.dots
                right = theirs.next()
            } else {
                break
            }
            let dots =
                leftDots.filter { rightDots.contains($0) || !otherClock.contains($0) }
                + rightDots.filter { !leftDots.contains($0) && !clock.contains($0) }
            if !dots.isEmpty { joined.append(Element(value: value, dots: dots)) }
        }
        return ObservedRemoveSet(joined)
    }
}

extension ObservedRemoveSet: Hashable {
    public static func == (left: ObservedRemoveSet, right: ObservedRemoveSet) -> Bool { left.chunks == right.chunks }

    public func hash(into hasher: inout Hasher) { hasher.combine(chunks) }
}

extension ObservedRemoveSet.Element: KeyedElement {
    var key: Value { value }

    static func precedes(_ left: Value, _ right: Value) -> Bool { left.precedes(right) }
}
