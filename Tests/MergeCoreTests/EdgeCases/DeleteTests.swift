import Causality
import MergeCore
import Testing
import Values

private func tenant(_ deletes: DeletePolicy) -> Tenant {
    let fields: [ExactString: FieldRule] = [
        "t": FieldRule(), "s": FieldRule(), "n": FieldRule(merge: .counter), "tags": FieldRule(type: .set, merge: .set),
    ]
    return Tenant(rules: CollectionRules(fields: fields, deletes: deletes))
}

@Suite("deletes")
struct DeleteTests {
    @Test(
        "edge 18: delete against a concurrent update, both orders, both policies: one conflict, the whole record kept",
        arguments: bothDeletePolicies)
    func deleteAgainstUpdate(policy: DeletePolicy) {
        var states: [RecordState] = []
        for deleteFirst in [true, false] {
            var tenant = tenant(policy)
            tenant.send(operation("o", .create, ["a": 1], fields(("t", "x"), ("s", "whole"))), from: "a")
            let delete = operation("d", .delete, ["a": 1, "b": 1])
            let update = operation("u", .update, ["a": 2], fields(("t", "y")))
            if deleteFirst {
                #expect(tenant.send(delete, from: "b").outcome == .applied)
                #expect(tenant.send(update, from: "a").outcome == .conflicted)
            } else {
                #expect(tenant.send(update, from: "a").outcome == .applied)
                #expect(tenant.send(delete, from: "b").outcome == .conflicted)
            }
            let whole = fields(("t", "y"), ("s", "whole"))
            #expect(tenant.fields == (policy == .updateWins ? whole : nil))
            #expect(tenant.state.visibleFields(tenant.rules) == whole)
            #expect(tenant.openings.map(\.kind) == [.deleteWrite])
            let sides = tenant.openings[0].sides
            #expect(Set(sides.map(\.value)) == [nil, ["t": "y"]])
            #expect(sides.first { $0.value == nil }?.won == (policy == .deleteWins))
            #expect(sides.count { $0.won } == 1)
            states.append(tenant.state)
        }
        #expect(states[0] == states[1])
    }

    @Test("edge 19: an update that has seen the delete is refused", arguments: bothDeletePolicies)
    func updateOfDeleted(policy: DeletePolicy) {
        var tenant = tenant(policy)
        tenant.send(operation("o", .create, ["a": 1], fields(("t", "x"))), from: "a")
        tenant.send(operation("d", .delete, ["a": 1, "b": 1]), from: "b")
        let update = tenant.send(operation("u", .update, ["a": 2, "b": 1], fields(("t", "y"))), from: "a")
        #expect(update.codes == [.recordDeleted])
        #expect(tenant.fields == nil)
    }

    @Test("edge 19: a create has seen nothing, and a restore has seen something")
    func contexts() {
        var tenant = tenant(.updateWins)
        tenant.send(operation("o", .create, ["a": 1], fields(("t", "x"))), from: "a")
        tenant.send(operation("d", .delete, ["a": 1, "b": 1]), from: "b")
        let create = tenant.send(operation("c", .create, ["a": 2, "b": 1], fields(("t", "y"))), from: "a")
        #expect(create.codes == [.clockInvalid])
        #expect(tenant.send(operation("r", .restore, ["c": 1]), from: "c").codes == [.clockInvalid])
    }

    @Test("edge 19: a restore brings the fields back, with those it names replaced", arguments: bothDeletePolicies)
    func restore(policy: DeletePolicy) {
        var tenant = tenant(policy)
        tenant.send(operation("o", .create, ["a": 1], fields(("t", "x"), ("s", "kept"))), from: "a")
        tenant.send(operation("d", .delete, ["a": 1, "b": 1]), from: "b")
        let restore = operation("r", .restore, ["a": 2, "b": 1], fields(("t", "again")))
        #expect(tenant.send(restore, from: "a").outcome == .applied)
        #expect(tenant.fields == fields(("t", "again"), ("s", "kept")))
        #expect(tenant.openings.isEmpty)
        tenant.send(operation("d2", .delete, ["a": 2, "b": 2]), from: "b")
        #expect(tenant.send(operation("r2", .restore, ["a": 3, "b": 2]), from: "a").outcome == .applied)
        #expect(tenant.fields == fields(("t", "again"), ("s", "kept")))
    }

    @Test("edge 19: an increment that the delete had not seen counts as a write", arguments: bothDeletePolicies)
    func unseenIncrement(policy: DeletePolicy) {
        for deleteFirst in [true, false] {
            var tenant = tenant(policy)
            tenant.send(operation("o", .create, ["a": 1], fields(("n", ["$increment": 1]))), from: "a")
            let unseen = { (tenant: inout Tenant) -> Void in
                tenant.send(operation("i", .update, ["a": 1, "c": 1], fields(("n", ["$increment": 10]))), from: "c")
            }
            if !deleteFirst { unseen(&tenant) }
            tenant.send(operation("d", .delete, ["a": 1, "b": 1]), from: "b")
            if deleteFirst { unseen(&tenant) }
            #expect(tenant.fields == (policy == .updateWins ? fields(("n", 11)) : nil))
            #expect(tenant.openings.map(\.kind) == [.deleteWrite])
        }
    }

