/// A total order over events, used for one thing only: to pick a winner among writes that are concurrent.
///
/// A stamp never decides whether a write is newer. Causality decides that, because device clocks are wrong. The
/// device's bytes and then the counter break ties of time, so that no two events compare equal.
public struct Stamp: Sendable, Hashable, Comparable {
    /// Milliseconds since 1970-01-01T00:00:00Z, corrected by the server. See ``HybridClock``, and `StampCorrection` in
    /// `MergeCore`.
    public let milliseconds: Int64
    /// The event, which breaks ties.
    public let dot: Dot

    public init(milliseconds: Int64, dot: Dot) {
        self.milliseconds = milliseconds
        self.dot = dot
    }

    /// Compares time, then device, then counter.
    public static func < (left: Stamp, right: Stamp) -> Bool {
        if left.milliseconds != right.milliseconds { return left.milliseconds < right.milliseconds }
        return left.dot < right.dot
    }
}
