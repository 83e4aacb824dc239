extension VersionVector {
    /// What both know: the greatest lower bound. O(n + m).
    ///
    /// Of each device the lower counter counts, because a counter stands for all events up to it.
    public func intersection(_ other: VersionVector) -> VersionVector {
        if other.includes(self) { return self }
        var common: [Entry] = []
        forEachPair(with: other) { device, left, right in
            if min(left, right) > 0 { common.append(Entry(device: device, counter: min(left, right))) }
        }
        return VersionVector(common)
    }
}
