import Causality
import Values

/// The state of `max` and `min`: the best value that was ever written. A semilattice by itself, so that neither causality
/// nor stamps matter to it.
public struct Extremum: Sendable, Hashable {
    public enum Direction: Sendable, Hashable { case greatest, smallest }

    public let direction: Direction
    public let value: Value
    /// The event that wrote it; of several that wrote the same value, the one with the smallest stamp.
    public let event: Event
    let valueWeight: Int

    public init(direction: Direction, value: Value, event: Event) {
        self.direction = direction
        self.value = value
        self.event = event
        valueWeight = value.weight
    }

    /// The better of the two, which are of one direction.
    public func join(_ other: Extremum) -> Extremum {
        if value == other.value { return event.stamp < other.event.stamp ? self : other }
        return isBettered(by: other.value) ? other : self
    }

    public func isBettered(by candidate: Value) -> Bool {
        switch direction {
        case .greatest: value.precedes(candidate)
        case .smallest: candidate.precedes(value)
        }
    }
}
