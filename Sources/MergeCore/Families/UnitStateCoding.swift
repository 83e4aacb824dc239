import Causality
import Values

/// Takes the stored form of one unit's state, element after element.
///
/// The core does not know how elements are spelled. Storage writes events and devices by their places in the record.
public protocol UnitStateWriter {
    /// Takes an event, one element. The events are those that ``MergeFamily/visitEvents(_:)`` visits, in the same
    /// order.
    mutating func event(_ event: Event)
    /// Takes a value, one element.
    mutating func value(_ value: Value)
    /// Takes a whole number, one element.
    mutating func integer(_ integer: Int64)
    /// Takes an event's name, two elements: the device and the counter.
    mutating func dot(_ dot: Dot)
    /// Begins a list, which is one element of what is around it.
    mutating func beginList()
    /// Ends the list that was begun last.
    mutating func endList()
    /// Whether the unit is a field in which the record shows this value. Then ``UnitStateReader/shownValue()`` finds
    /// it, and it need not be written.
    mutating func isShown(_ value: Value) -> Bool
}

/// Gives back what a ``UnitStateWriter`` took.
///
/// `event`, `value`, `integer`, `dot`, `beginList` and `endList` read what comes next. They throw ``UnreadableState``
/// where that is something else, or nothing.
public protocol UnitStateReader {
    /// Whether the list, or the state as a whole, has another element. It is not asked again after a no.
    mutating func hasNext() throws(UnreadableState) -> Bool
    /// Reads an event.
    mutating func event() throws(UnreadableState) -> Event
    /// Reads a value.
    mutating func value() throws(UnreadableState) -> Value
    /// Reads a whole number.
    mutating func integer() throws(UnreadableState) -> Int64
    /// Reads an event's name.
    mutating func dot() throws(UnreadableState) -> Dot
    /// Steps into a list.
    mutating func beginList() throws(UnreadableState)
    /// Steps out of a list that was read to its end.
    mutating func endList() throws(UnreadableState)
    /// The value that the record shows in the unit. No element is read.
    mutating func shownValue() throws(UnreadableState) -> Value
}

/// A stored state is damaged, or a later version wrote it.
public struct UnreadableState: Error, Sendable, Hashable {
    /// Makes the error, which carries nothing.
    public init() {}
}
