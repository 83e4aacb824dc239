import Causality
import MergeCore
import Testing

private func malformed(_ id: OperationID?, _ record: RecordKey? = nil) -> BatchItem {
    .malformed(
        MalformedOperation(
            id: id, record: record, content: [:], rejections: [Rejection(.clockInvalid, "Not a clock.", at: ["clock"])])
    )
}

private func batch(_ items: [BatchItem], _ atomicity: Batch.Atomicity) -> Batch {
    Batch(
        key: "k", device: "a", user: "ada", atomicity: atomicity, receivedAtMilliseconds: Batch.receivedAt,
        sentAtMilliseconds: nil, items: items)
}

private func create(_ id: OperationID, _ record: ExactString, dependsOn: [OperationID] = []) -> Operation {
    operation(id, .create, ["a": 1], fields(("t", "x")), record: notes(record), dependsOn: dependsOn)
}

@Suite("batches")
struct BatchTests {
    @Test("edge 30: several operations on one record are serial, and none conflicts with another")
    func serial() {
        var tenant = Tenant()
        let decision = tenant.commit(
            Batch(
                "a",
                [
                    operation("o", .create, ["a": 1], fields(("t", "one")), at: 30),
                    operation("p", .update, ["a": 2], fields(("t", "two")), at: 20),
                    operation("q", .delete, ["a": 3], at: 10),
                    operation("r", .restore, ["a": 4], fields(("t", "three")), at: 5),
                ]))
        #expect(decision.outcomes.map(\.outcome) == [.applied, .applied, .applied, .applied])
        #expect(decision.outcomes.map(\.result.relation) == [.newer, .newer, .newer, .newer])
        #expect(decision.outcomes.map(\.result.sequence) == [1, 1, 1, 1])
        #expect(tenant.fields == fields(("t", "three")))
        #expect(tenant.audit.isEmpty)
        #expect(tenant.stored.dots.count == 4)
    }

    @Test("each changed record gets one place in the feed, in the order in which the batch touched them first")
    func sequences() {
        var tenant = Tenant()
        tenant.commit(
            Batch("a", [create("o", "z"), create("p", "y"), operation("q", .update, ["a": 2], record: notes("z"))]))
        #expect(tenant.stored.records[notes("z")]?.sequence == 1)
        #expect(tenant.stored.records[notes("y")]?.sequence == 2)
        #expect(tenant.stored.sequence == 2)
    }

    @Test("edge 31: atomic: one bad operation refuses all, every problem is named, nothing is stored")
    func allOrNothing() {
        var tenant = Tenant(rules: CollectionRules(fields: ["t": FieldRule(type: .string)]))
        let items: [BatchItem] = [
            .operation(create("good", "1")),
            .operation(operation("bad", .create, ["a": 1], fields(("t", 1), ("u", 1)), record: notes("2"))),
            malformed("broken"), .operation(create("fine", "3")),
        ]
        let decision = tenant.commit(batch(items, .allOrNothing))
        #expect(decision.isRefused)
        #expect(decision.outcomes[1].codes == [.valueInvalid, .fieldInvalid])
        #expect(decision.outcomes[1].result.rejections.map(\.path) == [["fields", "t"], ["fields", "u"]])
        #expect(decision.outcomes[2].codes == [.clockInvalid])
        #expect(decision.operations.isEmpty)
        #expect(tenant.stored == Snapshot())
        #expect(tenant.audit.isEmpty)
        // Repaired, the same operations go through: nothing of the refused batch was kept.
        let repaired = tenant.commit(batch([items[0], items[3]], .allOrNothing))
        #expect(repaired.outcomes.map(\.outcome) == [.applied, .applied])
        #expect(repaired.outcomes.allSatisfy { !$0.isReplayed })
    }

    @Test("edge 31: a refused batch leaves no trace for the batches that share its transaction")
    func refusedLeavesNoTrace() {
        var decider = BatchDecider(over: Snapshot(), under: DecisionSettings(schema: .open))
        let bad = operation("bad", .update, ["a": 7], fields(("t", "x")), record: notes("2"))
        #expect(decider.decide(Batch("a", [create("o", "1"), bad], atomicity: .allOrNothing)).isRefused)
        #expect(decider.plan.records.isEmpty)
        #expect(decider.plan.sequence == 0)
        let next = decider.decide(Batch("a", [create("o", "1")]))
        #expect(next.outcomes.map(\.isReplayed) == [false])
        #expect(next.outcomes.map(\.result.sequence) == [1])
    }

