import Causality
import Values

/// Takes the stored form of one unit's state, element after element.
///
/// The core does not know how elements are spelled. Storage writes events and devices by their places in the record.
public protocol UnitStateWriter {
    /// One element. The events are those that `MergeFamily.visitEvents(_:)` visits, in the same order.
    mutating func event(_ event: Event)
    mutating func value(_ value: Value)
    mutating func integer(_ integer: Int64)
    /// Two elements: the device and the counter.
    mutating func dot(_ dot: Dot)
    mutating func beginList()
    mutating func endList()
    /// Whether the unit is a field and the record shows this value in it. Then `UnitStateReader.shownValue()` finds it, and it
    /// need not be written.
    mutating func isShown(_ value: Value) -> Bool
}

/// Gives back what a `UnitStateWriter` took. Every method but the first reads what comes next, and throws where that is
/// something else or nothing.
public protocol UnitStateReader {
    /// Whether the list, or the state as a whole, has another element. Not asked again after a no.
    mutating func hasNext() throws(UnreadableState) -> Bool
    mutating func event() throws(UnreadableState) -> Event
    mutating func value() throws(UnreadableState) -> Value
    mutating func integer() throws(UnreadableState) -> Int64
    mutating func dot() throws(UnreadableState) -> Dot
    mutating func beginList() throws(UnreadableState)
    mutating func endList() throws(UnreadableState)
    /// The value that the record shows in the unit. Reads no element.
    mutating func shownValue() throws(UnreadableState) -> Value
}

/// A stored state is damaged, or a later version wrote it.
public struct UnreadableState: Error, Sendable, Hashable {
    public init() {}
}
