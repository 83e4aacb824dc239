import Causality

extension RecordMerge {
    /// Why a merge cannot stand because the record would be too large; nil when it can.
    ///
    /// A record that is already over a limit (an earlier version wrote it) can be made smaller, deleted and restored,
    /// and decided on. So only what makes it larger counts. An event, a clock's entry and a delete do not count as
    /// growth: each device has one of them, and devices are bounded. What counters remember is measured apart, so that
    /// a full record can still be counted on.
    func fullness(of write: RecordWrite, before: RecordState, limits: Limits) -> Rejection? {
        let old = before.units.weight
        let new = state.units.weight
        guard new.values > old.values || new.counters > old.counters || new.fields > old.fields else { return nil }
        if new.fields > old.fields, new.fields > limits.fieldsPerRecord {
            return Rejection(
                .recordFull,
                "The record would have \(new.fields) fields, and at most \(limits.fieldsPerRecord) are possible. Split it "
                    + "into several records.", at: growth(of: write, before: before))
        }
        let bytes = state.weight
        if new.values > old.values, bytes > limits.recordBytes {
            return Rejection(
                .recordFull,
                "The record would take \(bytes) bytes with what is needed to merge it, and at most \(limits.recordBytes) "
                    + "are possible. Split it, shorten a value or remove elements.",
                at: growth(of: write, before: before))
        }
        if new.counters > old.counters, new.counters > limits.recordBytes {
            return Rejection(
                .recordFull,
                "The record's counters would take \(new.counters) bytes, and at most \(limits.recordBytes) are possible. "
                    + "Split it into several records.", at: growth(of: write, before: before))
        }
        return nil
    }

    /// The path of the unit that grows most.
    private func growth(of write: RecordWrite, before: RecordState) -> [ExactString] {
        var most: (growth: Int, unit: UnitKey)?
        for unit in write.writes.map(\.unit) {
            let new = state.units[unit]?.weight(of: unit).bytes ?? 0
            let growth = new - (before.units[unit]?.weight(of: unit).bytes ?? 0)
            if most.map({ growth > $0.growth }) ?? true { most = (growth, unit) }
        }
        guard case .field(let name)? = most?.unit else { return ["fields"] }
        return ["fields", name]
    }
}
