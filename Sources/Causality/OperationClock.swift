/// An operation's clock, taken apart into the event that the operation is and the events that its author had seen.
///
/// On the wire the two are one version vector, `clock = context ∪ dot`. A device always knows its own events. So the
/// context is the clock with the author's entry lowered by one.
public struct OperationClock: Sendable, Hashable {
    /// The event that the operation is.
    public let dot: Dot
    /// The events that the author had seen, its own earlier ones among them.
    public let context: VersionVector

    /// Takes a clock apart. O(n).
    /// - Parameters:
    ///   - clock: the clock as it was sent.
    ///   - device: the author.
    /// - Returns: nil when the clock has no entry of its author. Such a clock names no event.
    public init?(_ clock: VersionVector, authoredBy device: DeviceID) {
        let counter = clock[device]
        guard counter >= 1 else { return nil }
        dot = Dot(device: device, counter: counter)
        context = clock.setting(device, to: counter - 1)
    }

    /// The clock as it was sent. O(n).
    public var whole: VersionVector { context.setting(dot.device, to: dot.counter) }
}
