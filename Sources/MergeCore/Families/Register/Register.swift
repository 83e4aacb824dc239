import Causality
import Values

/// A multi-value register: the values of one unit that no later write has seen (Shapiro et al. 2011, section 3.2.2).
///
/// A register holds one value unless writes were concurrent.
public struct Register: Sendable, Hashable {
    /// One of the values, with the event that wrote it.
    public struct Candidate: Sendable, Hashable {
        /// What was written.
        public let value: Value
        /// The event that wrote it.
        public let event: Event
        // The weight and the fingerprint take four bytes each, as nearly every field of every record has a candidate.
        private let storedWeight: UInt32
        /// The fingerprint of the value. It is made when the value comes to stand beside another one, and is 0 until
        /// then.
        private var fingerprint: UInt32 = 0

        public init(value: Value, event: Event) {
            self.value = value
            self.event = event
            storedWeight = UInt32(clamping: value.weight)
        }

        /// The bytes of the value, as in `Value.weight`.
        var weight: Int { Int(storedWeight) }

        fileprivate func fingerprinted() -> Candidate {
            guard fingerprint == 0 else { return self }
            var copy = self
            copy.fingerprint = max(UInt32(truncatingIfNeeded: value.fingerprint), 1)
            return copy
        }

        /// Whether the values are the same. O(1) for nearly all that are not, where both stand beside other values.
        func hasSameValue(as other: Candidate, by equality: UnitEquality) -> Bool {
            if fingerprint != 0, other.fingerprint != 0, fingerprint != other.fingerprint { return false }
            return equality.areSame(value, other.value)
        }

        public static func == (left: Candidate, right: Candidate) -> Bool {
            left.event == right.event && left.value == right.value
        }

        public func hash(into hasher: inout Hasher) {
            hasher.combine(event)
            hasher.combine(value)
        }
    }

    /// There is one form for each content: nearly all registers hold one value, and need no list for it.
    private enum Content: Sendable, Hashable {
        case nothing
        case one(Candidate)
        /// Two or more, sorted by stamp, the smallest first.
        case several([Candidate])
    }

    private var content: Content

    /// Takes candidates in any order. O(n log n).
    public init(_ unordered: [Candidate] = []) {
        content = Self.content(ofSorted: unordered.count < 2 ? unordered : unordered.sorted(by: Self.precedes))
    }

    /// A register of one value.
    public init(_ only: Candidate) {
        content = .one(only)
    }

    private static func content(ofSorted candidates: [Candidate]) -> Content {
        guard let first = candidates.first else { return .nothing }
        return candidates.count == 1 ? .one(first) : .several(candidates.map { $0.fingerprinted() })
    }

    private static func precedes(_ left: Candidate, _ right: Candidate) -> Bool { left.event.stamp < right.event.stamp }

    /// The candidates sorted by stamp, the smallest first.
    public var candidates: [Candidate] {
        switch content {
        case .nothing: []
        case .one(let only): [only]
        case .several(let candidates): candidates
        }
    }

    /// The number of candidates.
    public var count: Int {
        switch content {
        case .nothing: 0
        case .one: 1
        case .several(let candidates): candidates.count
        }
    }

    /// Whether the register holds no value.
    public var isEmpty: Bool { count == 0 }

    /// The value of a register that holds exactly one.
    public var only: Candidate? {
        if case .one(let only) = content { only } else { nil }
    }

    /// O(number of values): each value was weighed when it came.
    public func weigh(into weight: inout UnitWeight, of unit: UnitKey) {
        switch content {
        case .nothing: break
        case .one(let only):
            weight.values += only.weight
            weight.events += only.event.weight
            weight.fields = only.value.fieldCount(in: unit)
        case .several(let candidates):
            for candidate in candidates {
                weight.values += candidate.weight
                weight.events += candidate.event.weight
                weight.fields = max(weight.fields, candidate.value.fieldCount(in: unit))
            }
        }
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
    /// order of stamps. O(n²) comparisons of fingerprints in the number of candidates, which is bounded.
    public func siblings(by rule: RegisterRule, _ equality: UnitEquality) -> [Candidate] {
        guard count > 1, let shown = visible(by: rule) else { return [] }
        return distinct(by: equality).filter { !$0.hasSameValue(as: shown, by: equality) }
    }

    /// The candidate with the greatest stamp for each value, in the order of stamps.
    public func distinct(by equality: UnitEquality) -> [Candidate] {
        guard case .several(let candidates) = content else { return candidates }
        var kept: [Candidate] = []
        for candidate in candidates.reversed()
        where !kept.contains(where: { $0.hasSameValue(as: candidate, by: equality) }) {
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

    /// Puts a value in. If the register then holds more than `limit`, the value that is farthest from showing leaves.
    /// It is in the audit, because it lost when it met the visible one.
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
    public func join(_ other: Register, clock: VersionVector, otherClock: VersionVector) -> Register {
        let mine = Set(candidates.map(\.event.dot))
        let theirs = Set(other.candidates.map(\.event.dot))
        return Register(
            candidates.filter { theirs.contains($0.event.dot) || !otherClock.contains($0.event.dot) }
                + other.candidates.filter { !mine.contains($0.event.dot) && !clock.contains($0.event.dot) })
    }
}

extension Value {
    /// How many fields a unit with this value shows.
    fileprivate func fieldCount(in unit: UnitKey) -> Int {
        switch (unit, self) {
        case (.group, .object(let object)), (.record, .object(let object)): object.count
        case (.field, _), (.group, _), (.record, _): 1
        }
    }
}
