import Causality
import MergeCore
import SyncStorage
import Testing
import Values

/// A family of the tests' own: of all texts that were ever written the longest shows. Nothing but this type knows of it.
private struct LongestText: MergeFamily {
    let text: ExactString
    let event: Event

    static func change(
        from value: Value, of field: FieldRule, limits: Limits
    ) throws(FamilyRefusal) -> UnitWrite.Change {
        guard case .string = value else { throw FamilyRefusal("This field takes a text.") }
        return .assign(value)
    }

    static func apply(
        _ write: UnitWrite, in context: WriteContext, equality: UnitEquality, to state: inout Self?
    ) -> RegisterMerge? {
        guard case .assign(.string(let text)) = write.change else { return nil }
        let written = Self(text: text, event: context.event)
        state = state?.longer(written) ?? written
        return nil
    }

    /// The longer text; the greater of two that are of one length, and the earlier of two that are the same.
    private func longer(_ other: Self) -> Self {
        if text == other.text { return event.stamp < other.event.stamp ? self : other }
        return (text.byteCount, text) > (other.text.byteCount, other.text) ? self : other
    }

    func join(_ other: Self, clock: VersionVector, otherClock: VersionVector) -> Self { longer(other) }
    func visible(by policy: MergePolicy) -> Value? { .string(text) }

    func isHeld(_ write: UnitWrite, by equality: UnitEquality) -> Bool {
        guard case .assign(.string(let text)) = write.change else { return false }
        return longer(Self(text: text, event: event)).text == self.text
    }

    func weigh(into weight: inout UnitWeight, of unit: UnitKey) {
        weight.add(.string(text))
        weight.add(event)
    }

    static var kinds: [String] { ["longest"] }
    func visitEvents(_ visit: (Event) -> Void) { visit(event) }

    func encode(into writer: inout some UnitStateWriter) {
        writer.event(event)
        writer.value(.string(text))
    }

    init(kind: String, from reader: inout some UnitStateReader) throws(UnreadableState) {
        event = try reader.event()
        guard case .string(let text) = try reader.value() else { throw UnreadableState() }
        self.text = text
    }

    init(text: ExactString, event: Event) {
        self.text = text
        self.event = event
    }
}

private let longest = MergePolicy("longest", of: LongestText.self)
private let key = RecordKey(collection: "notes", id: "n")

private func declaring(_ policy: MergePolicy = longest, deletes: DeletePolicy = .updateWins) -> CollectionRules {
    CollectionRules(
        fields: ["motto": FieldRule(type: .string, merge: policy), "title": FieldRule()], deletes: deletes,
        required: ["motto"])
}

/// One record, written to as a store has it written.
private struct Notes {
    var rules = declaring()
    var snapshot = Snapshot()
    var openings: [ConflictOpening] = []

    var state: RecordState { snapshot.records[key]?.state ?? RecordState() }
    var shown: Value? { state.visibleFields(rules)["motto"] }

    @discardableResult
    mutating func send(
        _ kind: OperationKind, _ clock: VersionVector, motto: Value? = nil, from device: DeviceID
    ) -> OperationResult? {
        let id = "\(device.name) \(clock)"
        let digits = Array(id.utf8.suffix(32))
        let operation = Operation(
            id: OperationID(id), kind: kind, record: key, clock: clock, claimedMilliseconds: nil,
            fields: ObjectValue(motto.map { [ObjectValue.Member(name: "motto", value: $0)] } ?? []),
            fingerprint: Digest(bytes: digits + Array(repeating: 0, count: 32 - digits.count))
                ?? Digest(words: (0, 0, 0, 0)))
        var decider = BatchDecider(over: snapshot, under: DecisionSettings(schema: Schema(declaring: ["notes": rules])))
        let decision = decider.decide(
            Batch(
                key: ExactString(id), device: device, user: "u", atomicity: .eachOperation,
                receivedAtMilliseconds: 1_000,
                sentAtMilliseconds: nil, items: [.operation(operation)]))
        snapshot.records.merge(decider.plan.records) { _, later in later }
        for case .opened(let opening) in decider.plan.audit.map(\.content) { openings.append(opening) }
        return decision.outcomes.first?.result
    }
}

@Suite("a family of the tests' own goes the whole way")
struct OwnFamilyTests {
    @Test("what its field takes is its own to say, and a refusal names the field")
    func admits() {
        var notes = Notes()
        for value: Value in [7, .null, ["$increment": 1], ["x"]] {
            let result = notes.send(.create, ["a": 1], motto: value, from: "a")
            #expect(result?.rejections.first?.detail == "This field takes a text.", "\(value)")
            #expect(result?.rejections.first?.path == ["fields", "motto"])
        }
        #expect(notes.send(.create, ["a": 1], motto: "on", from: "a")?.outcome == .applied)
        #expect(notes.shown == "on")
    }

