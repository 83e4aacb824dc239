import Causality
import MergeCore
import SyncEngine
import SyncStorage
import SyncWire
import Testing

private func side(_ device: String, _ counter: Int64, at stamp: Int64, value: String = "1") -> AuditSideRow {
    AuditSideRow(
        role: "incoming", won: true, present: true, value: value, device: device, counter: counter, user: "u",
        operation: "o", stampMilliseconds: stamp, claimedAtMilliseconds: nil)
}

private func history(_ steps: [(joined: [AuditSideRow], dropped: [Dot])]) -> ConflictHistory {
    let entries = steps.enumerated().map { index, step in
        let dropped = step.dropped.map { "{\"counter\":\($0.counter),\"device\":\"\($0.device.name)\"}" }
        return AuditEntryRow(
            position: Int64(index + 1), conflict: 1, version: Int64(index + 1),
            type: index == 0 ? "opened" : "sides_changed", collection: "c", record: "r", batch: "b", device: "d",
            recordedAtMilliseconds: 0, clockBefore: "{}", clockAfter: "{}",
            detail: index == 0 ? "{}" : "{\"dropped\":[\(dropped.joined(separator: ","))],\"unit\":\"t\"}",
            sides: step.joined, hash: nil)
    }
    return ConflictHistory(
        conflict: ConflictRow(
            id: 1, kind: "write_write", status: "open", version: Int64(entries.count), collection: "c", record: "r",
            unit: "t", policy: "manual", openedAtMilliseconds: 0), entries: entries)
}

@Suite("a conflict is folded from its entries")
struct ConflictFoldingTests {
    @Test("each entry's sides stand until a later one drops them, and the greatest stamp of those that stand shows")
    func definition() throws {
        var shown = 0
        for seed in 0..<200 {
            var steps: [(joined: [AuditSideRow], dropped: [Dot])] = []
            var counter: Int64 = 0
            for step in 0..<(1 + seed % 9) {
                let joined = (0..<(step == 0 ? 2 : (seed + step) % 3)).map { index -> AuditSideRow in
                    counter += 1
                    return side(["a", "b"][index % 2], counter, at: Int64((seed * 31 + Int(counter) * 17) % 7))
                }
                let dots = steps.flatMap(\.joined).map { Dot(device: DeviceID($0.device), counter: $0.counter) }
                steps.append((joined, dots.filter { (Int($0.counter) + seed + step) % 4 == 0 }))
            }
            let view = try ConflictView(history(steps))
            // These are the sides by the definition, from all entries at once.
            let all = steps.enumerated().flatMap { step, entry in entry.joined.map { (step, $0) } }
            let standing = all.indices.filter { index in
                let dot = Dot(device: DeviceID(all[index].1.device), counter: all[index].1.counter)
                return !steps[(all[index].0 + 1)...].contains { $0.dropped.contains(dot) }
            }
            #expect(view.sides.indices.filter { !view.sides[$0].isDropped } == standing, "seed \(seed)")
            // Who won the first step is what its entry says, and not a matter of stamps.
            guard steps.count > 1 else { continue }
            shown += 1
            let winner = standing.max { left, right in
                let (left, right) = (all[left].1, all[right].1)
                return (left.stampMilliseconds, left.device, left.counter)
                    < (right.stampMilliseconds, right.device, right.counter)
            }
            #expect(view.sides.indices.filter { view.sides[$0].won } == [winner].compactMap { $0 }, "seed \(seed)")
        }
        #expect(shown >= 160)
    }

    /// If each of 40,000 entries looked at all sides, that would be more than a thousand million comparisons, for which
    /// nobody waits. It is done at once where each side is touched twice.
    @Test("a conflict of 40,000 entries with a side each is folded, every side but the last two being dropped")
    func long() throws {
        let count: Int64 = 40_000
        let steps = (1...count).map { counter in
            (
                joined: counter == 1
                    ? [side("a", 1, at: 0), side("b", 1, at: 1)] : [side("b", counter, at: counter)],
                dropped: counter > 2 ? [Dot(device: "b", counter: counter - 1)] : [Dot(device: "b", counter: 1)]
            )
        }
        let view = try ConflictView(history(steps))
        #expect(view.sides.count == Int(count) + 1)
        #expect(view.sides.filter { !$0.isDropped }.map(\.row.counter) == [1, count])
        #expect(view.sides.filter(\.won).map(\.row.counter) == [count])
    }
}
