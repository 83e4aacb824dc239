import Causality
import MergeCore
import Testing
import Values

private func sent(_ rule: FieldRule, _ values: [Value]) -> [Tenant] {
    [values, values.reversed()].map { values in
        var tenant = Tenant(rules: CollectionRules(fields: ["t": rule]))
        for (index, value) in values.enumerated() {
            let device = DeviceID("d\(index)")
            tenant.send(
                operation(
                    OperationID("o\(index)"), .create, VersionVector([.init(device: device, counter: 1)]),
                    fields(("t", value))), from: device)
        }
        return tenant
    }
}

@Suite("policies that absorb every write")
struct AbsorbingPoliciesTests {
    @Test("max and min keep the best value in any order, without a conflict")
    func extremes() {
        let numbers: [Value] = [3, .double(7.5), -2, 7]
        for tenant in sent(FieldRule(type: .number, merge: .max), numbers) {
            #expect(tenant.fields == fields(("t", .double(7.5))))
            #expect(tenant.audit.isEmpty)
        }
        for tenant in sent(FieldRule(type: .number, merge: .min), numbers) {
            #expect(tenant.fields == fields(("t", -2)))
        }
        for tenant in sent(FieldRule(type: .string, merge: .max), ["a", "\u{E9}", "Z"]) {
            #expect(tenant.fields == fields(("t", "\u{E9}")))
        }
    }

    @Test("a causally later write never takes a best value back")
    func neverBack() {
        var tenant = Tenant(rules: CollectionRules(fields: ["t": FieldRule(type: .integer, merge: .max)]))
        tenant.send(operation("o", .create, ["a": 1], fields(("t", 9))), from: "a")
        #expect(tenant.send(operation("p", .update, ["a": 2], fields(("t", 4))), from: "a").outcome == .applied)
        #expect(tenant.fields == fields(("t", 9)))
    }

    @Test("max over times takes them in the one spelling whose order is that of time")
    func times() {
        let rule = FieldRule(type: .timestamp, merge: .max)
        let early: Value = "2026-11-20T21:58:12.123Z"
        let late: Value = "2026-11-20T21:58:12.124Z"
        for tenant in sent(rule, [late, early]) { #expect(tenant.fields == fields(("t", late))) }
        for tenant in sent(FieldRule(type: .timestamp, merge: .min), [late, early]) {
            #expect(tenant.fields == fields(("t", early)))
        }
        let refused: [Value] = ["2026-11-20T22:58:12.123+01:00", "2026-11-20T21:58:12Z", .null, "later", 5]
        for value in refused {
            #expect(sent(rule, [value]).allSatisfy { $0.record == nil }, "\(value)")
        }
    }

    @Test("a best value is never null, and of the field's type")
    func comparable() {
        for value: Value in [.null, "1", true, [1]] {
            #expect(sent(FieldRule(type: .integer, merge: .max), [value]).allSatisfy { $0.record == nil }, "\(value)")
        }
    }

    @Test("each increment counts exactly once")
    func counter() {
        for tenant in sent(FieldRule(merge: .counter), [["$increment": 2], ["$increment": -5], ["$increment": 2]]) {
            #expect(tenant.fields == fields(("t", -1)))
            #expect(tenant.audit.isEmpty)
        }
    }

    @Test("two remotes that each counted within 64 bits join at the bound instead of wrapping")
    func counterJoin() {
        let state = { (device: DeviceID) -> RecordState in
            let totals = CounterTotals([.init(dot: Dot(device: device, counter: 1), amount: .max)])
            return RecordState(
                clock: VersionVector([.init(device: device, counter: 1)]), units: [.field("n"): .counter(totals)])
        }
        let joined = state("a").join(state("b"))
        #expect(joined == state("b").join(state("a")))
        #expect(joined.units[.field("n")]?.visible(by: .counter) == .integer(.max))
    }

    @Test("a removal removes only the additions it had seen")
    func set() {
        var tenant = Tenant(rules: CollectionRules(fields: ["t": FieldRule(type: .set, merge: .set)]))
        tenant.send(operation("o", .create, ["a": 1], fields(("t", ["$add": ["b", "a", 1, .null]]))), from: "a")
        #expect(tenant.fields == fields(("t", [.null, 1, "a", "b"])))
        tenant.send(operation("p", .update, ["a": 1, "b": 1], fields(("t", ["$add": ["a"]]))), from: "b")
        tenant.send(operation("q", .update, ["a": 2], fields(("t", ["$remove": ["a", "b", "unknown"]]))), from: "a")
        #expect(tenant.fields == fields(("t", [.null, 1, "a"])))
        #expect(tenant.audit.isEmpty)
    }

    @Test("what an operation adds, its own removal has not seen")
    func addAndRemove() {
        for tenant in sent(FieldRule(type: .set, merge: .set), [["$add": ["a", "a"], "$remove": ["a"]]]) {
            #expect(tenant.fields == fields(("t", ["a"])))
        }
    }
}