    @Test("a required field of it is there once it was written")
    func required() {
        var notes = Notes()
        #expect(notes.send(.create, ["a": 1], from: "a")?.outcome == .rejected)
        notes.send(.create, ["a": 1], motto: "on", from: "a")
        #expect(notes.send(.update, ["a": 2], from: "a")?.outcome == .applied)
    }

    @Test("in either order the same shows, without a conflict, and a later write does not take it back")
    func applies() {
        var states: [RecordState] = []
        let known: VersionVector = ["a": 1]
        for isReversed in [false, true] {
            var notes = Notes()
            notes.send(.create, ["a": 1], motto: "short", from: "a")
            var writes: [(DeviceID, Value)] = [("b", "the longest of them"), ("c", "a longer one")]
            if isReversed { writes.reverse() }
            for (device, motto) in writes {
                let result = notes.send(
                    .update, known.setting(device, to: 1), motto: motto, from: device)
                #expect(result?.conflicts.isEmpty == true && result?.sequence != nil)
            }
            #expect(notes.send(.update, ["a": 2, "b": 1, "c": 1], motto: "no", from: "a")?.outcome == .applied)
            #expect(notes.shown == "the longest of them")
            states.append(notes.state)
        }
        #expect(states[0] == states[1])
    }

    @Test("states join in every order to what was written to one of them")
    func joins() {
        let replicas = [("a", "on"), ("b", "the longest"), ("c", "longer")].map { name, motto in
            var notes = Notes()
            notes.send(.update, [DeviceID(name): 1], motto: .string(motto), from: DeviceID(name))
            return notes.state
        }
        let (a, b, c) = (replicas[0], replicas[1], replicas[2])
        #expect(a.join(b) == b.join(a) && a.join(b).join(c) == a.join(b.join(c)) && a.join(a) == a)
        #expect(a.join(RecordState()) == a && RecordState().join(a) == a)
        #expect(a.join(c).join(b).visibleFields(declaring())["motto"] == "the longest")
    }

    @Test("beside a state of another family the higher one stays, and writes are refused until the declaration fits")
    func otherFamily() {
        var own = Notes()
        own.send(.update, ["a": 1], motto: "on", from: "a")
        for policy in [MergePolicy.lww, .max] {
            var other = Notes(rules: declaring(policy))
            other.send(.update, ["b": 1], motto: "the longest", from: "b")
            let joined = own.state.join(other.state)
            #expect(joined == other.state.join(own.state))
            #expect(joined.visibleFields(declaring())["motto"] == "on", "\(policy)")
            other.rules = declaring()
            let result = other.send(.update, ["b": 2], motto: "x", from: "b")
            #expect(result?.rejections.first?.code == .valueInvalid, "\(policy)")
        }
    }

    @Test("a delete that had not seen it has it for a side, and so has an operation that came too late")
    func sides() throws {
        var notes = Notes(rules: declaring(deletes: .deleteWins))
        notes.send(.create, ["a": 1], motto: "on", from: "a")
        notes.send(.update, ["a": 1, "b": 1], motto: "longer", from: "b")
        notes.send(.delete, ["a": 1, "c": 1], from: "c")
        let meeting = try #require(notes.openings.first)
        #expect(meeting.kind == .deleteWrite && meeting.sides.map(\.value) == [["motto": "longer"], nil])

        var late = Notes()
        late.send(.create, ["a": 1], motto: "on", from: "a")
        late.send(.update, ["a": 1, "b": 1], motto: "longer", from: "b")
        late.send(.create, ["a": 1], motto: "of", from: "a")
        #expect(late.openings.isEmpty, "what changes nothing is lost to nobody")
        late.send(.create, ["a": 1], motto: "the longest", from: "a")
        let stale = try #require(late.openings.first)
        #expect(stale.kind == .stale && stale.policy == "longest")
        #expect(stale.sides.map(\.value) == ["longer", "the longest"])
        #expect(stale.sides.map(\.event.dot.device) == ["b", "a"])
    }

    @Test("its stored form is its own, and is read back where the family is known")
    func stored() throws {
        var notes = Notes()
        notes.send(.create, ["a": 1], motto: "on", from: "a")
        notes.send(.update, ["a": 1, "b": 1], motto: "the longest", from: "b")
        let record = try #require(notes.snapshot.records[key])
        let row = RecordRow(record, rules: notes.rules, changedAtMilliseconds: 1)
        #expect(row.state.contains(#"["f","motto","longest",0,"the longest"]"#))
        var decoder = RecordDecoder(families: MergeFamilies.builtIn.and(LongestText.self))
        #expect(try decoder.record(row) == record)
        #expect(throws: StoreError.damaged("the state of record \(key.collection)/\(key.id) cannot be read")) {
            try row.decoded()
        }
    }
}
