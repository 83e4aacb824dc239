import Causality
import MergeCore
import StrictJSON
import SyncStorage
import SyncWire
import Values

/// The largest things that the limits allow, each with operations that name little of them.
public struct WorstCase: Sendable {
    public let name: String
    private let decider: BatchDecider
    private let batch: Batch

    /// Decides the batch over what is there.
    public func run() -> BatchDecision {
        var decider = decider
        return decider.decide(batch)
    }

    private init(_ name: String, _ record: RecordState, _ rules: CollectionRules, _ batch: Batch) {
        self.name = name
        self.batch = batch
        let stored = StoredRecord(key: Self.key, state: record, sequence: 1)
        decider = BatchDecider(
            over: Snapshot(records: [Self.key: stored], sequence: 1),
            under: DecisionSettings(schema: Schema(declaring: ["c": rules])))
        precondition(run().outcomes.allSatisfy { $0.result.isAccepted }, "\(name): the batch is not accepted")
    }

    public static let all: [WorstCase] = [
        oneElement(operations: 1_000), manyElements, counter, oneField, fullRecord, concurrentValues, longClock,
        manyUnits,
    ]

    private static let key = RecordKey(collection: "c", id: "r")

    // MARK: Cases

    private static let setRules = CollectionRules(fields: ["tags": FieldRule(type: .set, merge: .set)])

    private static func fullSet(_ count: Int) -> RecordState {
        let dot = Dot(device: "a", counter: 1)
        let set = ObservedRemoveSet((0..<count).map { .init(value: .string("element \($0)"), dots: [dot]) })
        return RecordState(
            clock: ["a": 1], units: [.field("tags"): .set(set)], deletion: DeletionState(writes: [event("a", 1)]))
    }

    private static func oneElement(operations count: Int) -> WorstCase {
        WorstCase(
            "a set of 10,000, \(count) operations of one element", fullSet(9_000), setRules,
            batch(count) { ["tags": ["$add": [.string("new \($0)")]]] })
    }

    private static let manyElements = WorstCase(
        "a set of 9,900, one operation that adds 100", fullSet(9_900), setRules,
        batch(1) { _ in ["tags": ["$add": .array((0..<100).map { .string("new \($0)") })]] })

    private static func fullCounter(_ devices: Int) -> RecordState {
        let clock = VersionVector((0..<devices).map { .init(device: DeviceID("device \($0)"), counter: 1) })
        let events = clock.entries.map { event($0.device, 1) }
        let totals = CounterTotals(events.map { .init(dot: $0.stamp.dot, amount: 7) })
        return RecordState(
            clock: clock, units: [.field("n"): .counter(totals)], deletion: DeletionState(writes: events))
    }

    private static let counter = WorstCase(
        "a counter of 511 devices, 1,000 increments", fullCounter(511),
        CollectionRules(fields: ["n": FieldRule(type: .integer, merge: .counter)]),
        batch(1_000, context: [:]) { _ in ["n": ["$increment": 1]] })

    private static func record(fields count: Int, _ value: Value) -> RecordState {
        let units = (0..<count).map { index in
            (
                key: UnitKey.field(ExactString("field \(index)")),
                value: UnitState.register(Register(.init(value: value, event: event("a", 1))))
            )
        }
        return RecordState(
            clock: ["a": 1], units: UnitStates(units), deletion: DeletionState(writes: [event("a", 1)]))
    }

    private static let oneField = WorstCase(
        "a record of 1,000 fields, 1,000 operations of one field", record(fields: 1_000, 1), CollectionRules(),
        batch(1_000) { number in .object([(ExactString("field \(number)"), .integer(2))]) })

    private static func kilobyte(_ letter: String) -> Value { .string(String(repeating: letter, count: 1_000)) }
    private static let nearlyFull = record(fields: 900, kilobyte("x"))

    private static let fullRecord = WorstCase(
        "a record of nearly 1 MiB, 1,000 edits of one field", nearlyFull, CollectionRules(),
        batch(1_000) { number in .object([(ExactString("field \(number % 900)"), kilobyte("y"))]) })

    private static let manyUnits = WorstCase(
        "20,000 unit writes, 80 operations of 250 fields that conflict", record(fields: 250, 1), CollectionRules(),
        batch(80, context: [:]) { number in
            .object((0..<250).map { (ExactString("field \($0)"), .integer(Int64(number + 2))) })
        })

    /// All of one length, so that none can be told from another without being read.
    private static let concurrentValues: WorstCase = {
        let clock = VersionVector((0..<64).map { .init(device: DeviceID("other \($0)"), counter: 1) })
        let values = clock.entries.enumerated().map { index, entry in
            Register.Candidate(
                value: .string(String(repeating: "x", count: 10_000) + "\(100 + index)"),
                event: event(entry.device, 1))
        }
        return WorstCase(
            "64 values of 10 kB beside one another, 1,000 operations that have seen none of them",
            RecordState(
                clock: clock, units: [.field("t"): .register(Register(values))],
                deletion: DeletionState(writes: values.map(\.event))
            ),
            CollectionRules(fields: ["t": FieldRule(type: .string, merge: .manual)]),
            batch(1_000, context: [:]) { ["t": .string("short \($0)")] })
    }()

