import Causality
import MergeCore
import SeededRandom
import Testing
import Values

private let lower: Value = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
private let upper: Value = "3FA85F64-5717-4562-B3FC-2C963F66AFA6"
private let inUTC: Value = "2026-11-20T21:58:12.5Z"
private let inBerlin: Value = "2026-11-20t22:58:12.500000+01:00"

/// Two spellings of one value of the type, and another value.
private let spellings: [(FieldType, Value, Value, Value)] = [
    (.uuid, lower, upper, "00000000-5717-4562-b3fc-2c963f66afa6"),
    (.timestamp, inUTC, inBerlin, "2026-11-20T21:58:12.5001Z"),
]

private func rules(_ type: FieldType, _ policy: MergePolicy) -> CollectionRules {
    CollectionRules(
        fields: ["t": FieldRule(type: type, merge: policy), "g": FieldRule(type: type), "h": FieldRule(type: type)],
        groups: ["pair": GroupRule(fields: ["g", "h"], merge: policy)])
}

/// Two devices that have not seen each other write the two values; the second has the greater stamp.
private func apart(_ rules: CollectionRules, _ first: ObjectValue, _ second: ObjectValue) -> (Tenant, OutcomeKind) {
    var tenant = Tenant(rules: rules)
    tenant.send(operation("o", .create, ["a": 1], first, at: 1), from: "a")
    let outcome = tenant.send(operation("p", .create, ["b": 1], second, at: 2), from: "b").outcome
    return (tenant, outcome)
}

@Suite("a uuid is equal by value and a timestamp by instant; both keep the spelling of the winner")
struct SpellingTests {
    @Test("two spellings converge under every policy that keeps values, and what differs is a conflict")
    func convergence() {
        for (type, one, other, different) in spellings {
            for policy in [MergePolicy.lww, .fww, .manual, .immutable] {
                let rules = rules(type, policy)
                let (same, merged) = apart(rules, fields(("t", one)), fields(("t", other)))
                #expect(merged == .merged && same.audit.isEmpty, "\(type) \(policy)")
                let isFirst = policy == .fww || policy == .immutable
                #expect(same.fields == fields(("t", isFirst ? one : other)), "\(type) \(policy)")
                #expect(same.state.siblings(rules).isEmpty)
                let (_, conflicted) = apart(rules, fields(("t", one)), fields(("t", different)))
                #expect(conflicted == .conflicted, "\(type) \(policy)")
            }
        }
    }

