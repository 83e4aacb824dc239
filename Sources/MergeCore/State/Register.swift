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

    /// Sorted by stamp, the smallest first.
    public private(set) var candidates: [Candidate]

    public init(_ unordered: [Candidate] = []) {
        candidates = unordered.sorted { $0.event.stamp < $1.event.stamp }
    }

    /// The value that shows, by the rule; nil in an empty register.
    public func visible(by rule: RegisterRule) -> Candidate? {
        switch rule.visible {
        case .greatestStamp: candidates.last
        case .smallestStamp: candidates.first
        }
    }

    /// The candidates of the values other than the visible one: for each value the one with the greatest stamp, in the
    /// order of stamps. O(n²) in the number of candidates, which is bounded.
    public func siblings(by rule: RegisterRule) -> [Candidate] {
        guard let shown = visible(by: rule) else { return [] }
        return distinct.filter { $0.value != shown.value }
    }

    /// For each value the candidate with the greatest stamp, in the order of stamps.
    public var distinct: [Candidate] {
        var kept: [Candidate] = []
        for candidate in candidates.reversed() where !kept.contains(where: { $0.value == candidate.value }) {
            kept.append(candidate)
        }
        return kept.reversed()
    }

    /// Takes out the values that the context covers: a write has seen them.
    /// - Returns: what was taken out.
    mutating func drop(seenBy context: VersionVector) -> [Candidate] {
        let dropped = candidates.filter { context.contains($0.event.dot) }
        if !dropped.isEmpty { candidates.removeAll { context.contains($0.event.dot) } }
        return dropped
    }

    /// Puts a value in. If there are more than `limit` then, the value that is farthest from showing leaves; it is in the
    /// audit, because it lost when it met the visible one.
    mutating func insert(_ candidate: Candidate, limit: Int, rule: RegisterRule) {
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
