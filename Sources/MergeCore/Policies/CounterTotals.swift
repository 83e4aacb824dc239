import Causality

/// The state of `counter`: what each device has added so far (the PN-counter of Shapiro et al. 2011, section 3.1.3, with
/// increments and decrements in one signed total).
///
/// A device's events are merged in their order and without gaps, so the total that belongs to its higher counter includes
/// all that belongs to the lower one.
public struct CounterTotals: Sendable, Hashable {
    public struct Total: Sendable, Hashable {
        /// The device's last event that added.
        public let dot: Dot
        public let amount: Int64

        public init(dot: Dot, amount: Int64) {
            self.dot = dot
            self.amount = amount
        }
    }

    /// Sorted by device, one a device.
    public private(set) var totals: [Total]

    public init(_ totals: [Total] = []) {
        self.totals = totals.sorted { $0.dot < $1.dot }
    }

    /// The sum over all devices, exact.
    public var exactSum: Int128 { totals.reduce(0) { $0 + Int128($1.amount) } }

    /// The sum as it is sent. The server refuses an increment that would leave `Int64`; a join of two remotes that each kept
    /// within it can still leave it together, and is held at the bound.
    public var sum: Int64 { Int64(clamping: exactSum) }

    /// - Returns: nil when the device's total or the sum would leave `Int64`.
    func adding(_ amount: Int64, at dot: Dot) -> CounterTotals? {
        let before = totals.first { $0.dot.device == dot.device }?.amount ?? 0
        let (total, overflow) = before.addingReportingOverflow(amount)
        guard !overflow else { return nil }
        let after = CounterTotals(totals.filter { $0.dot.device != dot.device } + [Total(dot: dot, amount: total)])
        return Int64(exactly: after.exactSum) == nil ? nil : after
    }

    /// For each device the total that has heard more of it.
    func join(_ other: CounterTotals) -> CounterTotals {
        var byDevice = Dictionary(uniqueKeysWithValues: totals.map { ($0.dot.device, $0) })
        for total in other.totals where (byDevice[total.dot.device]?.dot.counter ?? 0) < total.dot.counter {
            byDevice[total.dot.device] = total
        }
        return CounterTotals(Array(byDevice.values))
    }
}