    @Test("edge 19: a set change that the delete had not seen counts as a write, a removal too")
    func unseenSetChange() {
        for change: Value in [["$add": ["x"]], ["$remove": ["y"]]] {
            var tenant = tenant(.updateWins)
            tenant.send(operation("o", .create, ["a": 1], fields(("tags", ["$add": ["y", "z"]]))), from: "a")
            tenant.send(operation("d", .delete, ["a": 1, "b": 1]), from: "b")
            tenant.send(operation("s", .update, ["a": 1, "c": 1], fields(("tags", change))), from: "c")
            #expect(tenant.fields != nil)
            #expect(tenant.openings.map(\.kind) == [.deleteWrite])
        }
    }

    @Test("edge 20: two concurrent deletes converge without a conflict", arguments: bothDeletePolicies)
    func deleteAgainstDelete(policy: DeletePolicy) {
        var tenant = tenant(policy)
        tenant.send(operation("o", .create, ["a": 1], fields(("t", "x"))), from: "a")
        #expect(tenant.send(operation("d", .delete, ["a": 1, "b": 1]), from: "b").outcome == .applied)
        #expect(tenant.send(operation("e", .delete, ["a": 1, "c": 1]), from: "c").outcome == .merged)
        #expect(tenant.fields == nil)
        #expect(tenant.audit.isEmpty)
        // A restore that saw only one of them meets the other.
        tenant.send(operation("r", .restore, ["a": 2, "b": 1]), from: "a")
        #expect(tenant.fields == (policy == .updateWins ? fields(("t", "x")) : nil))
        #expect(tenant.openings.map(\.kind) == [.deleteWrite])
    }

    @Test("edge 20: a delete of an unknown record does nothing with an empty context, else it claims too much")
    func deleteOfUnknown() {
        var tenant = tenant(.updateWins)
        let outcome = tenant.send(operation("d", .delete, ["a": 1]), from: "a")
        #expect(outcome.outcome == .applied)
        #expect(outcome.result.sequence == nil)
        #expect(tenant.record == nil)
        #expect(tenant.send(operation("e", .delete, ["a": 1, "b": 1]), from: "b").codes == [.clockAhead])
        #expect(tenant.send(operation("o", .create, ["a": 1], fields(("t", "x"))), from: "a").outcome == .applied)
        #expect(tenant.fields == fields(("t", "x")))
    }

    @Test("edge 21: a write to a purged record is refused, never a silent create")
    func purged() {
        var tenant = tenant(.updateWins)
        tenant.send(operation("o", .create, ["a": 1], fields(("t", "x"))), from: "a")
        tenant.send(operation("d", .delete, ["a": 2]), from: "a")
        tenant.purge(Tenant.key)
        let stored = tenant.stored
        let writes: [Operation] = [
            operation("c", .create, ["b": 1], fields(("t", "y"))),
            operation("u", .update, ["a": 2, "b": 1], fields(("t", "y"))),
            operation("r", .restore, ["a": 2, "b": 1]), operation("e", .delete, ["a": 2, "b": 1]),
        ]
        for write in writes { #expect(tenant.send(write, from: "b").codes == [.recordPurged], "\(write.kind)") }
        #expect(tenant.stored.records == stored.records)
        #expect(tenant.stored.sequence == stored.sequence)
    }

    @Test("where a delete wins, every value that it had not seen is a losing side")
    func hiddenValues() {
        var tenant = tenant(.deleteWins)
        tenant.send(operation("o", .create, ["a": 1], fields(("t", "x"))), from: "a")
        tenant.send(operation("u", .update, ["a": 2], fields(("t", "y"), ("s", "unseen"))), from: "a")
        tenant.send(operation("v", .update, ["a": 1, "c": 1], fields(("n", ["$increment": 3]))), from: "c")
        tenant.send(operation("d", .delete, ["a": 1, "b": 1]), from: "b")
        #expect(tenant.fields == nil)
        let lost = tenant.openings.flatMap(\.sides).filter { !$0.won }.map(\.value)
        #expect(Set(lost) == [["t": "y", "s": "unseen"], ["n": 3]])
    }

    @Test("where a delete wins, a value that a restore had brought back is a losing side in both orders")
    func hiddenAfterRestore() {
        for unseenDeleteFirst in [true, false] {
            var tenant = tenant(.deleteWins)
            tenant.send(operation("o", .create, ["a": 1], fields(("t", "x"))), from: "a")
            tenant.send(operation("u", .update, ["a": 2], fields(("s", "unseen"))), from: "a")
            tenant.send(operation("d", .delete, ["a": 2, "b": 1]), from: "b")
            let other = operation("e", .delete, ["a": 1, "d": 1])
            if unseenDeleteFirst { tenant.send(other, from: "d") }
            tenant.send(operation("r", .restore, ["a": 2, "b": 1, "c": 1]), from: "c")
            if !unseenDeleteFirst { tenant.send(other, from: "d") }
            #expect(tenant.fields == nil)
            let lost = tenant.openings.flatMap(\.sides).filter { !$0.won }.compactMap(\.value)
            #expect(
                lost.contains { if case .object(let object) = $0 { object["s"] == "unseen" } else { false } }, "\(lost)"
            )
        }
    }
}