    @Test("edge 31: not atomic: only the bad one is rejected, its dependants are skipped, the rest commits")
    func eachOperation() {
        var tenant = Tenant(rules: CollectionRules(fields: ["t": FieldRule(type: .string)]))
        let items: [BatchItem] = [
            .operation(operation("bad", .create, ["a": 1], fields(("t", 1)), record: notes("1"))),
            .operation(operation("same record", .update, ["a": 2], fields(("t", "x")), record: notes("1"))),
            .operation(create("dependant", "2", dependsOn: ["bad"])),
            .operation(create("its dependant", "3", dependsOn: ["dependant"])), malformed("broken", notes("4")),
            .operation(create("on broken", "4")), malformed(nil), .operation(create("good", "5")),
            .operation(create("depends on good", "6", dependsOn: ["good"])),
        ]
        let decision = tenant.commit(batch(items, .eachOperation))
        #expect(!decision.isRefused)
        #expect(
            decision.outcomes.map(\.outcome) == [
                .rejected, .skipped, .skipped, .skipped, .rejected, .skipped, .rejected, .applied, .applied,
            ])
        #expect(decision.outcomes.filter { $0.outcome == .skipped }.allSatisfy { $0.codes == [.dependencyFailed] })
        #expect(Set(tenant.stored.records.keys) == [notes("5"), notes("6")])
        // What was refused for good is kept with its content; what was skipped may come again.
        #expect(Set(tenant.stored.operations.keys) == ["bad", "broken", "good", "depends on good"])
    }

    @Test("a dependency may have been accepted in an earlier batch; unknown, rejected or later ones do not count")
    func dependencies() {
        var tenant = Tenant(rules: CollectionRules(fields: ["t": FieldRule(type: .string)]))
        tenant.commit(Batch("a", [create("before", "1")]))
        tenant.commit(Batch("a", [operation("bad", .create, ["a": 1], fields(("t", 1)), record: notes("x"))]))
        let outcomes = tenant.commit(
            Batch(
                "a",
                [
                    create("known", "2", dependsOn: ["before"]), create("unknown", "3", dependsOn: ["never heard of"]),
                    create("rejected", "4", dependsOn: ["bad"]), create("early", "5", dependsOn: ["late"]),
                    create("late", "6"), create("several", "7", dependsOn: ["before", "late", "unknown"]),
                ])
        ).outcomes
        #expect(outcomes.map(\.outcome) == [.applied, .skipped, .skipped, .skipped, .applied, .skipped])
        // What was skipped goes through once its dependency is there.
        let again = tenant.commit(Batch("a", [create("early", "5", dependsOn: ["late"])]))
        #expect(again.outcomes.map(\.outcome) == [.applied])
        #expect(!again.outcomes[0].isReplayed)
    }

    @Test("a replayed acceptance satisfies a dependency, a replayed rejection does not")
    func replayedDependencies() {
        var tenant = Tenant(rules: CollectionRules(fields: ["t": FieldRule(type: .string)]))
        let bad = operation("bad", .create, ["a": 1], fields(("t", 1)), record: notes("x"))
        tenant.commit(Batch("a", [create("good", "1"), bad]))
        let outcomes = tenant.commit(
            Batch(
                "a",
                [create("good", "1"), bad, create("p", "2", dependsOn: ["good"]), create("q", "3", dependsOn: ["bad"])])
        ).outcomes
        #expect(outcomes.map(\.isReplayed) == [true, true, false, false])
        #expect(outcomes.map(\.outcome) == [.applied, .rejected, .applied, .skipped])
    }

    @Test("one user's operation does not satisfy another user's dependency")
    func foreignDependency() {
        var tenant = Tenant()
        tenant.commit(Batch("a", [create("o", "1")], user: "ada"))
        let write = operation("p", .create, ["b": 1], fields(("t", "x")), record: notes("2"), dependsOn: ["o"])
        #expect(tenant.send(write, from: "b", user: "bob").outcome == .skipped)
        #expect(tenant.send(write, from: "b", user: "ada").outcome == .applied)
    }

    @Test("an undeclared collection is refused by a declared schema and taken by an open one")
    func collections() {
        var declared = Tenant(Schema(declaring: ["other": CollectionRules()]))
        #expect(declared.commit(Batch("a", [create("o", "1")])).outcomes[0].codes == [.unknownCollection])
        var open = Tenant()
        #expect(open.commit(Batch("a", [create("o", "1")])).outcomes[0].outcome == .applied)
    }
}