    private static let longClock: WorstCase = {
        let clock = VersionVector((0..<511).map { .init(device: DeviceID("device \($0)"), counter: 1) })
        let events = clock.entries.map { event($0.device, 1) }
        let units = (0..<256).map { index in
            (
                key: UnitKey.field(ExactString("f\(index)")),
                value: UnitState.register(Register(.init(value: 1, event: events[index])))
            )
        }
        return WorstCase(
            "a clock of 511 devices, 20 operations of 256 fields that conflict",
            RecordState(clock: clock, units: UnitStates(units), deletion: DeletionState(writes: events)),
            CollectionRules(),
            batch(20, context: [:]) { number in
                .object((0..<256).map { (ExactString("f\($0)"), .integer(Int64(number + 2))) })
            })
    }()

    // MARK: Parts

    private static func event(_ device: DeviceID, _ counter: Int64) -> Event {
        Event(
            stamp: Stamp(milliseconds: counter, dot: Dot(device: device, counter: counter)),
            provenance: Provenance(operation: "o", user: "ana", claimedMilliseconds: counter))
    }

    private static func batch(
        _ count: Int, context: VersionVector = ["a": 1], _ fields: (Int) -> Value
    ) -> Batch {
        let operations = (0..<count).map { index -> BatchItem in
            guard case .object(let object) = fields(index) else { preconditionFailure("fields are an object") }
            return .operation(
                Operation(
                    id: OperationID("operation \(index)"), kind: context.isEmpty && index == 0 ? .create : .update,
                    record: key, clock: context.setting("b", to: Int64(index + 1)), claimedMilliseconds: 5,
                    fields: object, fingerprint: Digest(of: .integer(Int64(index)))))
        }
        return Batch(
            key: "k", device: "b", user: "ana", atomicity: .eachOperation, receivedAtMilliseconds: 10,
            sentAtMilliseconds: nil, items: operations)
    }

    /// A row of a record with very many fields, as an earlier version may have written it.
    public static func wideRow(fields count: Int) -> RecordRow {
        let units = (0..<count).map { index in
            (
                key: UnitKey.field(ExactString("f\(1_000_000 + index)")),
                value: UnitState.register(Register(.init(value: 1, event: event("a", 1))))
            )
        }
        return row(
            RecordState(clock: ["a": 1], units: UnitStates(units), deletion: DeletionState(writes: [event("a", 1)])))
    }

    public static func setRow(elements count: Int) -> RecordRow { row(fullSet(count)) }
    public static func counterRow(devices count: Int) -> RecordRow { row(fullCounter(count)) }
    public static func fullRow() -> RecordRow { row(nearlyFull) }

    private static func row(_ state: RecordState) -> RecordRow {
        RecordRow(
            StoredRecord(key: key, state: state, sequence: 1), rules: CollectionRules(), changedAtMilliseconds: 0)
    }

    public static func changingOneField(of state: RecordState) -> RecordState {
        let write = RecordWrite(
            kind: .update, event: event("a", 2), context: ["a": 1],
            writes: [UnitWrite(unit: .field("f1000007"), policy: .lww, change: .assign(2))])
        return state.applying(write, rules: CollectionRules(), limits: Limits()).state
    }

    /// A body of operations each of which has as many faults as it can, within the fields of a batch.
    /// - Parameter nameBytes: roughly, of each field's name.
    public static func badBody(operations count: Int, fields: Int, nameBytes: Int = 8) -> [UInt8] {
        let filling = String(repeating: "n", count: nameBytes)
        return SampleBatch.body(
            operations: count, kind: "no kind", clock: ["ipad-7": -1],
            fields: .object((0..<fields).map { (ExactString("$\(filling) \($0)"), .null) }))
    }

    /// A body of operations each of which has so many members that no operation has.
    public static func strangeBody(operations count: Int, members: Int) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("operations")
        writer.beginArray()
        for _ in 0..<count {
            writer.beginObject()
            for member in 0..<members { writer.member(ExactString("bad \(member)"), 0) }
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    /// A conflict with so many entries, each of which brought one side and took another.
    public static func longConflict(entries count: Int64) -> ConflictHistory {
        func side(_ counter: Int64) -> AuditSideRow {
            AuditSideRow(
                role: "incoming", won: true, present: true, value: "\(counter)", device: "b", counter: counter,
                user: "ana", operation: "o\(counter)", stampMilliseconds: counter, claimedAtMilliseconds: nil)
        }
        let entries = (1...count).map { number in
            AuditEntryRow(
                position: number, conflict: 1, version: number, type: number == 1 ? "opened" : "sides_changed",
                collection: "c", record: "r", batch: "k", device: "b", recordedAtMilliseconds: number,
                clockBefore: "{}", clockAfter: "{}",
                detail: #"{"dropped":[{"counter":\#(number),"device":"b"}],"unit":"t"}"#,
                sides: number == 1 ? [side(1), side(2)] : [side(number + 1)], hash: nil)
        }
        return ConflictHistory(
            conflict: ConflictRow(
                id: 1, kind: "write_write", status: "open", version: count, collection: "c", record: "r", unit: "t",
                policy: "manual", openedAtMilliseconds: 0), entries: entries)
    }
}
