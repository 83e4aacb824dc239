import Causality
import MergeCore
import Testing
import Values

@Suite("what a collection declares")
struct DeclaredRulesTests {
    @Test("a singleton collection has one record, under its one id")
    func singleton() {
        var tenant = Tenant(rules: CollectionRules(key: .singleton))
        #expect(tenant.send(operation("o", .create, ["a": 1], fields(("t", "x"))), from: "a").codes == [.valueInvalid])
        let only = operation("p", .create, ["a": 1], fields(("t", "x")), record: notes("singleton"))
        #expect(tenant.send(only, from: "a").outcome == .applied)
        let second = operation("q", .create, ["b": 1], fields(("s", "y")), record: notes("singleton"))
        #expect(tenant.send(second, from: "b").outcome == .merged)
        #expect(tenant.send(operation("r", .delete, ["a": 1]), from: "a").codes == [.valueInvalid])
    }

    @Test("a field takes values of its type and null, and no others")
    func types() {
        let values: [Value] = [
            "text", 1, .double(1.5), true, "2026-11-20T21:58:12.123Z", "0199a1c2-0000-7000-8000-0123456789aB", [1],
            ["a": 1],
        ]
        let admitted: [FieldType: [Int]] = [
            .string: [0, 4, 5], .integer: [1], .number: [1, 2], .boolean: [3], .timestamp: [4], .uuid: [5],
            .json: Array(values.indices),
        ]
        for (type, indices) in admitted {
            #expect(type.admits(.null), "\(type)")
            for index in values.indices {
                var tenant = Tenant(rules: CollectionRules(fields: ["t": FieldRule(type: type)]))
                let outcome = tenant.send(operation("o", .create, ["a": 1], fields(("t", values[index]))), from: "a")
                #expect(outcome.codes == (indices.contains(index) ? [] : [.valueInvalid]), "\(type) \(values[index])")
            }
        }
        #expect(!FieldType.set.admits(.null))
    }

    @Test("a field that is not declared is refused, where fields are declared")
    func undeclared() {
        var tenant = Tenant(rules: CollectionRules(fields: ["t": FieldRule()]))
        let outcome = tenant.send(operation("o", .create, ["a": 1], fields(("u", 1))), from: "a")
        #expect(outcome.codes == [.fieldInvalid])
        #expect(outcome.result.rejections[0].path == ["fields", "u"])
    }

    @Test("a required field is checked on the record that would result")
    func required() {
        var tenant = Tenant(rules: CollectionRules(required: ["t", "s"]))
        let partial = tenant.send(operation("o", .create, ["a": 1], fields(("t", "x"))), from: "a")
        #expect(partial.codes == [.fieldRequired])
        #expect(partial.result.rejections[0].path == ["fields", "s"])
        tenant.send(operation("p", .create, ["a": 1], fields(("t", "x"), ("s", "y"))), from: "a")
        #expect(tenant.send(operation("q", .update, ["a": 2], fields(("t", "z"))), from: "a").outcome == .applied)
        #expect(
            tenant.send(operation("r", .update, ["a": 3], fields(("s", .null))), from: "a").codes == [.fieldRequired])
        #expect(tenant.send(operation("d", .delete, ["a": 3]), from: "a").outcome == .applied)
    }

    @Test("after every write that is taken the required fields are there, whatever was declared before")
    func requiredOfEveryLayout() {
        let layouts = [
            CollectionRules(required: ["f", "g"]),
            CollectionRules(
                fields: ["f": FieldRule(), "g": FieldRule()], groups: ["both": GroupRule(fields: ["f", "g"])],
                required: ["f", "g"]),
            CollectionRules(recordMerge: .lww, required: ["f", "g"]),
        ]
        // Each of the two fields absent, null, or with a value.
        let states: [Value?] = [nil, .null, .integer(1)]
        let contents = states.flatMap { f in
            states.map { g -> ObjectValue in
                var members: [ObjectValue.Member] = []
                if let f { members.append(.init(name: "f", value: f)) }
                if let g { members.append(.init(name: "g", value: g)) }
                return ObjectValue(members)
            }
        }
        let names: [ExactString] = ["f", "g"]
        var coverage = Coverage()
        for rules in layouts {
            let isWhole = rules.recordMerge != nil
            let isGroup = !rules.groups.isEmpty
            for before in contents {
                var old = Tenant(
                    rules: CollectionRules(fields: rules.fields, groups: rules.groups, recordMerge: rules.recordMerge))
                let isTaken = old.send(operation("o", .create, ["a": 1], before), from: "a").outcome == .applied
                guard coverage.includes(isTaken) else { continue }
                let asked = [OperationKind.create, .update, .restore].flatMap { kind in contents.map { (kind, $0) } }
                for (kind, named) in asked where !isGroup || named.count != 1 {
                    var tenant = Tenant(rules: rules)
                    tenant.adopt(old)
                    if kind == .restore { tenant.send(operation("d", .delete, ["a": 2]), from: "a") }
                    let clock: VersionVector =
                        switch kind {
                        case .create, .delete: ["b": 1]
                        case .update: ["a": 1, "b": 1]
                        case .restore: ["a": 2, "b": 1]
                        }
                    let replaces = isWhole && (kind != .restore || !named.isEmpty)
                    let wanted = names.map { named[$0] ?? (replaces ? nil : before[$0]) }
                    let outcome = tenant.send(operation("p", kind, clock, named, at: 9), from: "b")
                    let isThere = wanted.allSatisfy { $0 != nil && $0 != .null }
                    #expect(outcome.codes.isEmpty == isThere, "\(kind) \(named) on \(before): \(outcome.codes)")
                    guard outcome.codes.isEmpty else {
                        #expect(Set(outcome.codes) == [.fieldRequired])
                        continue
                    }
                    #expect(names.map { tenant.fields?[$0] } == wanted, "\(kind) \(named) on \(before)")
                }
            }
        }
        coverage.expect(atLeast: 20)
    }

    @Test("an immutable value may be repeated and not changed by who has seen it; others meet it like any write")
    func immutable() {
        var tenant = Tenant(rules: CollectionRules(fields: ["t": FieldRule(merge: .immutable), "s": FieldRule()]))
        tenant.send(operation("o", .create, ["a": 1], fields(("t", "x")), at: 5), from: "a")
        #expect(
            tenant.send(operation("p", .update, ["a": 1, "b": 1], fields(("t", "y"))), from: "b").codes
                == [.fieldImmutable])
        let repeated = tenant.send(operation("q", .update, ["a": 1, "b": 1], fields(("t", "x"), ("s", 1))), from: "b")
        #expect(repeated.outcome == .applied)
        #expect(
            tenant.send(operation("r", .create, ["c": 1], fields(("t", "z")), at: 9), from: "c").outcome == .conflicted)
        #expect(tenant.fields == fields(("t", "x"), ("s", 1)))
        #expect(tenant.openings.map { $0.sides.map(\.value) } == [["x", "z"]])
        #expect(
            tenant.send(operation("u", .update, ["a": 2], fields(("t", "x"))), from: "a").outcome == .merged)
    }
}
