import Causality

/// A multi-value register: the values of one unit that no later write has seen (Shapiro et al. 2011, section 3.2.2).
///
/// Holds one value unless writes were concurrent.
public struct Register: Sendable, Hashable {
    public struct Candidate: Sendable, Hashable {
        public let value: Value
        public let event: Event

        public init(value: Value, event: Event) {
            self.value = value
            self.event = event
        }
    }

    /// One form for each content: nearly all registers hold one value, and need no list for it.
    private enum Content: Sendable, Hashable {
        case nothing
        case one(Candidate)
        /// Two or more, sorted by stamp, the smallest first.
        case several([Candidate])
    }

    private var content: Content

    public init(_ unordered: [Candidate] = []) {
        content = Self.content(ofSorted: unordered.count < 2 ? unordered : unordered.sorted(by: Self.precedes))
    }

    /// A register of one value.
    public init(_ only: Candidate) {
        content = .one(only)
    }

    private static func content(ofSorted candidates: [Candidate]) -> Content {
        guard let first = candidates.first else { return .nothing }
        return candidates.count == 1 ? .one(first) : .several(candidates)
    }

    private static func precedes(_ left: Candidate, _ right: Candidate) -> Bool { left.event.stamp < right.event.stamp }

    /// Sorted by stamp, the smallest first.
    public var candidates: [Candidate] {
        switch content {
        case .nothing: []
        case .one(let only): [only]
        case .several(let candidates): candidates
        }
    }

    public var count: Int {
        switch content {
        case .nothing: 0
        case .one: 1
        case .several(let candidates): candidates.count
        }
    }

    public var isEmpty: Bool { count == 0 }

    /// The value of a register that holds one.
    public var only: Candidate? {
        if case .one(let only) = content { only } else { nil }
    }

    /// The value that shows, by the rule; nil in an empty register.
    public func visible(by rule: RegisterRule) -> Candidate? {
        switch content {
        case .nothing: nil
        case .one(let only): only
        case .several(let candidates):
            switch rule.visible {
            case .greatestStamp: candidates.last
            case .smallestStamp: candidates.first
            }
        }
    }

    /// Whether one of the values was seen.
    func holdsValue(seenBy context: VersionVector) -> Bool {
        candidates.contains { context.contains($0.event.dot) }
    }

    /// The candidates of the values other than the visible one: for each value the one with the greatest stamp, in the
    /// order of stamps. O(n²) in the number of candidates, which is bounded.
    public func siblings(by rule: RegisterRule) -> [Candidate] {
        guard count > 1, let shown = visible(by: rule) else { return [] }
        return distinct.filter { $0.value != shown.value }
    }

    /// For each value the candidate with the greatest stamp, in the order of stamps.
    public var distinct: [Candidate] {
        guard case .several(let candidates) = content else { return candidates }
        var kept: [Candidate] = []
        for candidate in candidates.reversed() where !kept.contains(where: { $0.value == candidate.value }) {
            kept.append(candidate)
        }
        return kept.reversed()
    }

    /// Takes out the values that the context covers: a write has seen them.
    /// - Returns: what was taken out.
    mutating func drop(seenBy context: VersionVector) -> Register {
        switch content {
        case .nothing: return Register()
        case .one(let only): return context.contains(only.event.dot) ? dropAll() : Register()
        case .several(let candidates):
            var dropped: [Candidate] = []
            var kept: [Candidate] = []
            for candidate in candidates {
                if context.contains(candidate.event.dot) { dropped.append(candidate) } else { kept.append(candidate) }
            }
            content = Self.content(ofSorted: kept)
            return Register(dropped)
        }
    }

    /// Takes out all values.
    /// - Returns: what was taken out.
    mutating func dropAll() -> Register {
        let dropped = self
        content = .nothing
        return dropped
    }

    /// Puts a value in. If there are more than `limit` then, the value that is farthest from showing leaves; it is in the
    /// audit, because it lost when it met the visible one.
    mutating func insert(_ candidate: Candidate, limit: Int, rule: RegisterRule) {
        guard !isEmpty else {
            content = .one(candidate)
            return
        }
        var candidates = candidates
        defer { content = Self.content(ofSorted: candidates) }
        let position = candidates.firstIndex { candidate.event.stamp < $0.event.stamp } ?? candidates.endIndex
        candidates.insert(candidate, at: position)
        guard candidates.count > limit else { return }
        switch rule.visible {
        case .greatestStamp: candidates.removeFirst()
        case .smallestStamp: candidates.removeLast()
        }
    }

    /// The join of dotted stores under their causal contexts (Almeida et al. 2018, section 4): a value stays if both have
    /// it, or if the side without it has never heard of its event.
    func join(_ other: Register, clock: VersionVector, otherClock: VersionVector) -> Register {
        let mine = Set(candidates.map(\.event.dot))
        let theirs = Set(other.candidates.map(\.event.dot))
        return Register(
            candidates.filter { theirs.contains($0.event.dot) || !otherClock.contains($0.event.dot) }
                + other.candidates.filter { !mine.contains($0.event.dot) && !clock.contains($0.event.dot) })
    }
}
