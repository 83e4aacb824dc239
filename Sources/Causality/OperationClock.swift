/// An operation's clock, taken apart: the event that it is, and what its author had seen.
///
/// On the wire the two are one version vector, `clock = context ∪ dot`. A device's own events are always known to it, so
/// the context holds the device's earlier events: the clock with the author's entry lowered by one.
public struct OperationClock: Sendable, Hashable {
    public let dot: Dot
    public let context: VersionVector

    /// - Parameters:
    ///   - clock: the clock as it was sent.
    ///   - device: the author.
    /// - Returns: nil when the clock has no entry of its author: then it names no event.
    public init?(_ clock: VersionVector, authoredBy device: DeviceID) {
        let counter = clock[device]
        guard counter >= 1 else { return nil }
        dot = Dot(device: device, counter: counter)
        context = clock.setting(device, to: counter - 1)
    }

    /// The clock as it was sent. O(n).
    public var whole: VersionVector { context.setting(dot.device, to: dot.counter) }
}
