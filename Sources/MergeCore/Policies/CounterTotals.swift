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
    /// The sum over all devices, exact, kept up with every change.
    public private(set) var exactSum: Int128

    public init(_ totals: [Total] = []) {
        self.totals = totals.count < 2 ? totals : totals.sorted { $0.dot < $1.dot }
        exactSum = totals.reduce(0) { $0 + Int128($1.amount) }
    }

    /// The sum as it is sent. The server refuses an increment that would leave `Int64`; a join of two remotes that each kept
    /// within it can still leave it together, and is held at the bound.
    public var sum: Int64 { Int64(clamping: exactSum) }

    /// Whether the device's total and the sum stay within `Int64` with the amount added. O(log n) in devices.
    func canAdd(_ amount: Int64, by device: DeviceID) -> Bool {
        let position = position(of: device)
        let before = has(device, at: position) ? totals[position].amount : 0
        return !before.addingReportingOverflow(amount).overflow && Int64(exactly: exactSum + Int128(amount)) != nil
    }

    /// Adds to a device's total, where that is possible. O(log n) to find, and a copy of the totals where they are shared.
    mutating func add(_ amount: Int64, at dot: Dot) {
        guard canAdd(amount, by: dot.device) else { return }
        let position = position(of: dot.device)
        exactSum += Int128(amount)
        if has(dot.device, at: position) {
            totals[position] = Total(dot: dot, amount: totals[position].amount + amount)
        } else {
            totals.insert(Total(dot: dot, amount: amount), at: position)
        }
    }

    private func has(_ device: DeviceID, at position: Int) -> Bool {
        position < totals.count && totals[position].dot.device == device
    }

    /// The first position whose device is not before the given one.
    private func position(of device: DeviceID) -> Int {
        var low = 0
        var high = totals.count
        while low < high {
            let middle = (low + high) / 2
            if totals[middle].dot.device < device { low = middle + 1 } else { high = middle }
        }
        return low
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
