/// A total order over events, used for one thing only: to pick a winner among writes that are concurrent.
///
/// Never used to decide whether a write is newer: causality decides that, because device clocks are wrong.
/// Ties of time are broken by the device's bytes and then by the counter, so that no two events compare equal.
public struct Stamp: Sendable, Hashable, Comparable {
    /// Milliseconds since 1970-01-01T00:00:00Z, corrected by the server (see `HybridClock` and the intake of batches).
    public let milliseconds: Int64
    public let dot: Dot

    public init(milliseconds: Int64, dot: Dot) {
        self.milliseconds = milliseconds
        self.dot = dot
    }

    public static func < (left: Stamp, right: Stamp) -> Bool {
        if left.milliseconds != right.milliseconds { return left.milliseconds < right.milliseconds }
        return left.dot < right.dot
    }
}
