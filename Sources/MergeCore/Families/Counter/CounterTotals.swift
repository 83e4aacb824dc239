import Causality

/// The state of `counter`: what each device has added so far (the PN-counter of Shapiro et al. 2011, section 3.1.3, with
/// increments and decrements in one signed total).
///
/// A device's events are merged in their order and without gaps, so the total that belongs to its higher counter includes
/// all that belongs to the lower one.
public struct CounterTotals: Sendable, Hashable {
    /// What one device has added so far.
    public struct Total: Sendable, Hashable {
        /// The device's latest event that added something.
        public let dot: Dot
        /// The sum of what the device added and took away.
        public let amount: Int64

        public init(dot: Dot, amount: Int64) {
            self.dot = dot
            self.amount = amount
        }
    }

    /// Sorted by device, one total a device.
    private(set) var chunks: SortedChunks<Total>
    /// The sum over all devices. It is exact, and kept up with every change.
    public private(set) var exactSum: Int128

    /// Takes totals in any order; of several of one device the last counts. O(n) where they are sorted already, else
    /// O(n log n).
    public init(_ totals: [Total] = []) {
        chunks = SortedChunks(totals)
        exactSum = chunks.reduce(0) { $0 + Int128($1.amount) }
    }

    /// The number of devices that have added something.
    public var count: Int { chunks.count }

    /// The totals sorted by device, one a device. O(n).
    public var totals: [Total] { Array(chunks) }

    /// The sum as it is sent.
    ///
    /// The server refuses an increment that would leave `Int64`. A join of two remotes that each stayed within it can
    /// still leave it; the sum is then held at the bound.
    public var sum: Int64 { Int64(clamping: exactSum) }

    /// Whether the device's total and the sum stay within `Int64` with the amount added. O(log n) in devices.
    func canAdd(_ amount: Int64, by device: DeviceID) -> Bool {
        let before = chunks.element(of: device)?.amount ?? 0
        return !before.addingReportingOverflow(amount).overflow && Int64(exactly: exactSum + Int128(amount)) != nil
    }

    /// Adds to a device's total, where that is possible. O(log n) in devices, beside what `SortedChunks` copies where the
    /// totals are shared.
    mutating func add(_ amount: Int64, at dot: Dot) {
        guard canAdd(amount, by: dot.device) else { return }
        let position = chunks.position(of: dot.device)
        exactSum += Int128(amount)
        if chunks.has(dot.device, at: position) {
            chunks.replace(at: position, with: Total(dot: dot, amount: chunks[position].amount + amount))
        } else {
            chunks.insert(Total(dot: dot, amount: amount), at: position)
        }
    }

    /// Takes, for each device, the total that has heard more of the device.
    func join(_ other: CounterTotals) -> CounterTotals {
        var joined = self
        for total in other.chunks { joined.take(total) }
        return joined
    }

    private mutating func take(_ total: Total) {
        let position = chunks.position(of: total.dot.device)
        guard chunks.has(total.dot.device, at: position) else {
            exactSum += Int128(total.amount)
            chunks.insert(total, at: position)
            return
        }
        let own = chunks[position]
        guard own.dot.counter < total.dot.counter else { return }
        exactSum += Int128(total.amount) - Int128(own.amount)
        chunks.replace(at: position, with: total)
    }
}

extension CounterTotals.Total: KeyedElement {
    var key: DeviceID { dot.device }

    static func precedes(_ left: DeviceID, _ right: DeviceID) -> Bool { left < right }
}
