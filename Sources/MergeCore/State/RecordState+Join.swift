import Causality

extension RecordState {
    /// The least state that includes both: commutative, associative and idempotent (rule U7; Shapiro et al. 2011,
    /// section 2.2).
    ///
    /// An app with two remotes can join what it has from either before it keeps the result. Applying operations one by
    /// one gives the same as joining their states. The bound on concurrent values of one unit (rule U6) is kept where
    /// operations are applied, not here. O(n log n) in the size of both.
    public func join(_ other: RecordState) -> RecordState {
        var joined = RecordState(
            clock: clock.union(other.clock), units: units,
            deletion: deletion.join(other.deletion, clock: clock, otherClock: other.clock),
            latestMilliseconds: max(latestMilliseconds, other.latestMilliseconds))
        for (key, theirs) in other.units {
            joined.units[key] =
                units[key]?.join(theirs, clock: clock, otherClock: other.clock)
                ?? theirs.joinedFromNothing(clock, other.clock)
        }
        for (key, mine) in units where other.units[key] == nil {
            joined.units[key] = mine.join(nil, clock: clock, otherClock: other.clock)
        }
        return joined
    }
}
