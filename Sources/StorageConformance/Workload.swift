import Causality
import MergeCore
import SeededRandom
import SyncStorage
import SyncWire
import Values

/// A few devices that edit a few records, often without having seen each other. They make reproducible commits of every
/// kind.
struct Workload {
    static let schema = Schema(declaring: [
        "estimates": CollectionRules(
            fields: [
                "title": FieldRule(), "first": FieldRule(merge: .fww), "most": FieldRule(merge: .max),
                "least": FieldRule(merge: .min), "visits": FieldRule(merge: .counter),
                "tags": FieldRule(type: .set, merge: .set), "status": FieldRule(merge: .manual),
                "secret": FieldRule(audit: .redacted), "lat": FieldRule(), "lng": FieldRule(),
            ], groups: ["place": GroupRule(fields: ["lat", "lng"])]),
        "notes": CollectionRules(recordMerge: .lww, deletes: .deleteWins),
    ])

    static let devices: [DeviceID] = ["anna", "ben", "e\u{301}va", "\u{E9}va"]
    static let records = [
        RecordKey("estimates", "r1"), RecordKey("estimates", "r2"), RecordKey("estimates", "\u{1F600}"),
        RecordKey("notes", "r1"), RecordKey("notes", "n\u{2028}2"),
    ]

    private var random: SeededGenerator
    private var clocks: [RecordKey: VersionVector] = [:]
    private var views: [DeviceID: [RecordKey: VersionVector]] = [:]
    private var made = 0
    private var milliseconds: Int64 = 1_700_000_000_000

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    /// The batches of the next commit. `took` is told afterwards what became of them.
    mutating func batches() -> [Batch] {
        (0..<(1 + random.below(3))).map { _ in batch() }
    }

    /// Learns the records' clocks, so that later operations have something that they have seen.
    mutating func took(_ answer: Committer.Answer) {
        for (key, record) in answer.records { clocks[key] = record.state.clock }
    }

    private mutating func batch() -> Batch {
        let device = random.pick(Self.devices)
        made += 1
        milliseconds += Int64(random.below(40_000_000))
        var operations: [Operation] = []
        for _ in 0..<(1 + random.below(4)) { operations.append(operation(by: device)) }
        return Batch(ExactString("batch \(made)"), from: device, at: milliseconds, operations)
    }

    private mutating func operation(by device: DeviceID) -> Operation {
        let record = random.pick(Self.records)
        made += 1
        if random.below(3) == 0 { views[device, default: [:]][record] = clocks[record] }
        let view = views[device]?[record] ?? VersionVector()
        // A device has always seen its own events. Sometimes one is missing, or a counter comes twice.
        let own = max(view[device], clocks[record]?[device] ?? 0)
        let counter = random.below(12) == 0 ? max(1, own + Int64(random.below(3)) - 1) : own + 1
        let clock = view.setting(device, to: counter)
        views[device, default: [:]][record] = clock
        let seesNothing = clock.count == 1 && counter == 1
        let kind: OperationKind = seesNothing ? .create : random.pick([.update, .update, .update, .delete, .restore])
        return Operation(
            kind, OperationID("operation \(made)"), on: record, clock: clock,
            kind == .delete ? [:] : fields(of: record),
            at: milliseconds - Int64(random.below(1_000_000)))
    }

    private mutating func fields(of record: RecordKey) -> Value {
        guard record.collection == "estimates" else {
            return ["text": .string("text \(random.below(3))"), "size": .integer(Int64(random.below(2)))]
        }
        var members: [(ExactString, Value)] = []
        for name in ["title", "first", "status", "secret"] where random.below(2) == 0 {
            members.append((ExactString(name), random.pick(Self.values)))
        }
        if random.below(3) == 0 { members.append(("most", .integer(Int64(random.below(9))))) }
        if random.below(3) == 0 { members.append(("least", .integer(Int64(random.below(9))))) }
        if random.below(3) == 0 { members.append(("visits", ["$increment": .integer(Int64(random.below(5)) - 2)])) }
        if random.below(3) == 0 {
            members.append(
                ("tags", ["$add": [random.pick(Self.values)], "$remove": [random.pick(Self.values)]]))
        }
        if random.below(3) == 0 {
            members += [("lat", .integer(Int64(random.below(3)))), ("lng", .integer(Int64(random.below(3))))]
        }
        if members.isEmpty { members.append(("title", "only")) }
        return .object(members)
    }

    private static let values: [Value] = [
        "red", "blue", .null, .boolean(true), .integer(.max), .integer(.min), .double(0.1),
        ["deep": [1, ["er": "\u{E9}"]]],
        "e\u{301}", "\u{E9}", "", "quote\" \\ \u{1F469}\u{200D}\u{1F680} \u{7F}\u{1}",
    ]
}
