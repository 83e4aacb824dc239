import Causality
import MergeCore
import Testing

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
