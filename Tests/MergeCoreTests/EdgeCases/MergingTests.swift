import Causality
import MergeCore
import Testing
import Values

@Suite("merging")
struct MergingTests {
    @Test("edge 22: two creates of one id merge by field like any concurrent pair")
    func createAgainstCreate() {
        var tenant = Tenant()
        tenant.send(operation("o", .create, ["a": 1], fields(("t", "x"), ("s", "left")), at: 1), from: "a")
        let outcome = tenant.send(
            operation("p", .create, ["b": 1], fields(("t", "y"), ("r", "right")), at: 2), from: "b")
        #expect(outcome.outcome == .conflicted)
        #expect(tenant.fields == fields(("t", "y"), ("s", "left"), ("r", "right")))
        #expect(tenant.openings.map(\.unit) == [.field("t")])
    }

    @Test("edge 23: concurrent on disjoint fields: both stay, merged, no conflict")
    func disjoint() {
        var tenant = Tenant()
        tenant.send(operation("o", .create, ["a": 1], fields(("t", "x"))), from: "a")
        tenant.send(operation("p", .update, ["a": 2], fields(("s", "left"))), from: "a")
        let outcome = tenant.send(operation("q", .update, ["a": 1, "b": 1], fields(("r", "right"))), from: "b")
        #expect(outcome.outcome == .merged)
        #expect(tenant.fields == fields(("t", "x"), ("s", "left"), ("r", "right")))
        #expect(tenant.audit.isEmpty)
    }

    @Test("edge 23: concurrent, same field, same value: they converge", arguments: [MergePolicy.lww, .fww, .manual])
    func sameValue(policy: MergePolicy) {
        var tenant = Tenant(rules: CollectionRules(fields: ["t": FieldRule(merge: policy)]))
        tenant.send(operation("o", .create, ["a": 1], fields(("t", "x"))), from: "a")
        #expect(tenant.send(operation("p", .create, ["b": 1], fields(("t", "x"))), from: "b").outcome == .merged)
        #expect(tenant.fields == fields(("t", "x")))
        #expect(tenant.audit.isEmpty)
    }

    @Test(
        "edge 23: concurrent, same field, other value: one conflict with both values, the policy chooses what shows",
        arguments: [(MergePolicy.lww, "late"), (.fww, "early"), (.immutable, "early"), (.manual, "late")])
    func otherValue(policy: MergePolicy, shown: String) {
        for lateFirst in [true, false] {
            var tenant = Tenant(rules: CollectionRules(fields: ["t": FieldRule(merge: policy)]))
            let early = operation("o", .create, ["a": 1], fields(("t", "early")), at: 1)
            let late = operation("p", .create, ["b": 1], fields(("t", "late")), at: 2)
            if lateFirst { tenant.send(late, from: "b") }
            tenant.send(early, from: "a")
            if !lateFirst { tenant.send(late, from: "b") }
            #expect(tenant.fields == fields(("t", .string(shown))))
            #expect(tenant.openings.count == 1)
            #expect(Set(tenant.openings[0].sides.map(\.value)) == ["early", "late"])
            #expect(tenant.openings[0].sides.filter(\.won).map(\.value) == [.string(shown)])
            #expect(tenant.openings[0].status == (policy == .manual ? .open : .automatic))
        }
    }

    @Test(
        "edge 25: a value that stops showing is recorded as lost, although the event behind it was seen and a twin stays"
    )
    func survivingTwin() {
        var tenant = Tenant()
        tenant.send(operation("o", .create, ["a": 1], fields(("t", "x")), at: 9), from: "a")
        tenant.send(operation("p", .create, ["b": 1], fields(("t", "x")), at: 1), from: "b")
        tenant.send(operation("q", .create, ["c": 1], fields(("t", "y")), at: 5), from: "c")
        let outcome = tenant.send(operation("r", .update, ["a": 2], fields(("t", "z")), at: 0), from: "a")
        #expect(tenant.fields == fields(("t", "y")))
        #expect(outcome.outcome == .conflicted)
        #expect(Set(tenant.openings.flatMap(\.sides).filter { !$0.won }.map(\.value)) == ["x", "y", "z"])
    }

