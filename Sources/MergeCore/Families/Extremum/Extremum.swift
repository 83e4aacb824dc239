import Causality
import Values

/// The state of `max` and `min`: the best value that was ever written. It is a semilattice by itself (Shapiro et al.
/// 2011, section 2.2), so neither causality nor stamps matter to it.
public struct Extremum: Sendable, Hashable {
    /// Which value is the best: the `greatest` under `max`, the `smallest` under `min`.
    public enum Direction: Sendable, Hashable { case greatest, smallest }

    /// Which value is the best.
    public let direction: Direction
    /// The best value that was written.
    public let value: Value
    /// The event that wrote the value; of several that wrote it, the one with the smallest stamp.
    public let event: Event
    let valueWeight: Int

    public init(direction: Direction, value: Value, event: Event) {
        self.direction = direction
        self.value = value
        self.event = event
        valueWeight = value.weight
    }

    /// The better of two states that have one direction. Of two equal values the event with the smaller stamp stands.
    public func join(_ other: Extremum) -> Extremum {
        if value == other.value { return event.stamp < other.event.stamp ? self : other }
        return isBettered(by: other.value) ? other : self
    }

    /// Whether a candidate is better than the value. Equal values are not better than one another.
    public func isBettered(by candidate: Value) -> Bool {
        switch direction {
        case .greatest: value.precedes(candidate)
        case .smallest: candidate.precedes(value)
        }
    }
}
