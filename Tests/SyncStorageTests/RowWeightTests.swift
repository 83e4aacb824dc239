import Causality
import MergeCore
import SeededRandom
import StorageConformance
import SyncStorage
import SyncWire
import Testing
import Values

@Suite("a row takes at most twice its record's weight")
struct RowWeightTests {
    private static let rules = CollectionRules(
        fields: [
            "title": FieldRule(), "note": FieldRule(merge: .manual), "first": FieldRule(merge: .fww),
            "high": FieldRule(type: .string, merge: .max), "count": FieldRule(type: .integer, merge: .counter),
            "tags": FieldRule(type: .set, merge: .set), "lat": FieldRule(), "lng": FieldRule(),
        ], groups: ["place": GroupRule(fields: ["lat", "lng"], merge: .manual)])

    /// Short values, where all else weighs, and long ones, where they do; many devices, with long and short names.
    @Test("of any record: fields, siblings, state and clock together, short values and long, few devices and many")
    func factor() {
        for seed in UInt64(1)...150 {
            var generator = SeededGenerator(seed: seed)
            let length = generator.pick([0, 1, 20, 2_000])
            let devices = (0..<generator.pick([1, 3, 40])).map { index in
                DeviceID(String(repeating: "d", count: generator.pick([1, 100])) + "\(index)")
            }
            var record = StoredRecord(
                key: RecordKey(collection: "c", id: "r"), state: RecordState(), sequence: 1)
            for step in 0..<60 {
                let device = generator.pick(devices)
                let own = record.state.clock[device]
                let context =
                    generator.below(3) == 0 ? record.state.clock : VersionVector([.init(device: device, counter: own)])
                let event = Event(
                    stamp: Stamp(
                        milliseconds: 1_800_000_000_000 + Int64(step), dot: Dot(device: device, counter: own + 1)),
                    provenance: Provenance(
                        operation: OperationID(String(repeating: "o", count: generator.pick([1, 36, 128]))),
                        user: ExactString(String(repeating: "\"", count: generator.pick([1, 60]))),
                        claimedMilliseconds: 1_800_000_000_000))
                let write = RecordWrite(
                    kind: generator.below(12) == 0 ? .delete : .update, event: event, context: context,
                    writes: Self.writes(&generator, length))
                let merge = record.state.applying(write, rules: Self.rules, limits: Limits())
                for note in merge.conflictNotes(
                    of: write, before: record.state, rules: Self.rules, limits: Limits(), open: record.openConflicts)
                {
                    switch note {
                    case .opened(let opening) where opening.awaitsDecision:
                        record.openConflicts[opening.unit] = OpenConflict(
                            id: ConflictID(position: Int64(step)), version: 1)
                    case .superseded(_, let unit, _): record.openConflicts[unit] = nil
                    case .opened, .sidesChanged: break
                    }
                }
                record.state = merge.state
                let row = RecordRow(record, rules: Self.rules, changedAtMilliseconds: 0)
                let bytes = [row.fields, row.state, row.clock, row.siblings ?? ""].reduce(0) { $0 + $1.utf8.count }
                // What even an empty record has: names of members and brackets.
                #expect(
                    bytes <= 2 * record.state.weight + 64,
                    "seed \(seed), step \(step): \(bytes) of \(record.state.weight)")
                if length == 2_000 { #expect(record.state.weight <= 2 * bytes, "seed \(seed), step \(step)") }
            }
        }
    }

    private static func writes(_ generator: inout SeededGenerator, _ length: Int) -> [UnitWrite] {
        func text() -> Value { .string(String(repeating: generator.pick(["x", "\"", "\u{1}"]), count: length)) }
        let all = [
            UnitWrite(
                unit: .field("count"), policy: .counter, change: .increment(.random(in: -9...9, using: &generator))),
            UnitWrite(unit: .field("first"), policy: .fww, change: .assign(text())),
            UnitWrite(unit: .field("high"), policy: .max, change: .assign(text())),
            UnitWrite(
                unit: .field("note"), policy: .manual,
                change: .assign([text(), .integer(.random(in: 0...9, using: &generator))])),
            UnitWrite(unit: .group("place"), policy: .manual, change: .assign(["lat": text(), "lng": .double(0.5)])),
            UnitWrite(
                unit: .field("tags"), policy: .set,
                change: .elements(
                    adding: [text(), .integer(Int64(generator.below(50)))],
                    removing: [.integer(Int64(generator.below(50)))])),
            UnitWrite(unit: .field("title"), policy: .lww, change: .assign(text())),
        ]
        return all.filter { _ in generator.below(3) == 0 }.sorted { $0.unit < $1.unit }
    }
}