    @Test("edge 28: counter and set changes on other fields, and plain values on those, are refused")
    func changesOfAnotherPolicy() {
        let rules = CollectionRules(fields: [
            "t": FieldRule(), "n": FieldRule(merge: .counter), "tags": FieldRule(type: .set, merge: .set),
            "high": FieldRule(type: .integer, merge: .max),
        ])
        let wrong: [(ExactString, Value)] = [
            ("t", ["$increment": 1]), ("t", ["$add": ["x"]]), ("t", ["$remove": []]), ("n", 5), ("n", .null),
            ("n", ["$add": ["x"]]), ("n", ["$increment": "1"]), ("n", ["$increment": .double(1.5)]),
            ("n", ["$increment": 1, "more": 2]), ("tags", ["x"]), ("tags", .null), ("tags", ["$increment": 1]),
            ("tags", ["$add": "x"]), ("tags", [:]), ("tags", ["$add": ["x"], "more": []]), ("high", ["$increment": 1]),
        ]
        for (name, value) in wrong {
            var tenant = Tenant(rules: rules)
            let outcome = tenant.send(operation("o", .create, ["a": 1], fields((name, value))), from: "a")
            #expect(outcome.codes == [.valueInvalid], "\(name) \(value)")
            #expect(outcome.result.rejections.first?.path == ["fields", name])
            #expect(tenant.record == nil)
        }
    }

    @Test("edge 28: a counter that would leave 64 bits is refused, and counts on after that")
    func counterOverflow() {
        var tenant = Tenant(rules: CollectionRules(fields: ["n": FieldRule(merge: .counter)]))
        let big: Value = ["$increment": .integer(.max)]
        tenant.send(operation("o", .create, ["a": 1], fields(("n", big))), from: "a")
        let over = tenant.send(operation("p", .create, ["b": 1], fields(("n", ["$increment": 1]))), from: "b")
        #expect(over.codes == [.valueInvalid])
        #expect(tenant.fields == fields(("n", .integer(.max))))
        let under = tenant.send(operation("q", .create, ["b": 1], fields(("n", ["$increment": -1]))), from: "b")
        #expect(under.outcome == .merged)
        #expect(tenant.fields == fields(("n", .integer(.max - 1))))
        #expect(
            tenant.send(operation("r", .update, ["a": 2], fields(("n", ["$increment": .integer(.min)]))), from: "a")
                .outcome == .merged)
        #expect(tenant.fields == fields(("n", -2)))
    }

    @Test("edge 29: a group written in part is refused, and every missing field is named")
    func groupIncomplete() {
        var tenant = Tenant(rules: CollectionRules(groups: ["place": GroupRule(fields: ["lat", "lng", "name"])]))
        let outcome = tenant.send(operation("o", .create, ["a": 1], fields(("lng", 1))), from: "a")
        #expect(outcome.codes == [.groupIncomplete, .groupIncomplete])
        #expect(outcome.result.rejections.map(\.path) == [["fields", "lat"], ["fields", "name"]])
    }

    @Test("problems are named in one order, whatever the order in which the groups were found")
    func problemsInOrder() {
        let names = (0..<8).map { ExactString("g\($0)") }
        let field = { (name: ExactString, end: String) in ExactString(name.text + end) }
        let groups = Dictionary(
            uniqueKeysWithValues: names.map { ($0, GroupRule(fields: [field($0, "x"), field($0, "y")])) })
        var tenant = Tenant(rules: CollectionRules(groups: groups))
        let halves = ObjectValue(names.map { ObjectValue.Member(name: field($0, "x"), value: 1) })
        let outcome = tenant.send(operation("o", .create, ["a": 1], halves), from: "a")
        #expect(outcome.result.rejections.map(\.path) == names.map { ["fields", field($0, "y")] })
    }

    @Test("edge 29: of two concurrent writes of a group one side wins whole")
    func groupWinsWhole() {
        for reversed in [true, false] {
            var tenant = Tenant(rules: CollectionRules(groups: ["place": GroupRule(fields: ["lat", "lng"])]))
            let writes = [
                ("a" as DeviceID, operation("o", .create, ["a": 1], fields(("lat", 1), ("lng", 2)), at: 1)),
                ("b", operation("p", .create, ["b": 1], fields(("lat", 1), ("lng", 3)), at: 2)),
            ]
            for (device, write) in reversed ? writes.reversed() : writes { tenant.send(write, from: device) }
            #expect(tenant.fields == fields(("lat", 1), ("lng", 3)))
            #expect(tenant.openings.map(\.unit) == [.group("place")])
        }
    }

    @Test("edge 29: with the whole record as one unit, one of two concurrent records wins whole")
    func wholeRecord() {
        var tenant = Tenant(rules: CollectionRules(recordMerge: .lww))
        tenant.send(operation("o", .create, ["a": 1], fields(("t", "x"), ("s", "only left")), at: 2), from: "a")
        tenant.send(operation("p", .create, ["b": 1], fields(("t", "y"), ("r", "only right")), at: 1), from: "b")
        #expect(tenant.fields == fields(("t", "x"), ("s", "only left")))
        #expect(tenant.openings.map(\.unit) == [.record])
        tenant.send(operation("q", .update, ["a": 1, "b": 2], fields(("t", "z"))), from: "b")
        #expect(tenant.fields == fields(("t", "z")))
    }
}