    @Test("groups and whole records are the same when their fields are, each by its type")
    func severalFields() {
        for (type, one, other, different) in spellings {
            for policy in [MergePolicy.lww, .manual] {
                let grouped = rules(type, policy)
                #expect(
                    apart(grouped, fields(("g", one), ("h", other)), fields(("g", other), ("h", one))).1 == .merged)
                #expect(
                    apart(grouped, fields(("g", one), ("h", one)), fields(("g", one), ("h", different))).1
                        == .conflicted)
                let whole = CollectionRules(
                    fields: ["g": FieldRule(type: type), "h": FieldRule(type: .string)], recordMerge: policy)
                #expect(
                    apart(whole, fields(("g", one), ("h", "x")), fields(("g", other), ("h", "x"))).1 == .merged)
                // The other field is a text: its spelling is its value.
                #expect(
                    apart(whole, fields(("g", one), ("h", one)), fields(("g", other), ("h", other))).1 == .conflicted)
            }
        }
    }

    @Test("fields of other types, and fields that are not declared, are equal as they are spelled")
    func otherTypes() {
        for (_, one, other, _) in spellings {
            for type in [FieldType.string, .json] {
                #expect(apart(rules(type, .lww), fields(("t", one)), fields(("t", other))).1 == .conflicted)
            }
            #expect(apart(CollectionRules(), fields(("t", one)), fields(("t", other))).1 == .conflicted)
        }
    }

    @Test("an immutable value may be repeated in another spelling, and keeps its first")
    func immutable() {
        for (type, one, other, different) in spellings {
            var tenant = Tenant(rules: rules(type, .immutable))
            tenant.send(operation("o", .create, ["a": 1], fields(("t", one))), from: "a")
            #expect(tenant.send(operation("p", .update, ["a": 2], fields(("t", other))), from: "a").outcome == .applied)
            #expect(tenant.fields == fields(("t", one)))
            #expect(
                tenant.send(operation("q", .update, ["a": 3], fields(("t", different))), from: "a").codes
                    == [.fieldImmutable])
        }
    }

    @Test(
        "an open conflict closes when what is left is one value in two spellings; a side in another one is no new side")
    func openConflict() {
        for (type, one, other, different) in spellings {
            var (tenant, _) = apart(rules(type, .manual), fields(("t", one)), fields(("t", different)))
            tenant.send(operation("q", .create, ["c": 1], fields(("t", other)), at: 0), from: "c")
            #expect(tenant.audit.count == 1)
            tenant.send(operation("r", .update, ["b": 2], fields(("t", other)), at: 9), from: "b")
            #expect(tenant.record?.openConflicts == [:])
            #expect(AuditedSides(tenant.audit).open.isEmpty)
        }
    }

    @Test("an operation that comes too late with the value in another spelling has nothing to remember")
    func stale() {
        for (type, one, other, different) in spellings {
            var (tenant, _) = apart(rules(type, .lww), fields(("t", different)), fields(("t", one)))
            let before = tenant.audit.count
            let late = operation("late", .create, ["b": 1], fields(("t", other)), at: 2)
            tenant.stored.operations = [:]
            tenant.stored.dots = [:]
            #expect(tenant.send(late, from: "b").outcome == .older)
            #expect(tenant.audit.count == before)
        }
    }

    @Test("a decision for a value in another spelling is the same decision")
    func decisions() throws {
        for (type, one, other, different) in spellings {
            var (tenant, _) = apart(rules(type, .manual), fields(("t", one)), fields(("t", different)))
            let conflict = try #require(tenant.recorded(tenant.audit.first?.conflict))
            let reviewer = Reviewer(user: "rita", nowMilliseconds: 1)
            tenant.decide(Decision(version: 1, choice: .value(one)), on: conflict, by: reviewer)
            let ended = try #require(tenant.recorded(conflict.id))
            #expect(
                tenant.decide(Decision(version: 2, choice: .value(other)), on: ended, by: reviewer) == .repeated)
            #expect(
                tenant.decide(Decision(version: 2, choice: .value(different)), on: ended, by: reviewer)
                    == .decidedOtherwise)
        }
    }

    @Test("instants are told apart to their last digit, and a leap second from the second before it")
    func instants() {
        let same: [(String, String)] = [
            ("2026-01-01T00:00:00Z", "2025-12-31T19:00:00.000-05:00"),
            ("2026-01-01 00:00:00.10z", "2026-01-01T00:00:00.1Z"),
            ("2016-12-31T23:59:60Z", "2017-01-01T00:59:60+01:00"),
            ("2026-01-01T00:00:00-00:00", "2026-01-01T00:00:00Z"),
        ]
        for (left, right) in same {
            #expect(FieldType.timestamp.areSame(.string(left), .string(right)), "\(left), \(right)")
        }
        let different: [(String, String)] = [
            ("2026-01-01T00:00:00.0001Z", "2026-01-01T00:00:00.0002Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999Z"),
            ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00+00:01"), ("2026-01-01T00:00:00Z", "not a time"),
        ]
        for (left, right) in different {
            #expect(!FieldType.timestamp.areSame(.string(left), .string(right)), "\(left), \(right)")
        }
    }

    /// The state function knows no types: it holds both events of two spellings, and the laws of the join stay as they are.
    @Test("histories in mixed spellings mean what they mean in one spelling: the same outcomes, sides and endings")
    func histories() {
        let typed = CollectionRules(
            fields: [
                "u": FieldRule(type: .uuid, merge: .manual), "v": FieldRule(type: .timestamp),
                "w": FieldRule(type: .uuid, merge: .fww),
                "g": FieldRule(type: .timestamp), "h": FieldRule(type: .uuid),
            ], groups: ["pair": GroupRule(fields: ["g", "h"], merge: .manual)])
        for seed in UInt64(22_000)..<22_120 {
            let mixed = spelledHistory(typed, seed: seed, isMixed: true)
            let plain = spelledHistory(typed, seed: seed, isMixed: false)
            var (one, other) = (Tenant(rules: typed), Tenant(rules: typed))
            for index in mixed.randomOrder(seed) {
                let left = one.send(mixed.operation(index), from: mixed.device(index)).result
                let right = other.send(plain.operation(index), from: plain.device(index)).result
                #expect(left == right, "seed \(seed), event \(index)\n\(mixed)")
                guard left == right else { return }
            }
            #expect(one.audit.map(Entry.init) == other.audit.map(Entry.init), "seed \(seed)\n\(mixed)")
            #expect(one.record?.openConflicts == other.record?.openConflicts)
        }
    }
}

