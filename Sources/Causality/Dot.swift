/// One authored event on one record: the `counter`-th event of `device` on it (Preguiça et al. 2010, section 3).
///
/// Counters belong to a record and a device, and begin at 1.
public struct Dot: Sendable, Hashable {
    public let device: DeviceID
    public let counter: Int64

    public init(device: DeviceID, counter: Int64) {
        self.device = device
        self.counter = counter
    }
}

extension Dot: Comparable {
    /// Orders dots by device, then counter. The order is for presentation only: it says nothing about causality.
    public static func < (left: Dot, right: Dot) -> Bool {
        left.device == right.device ? left.counter < right.counter : left.device < right.device
    }
}

extension Dot: CustomStringConvertible {
    public var description: String { "\(device):\(counter)" }
}
