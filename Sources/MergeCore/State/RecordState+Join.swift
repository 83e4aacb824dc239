import Causality

extension RecordState {
    /// The least state that includes both: commutative, associative and idempotent (Shapiro et al. 2011, section 2.2).
    ///
    /// An app with two remotes can join what it has from either before it keeps the result; applying operations one by one
    /// gives the same as joining their states. The bound on concurrent values of one unit is kept where operations are
    /// applied, not here. O(n log n) in the size of both.
    public func join(_ other: RecordState) -> RecordState {
        var joined = RecordState(
            clock: clock.union(other.clock), units: units,
            deletion: deletion.join(other.deletion, clock: clock, otherClock: other.clock),
            latestMilliseconds: max(latestMilliseconds, other.latestMilliseconds))
        for (key, theirs) in other.units {
            joined.units[key] = Self.join(units[key] ?? theirs.bottom, theirs, clock, other.clock)
        }
        for (key, mine) in units where other.units[key] == nil {
            joined.units[key] = Self.join(mine, mine.bottom, clock, other.clock)
        }
        return joined
    }

    private static func join(
        _ mine: UnitState, _ theirs: UnitState, _ clock: VersionVector, _ otherClock: VersionVector
    ) -> UnitState {
        switch (mine, theirs) {
        case (.register(let left), .register(let right)):
            return .register(left.join(right, clock: clock, otherClock: otherClock))
        case (.extremum(let left), .extremum(let right)) where left.direction == right.direction:
            return .extremum(left.join(right))
        case (.counter(let left), .counter(let right)):
            return .counter(left.join(right))
        case (.set(let left), .set(let right)):
            return .set(left.join(right, clock: clock, otherClock: otherClock))
        case (.register, _), (.extremum, _), (.counter, _), (.set, _):
            // Written under policies of two families: the one whose family ranks higher stays, and the other side counts as
            // one that holds nothing of it. As every state holds something of one family only, that is the join of all
            // families side by side, of which the highest shows; so the laws hold.
            return mine.familyRank > theirs.familyRank
                ? join(mine, mine.bottom, clock, otherClock) : join(theirs.bottom, theirs, clock, otherClock)
        }
    }
}

extension UnitState {
    /// The state of the same family before any write. A best value has none, so it stands for itself.
    fileprivate var bottom: UnitState {
        switch self {
        case .register: .register(Register())
        case .extremum: self
        case .counter: .counter(CounterTotals())
        case .set: .set(ObservedRemoveSet())
        }
    }

    /// Another one for each family (rule S7 of docs/semantics.md).
    fileprivate var familyRank: Int {
        switch self {
        case .register: 0
        case .extremum(let extremum):
            switch extremum.direction {
            case .smallest: 1
            case .greatest: 2
            }
        case .counter: 3
        case .set: 4
        }
    }
}