/// An entry of the audit without its values.
private struct Entry: Hashable {
    let conflict: ConflictID
    let version: Int64
    let dots: [Dot]
    let dropped: [Dot]

    init(_ entry: AuditEntry) {
        conflict = entry.conflict
        version = entry.version
        switch entry.content {
        case .opened(let opening): (dots, dropped) = (opening.sides.map(\.event.dot), [])
        case .sidesChanged(_, let joined, let gone): (dots, dropped) = (joined.map(\.event.dot), gone)
        case .superseded(let event): (dots, dropped) = ([event.dot], [])
        case .resolved, .commented, .assigned: (dots, dropped) = ([], [])
        }
    }
}

/// The same history whatever the spellings: in one, or in several at random.
private func spelledHistory(_ rules: CollectionRules, seed: UInt64, isMixed: Bool) -> History {
    var generator = SeededGenerator(seed: seed)
    let times = ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "2025-12-31t23:59:00.000-00:01"]
    func value(_ type: FieldType) -> Value {
        let (which, spelling) = (generator.below(3), generator.below(3))
        switch type {
        case .uuid:
            let text = "3fa85f64-5717-4562-b3fc-2c963f66af0" + ["a", "b", "c"][which]
            return .string(isMixed && spelling > 0 ? text.uppercased() : text)
        default:
            let text = times[isMixed ? spelling : 0]
            return .string(["20", "19", "18"][which] + text.dropFirst(2))
        }
    }
    var replicas = [EventSet](repeating: EventSet(), count: 4)
    var events: [HistoryEvent] = []
    while events.count < 12 {
        let device = generator.below(4)
        if generator.below(3) == 0 {
            replicas[device] = replicas[device].union(replicas[generator.below(4)])
            continue
        }
        var writes = [
            UnitWrite(unit: .field("u"), policy: .manual, change: .assign(value(.uuid))),
            UnitWrite(unit: .field("v"), policy: .lww, change: .assign(value(.timestamp))),
            UnitWrite(unit: .field("w"), policy: .fww, change: .assign(value(.uuid))),
        ]
        let pair: Value = ["g": value(.timestamp), "h": value(.uuid)]
        writes.append(UnitWrite(unit: .group("pair"), policy: .manual, change: .assign(pair)))
        events.append(
            HistoryEvent(
                device: device, past: replicas[device], action: .write(writes.sorted { $0.unit < $1.unit }),
                milliseconds: Int64(generator.below(1_000)), label: generator.next()))
        replicas[device] = replicas[device].with(events.count - 1)
    }
    return History(rules: rules, events: events)
}
