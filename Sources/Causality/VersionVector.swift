/// Which events are known: for each device its highest counter (Parker et al. 1983). A device that is absent counts as
/// 0.
///
/// The events of a device are known without gaps, so one counter stands for all up to it. Entries are sorted by the
/// device's bytes. That makes the value its own canonical form: equal vectors have equal entries, and every binary
/// operation is one merge of two sorted lists.
public struct VersionVector: Sendable, Hashable {
    /// What is known of one device: its events 1 to `counter`. In a vector each `device` has at most one entry.
    public struct Entry: Sendable, Hashable {
        public let device: DeviceID
        public var counter: Int64

        public init(device: DeviceID, counter: Int64) {
            self.device = device
            self.counter = counter
        }
    }

    /// Sorted by device, one entry a device, every counter at least 1.
    public private(set) var entries: [Entry]

    /// The vector that knows nothing.
    public init() {
        entries = []
    }

    /// Takes entries in any order. An entry of counter 0 says nothing and is left out. Of several entries of one device
    /// the highest counts. O(n log n); O(n) where they are in canonical form already.
    public init(_ unordered: some Sequence<Entry>) {
        let given = Array(unordered)
        guard !Self.isCanonical(given) else {
            entries = given
            return
        }
        entries = []
        for entry in given.sorted(by: { $0.device < $1.device }) where entry.counter > 0 {
            if let last = entries.indices.last, entries[last].device == entry.device {
                entries[last].counter = max(entries[last].counter, entry.counter)
            } else {
                entries.append(entry)
            }
        }
    }

    private static func isCanonical(_ entries: [Entry]) -> Bool {
        for (index, entry) in entries.enumerated() {
            guard entry.counter > 0, index == 0 || entries[index - 1].device < entry.device else { return false }
        }
        return true
    }

    /// Whether no event is known.
    public var isEmpty: Bool { entries.isEmpty }
    /// The number of devices that have an entry.
    public var count: Int { entries.count }

    /// The highest known counter of the device; 0 when the device has no entry. O(log n).
    public subscript(device: DeviceID) -> Int64 {
        let position = position(of: device)
        return position < entries.count && entries[position].device == device ? entries[position].counter : 0
    }

    /// Where the device's entry stands, 0 for the first; nil when it has none. O(log n).
    public func index(of device: DeviceID) -> Int? {
        let position = position(of: device)
        return position < entries.count && entries[position].device == device ? position : nil
    }

    /// Whether the event is known. O(log n).
    public func contains(_ dot: Dot) -> Bool {
        dot.counter <= self[dot.device]
    }

    /// The vector with one device's entry set to a counter; 0 removes the entry. O(n).
    public func setting(_ device: DeviceID, to counter: Int64) -> VersionVector {
        var copy = self
        let position = position(of: device)
        let isPresent = position < entries.count && entries[position].device == device
        switch (isPresent, counter > 0) {
        case (true, true): copy.entries[position].counter = counter
        case (true, false): copy.entries.remove(at: position)
        case (false, true): copy.entries.insert(Entry(device: device, counter: counter), at: position)
        case (false, false): break
        }
        return copy
    }

    /// Whether every event that the other knows is known here. Then `compare` is neither `before` nor `concurrent`. O(n
    /// + m).
    public func includes(_ other: VersionVector) -> Bool {
        guard other.entries.count <= entries.count else { return false }
        var position = 0
        for entry in other.entries {
            while position < entries.count, entries[position].device != entry.device { position += 1 }
            guard position < entries.count, entries[position].counter >= entry.counter else { return false }
            position += 1
        }
        return true
    }

    /// All that either knows: the least upper bound. O(n + m).
    public func union(_ other: VersionVector) -> VersionVector {
        if includes(other) { return self }
        if other.includes(self) { return other }
        var merged = VersionVector()
        merged.entries.reserveCapacity(max(entries.count, other.entries.count))
        forEachPair(with: other) { device, left, right in
            merged.entries.append(Entry(device: device, counter: max(left, right)))
        }
        return merged
    }

    /// How this vector stands to the other, in one pass over the devices of both. O(n + m).
    public func compare(_ other: VersionVector) -> CausalOrder {
        var knowsMore = false
        var knowsLess = false
        forEachPair(with: other) { _, left, right in
            if left > right { knowsMore = true }
            if left < right { knowsLess = true }
        }
        return switch (knowsMore, knowsLess) {
        case (false, false): .equal
        case (true, false): .after
        case (false, true): .before
        case (true, true): .concurrent
        }
    }

    /// Visits every device of either vector once, in order, with both counters (0 where absent). O(n + m).
    public func forEachPair(
        with other: VersionVector, _ visit: (_ device: DeviceID, _ left: Int64, _ right: Int64) -> Void
    ) {
        var left = 0
        var right = 0
        while left < entries.count || right < other.entries.count {
            if right == other.entries.count {
                visit(entries[left].device, entries[left].counter, 0)
                left += 1
            } else if left == entries.count {
                visit(other.entries[right].device, 0, other.entries[right].counter)
                right += 1
            } else if entries[left].device == other.entries[right].device {
                visit(entries[left].device, entries[left].counter, other.entries[right].counter)
                left += 1
                right += 1
            } else if entries[left].device < other.entries[right].device {
                visit(entries[left].device, entries[left].counter, 0)
                left += 1
            } else {
                visit(other.entries[right].device, 0, other.entries[right].counter)
                right += 1
            }
        }
    }

    /// The first position whose device is not before the given one.
    private func position(of device: DeviceID) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].device < device { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension VersionVector: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (DeviceID, Int64)...) {
        self.init(elements.map { Entry(device: $0.0, counter: $0.1) })
    }
}

extension VersionVector: CustomStringConvertible {
    public var description: String {
        "{" + entries.map { "\($0.device): \($0.counter)" }.joined(separator: ", ") + "}"
    }
}
