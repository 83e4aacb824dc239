import Causality
import MergeCore
import Testing

@Suite("retries and identity")
struct RetryTests {
    @Test("edge 1: the same operation in another batch gets its first result and has no second effect")
    func sameOperationAgain() {
        var tenant = Tenant(rules: CollectionRules(fields: ["n": FieldRule(merge: .counter), "t": FieldRule()]))
        tenant.send(operation("other", .create, ["b": 1], fields(("t", "y"))), from: "b")
        let counted = operation("o", .create, ["a": 1], fields(("n", ["$increment": 1]), ("t", "x")))
        let first = tenant.send(counted, from: "a")
        #expect(first.outcome == .conflicted)
        #expect(first.result.conflicts.count == 1)
        #expect(first.result.sequence == 2)
        tenant.send(operation("later", .update, ["a": 1, "b": 2], fields(("t", "z"))), from: "b")
        let (stored, audit) = (tenant.stored, tenant.audit)

        let again = tenant.commit(Batch("a", [counted]))
        #expect(again.outcomes[0].result == first.result)
        #expect(again.outcomes[0].isReplayed)
        #expect(again.operations.isEmpty)
        #expect(tenant.stored == stored)
        #expect(tenant.audit == audit)
    }

    @Test("edge 2: an operation id with other content is refused, its siblings are not")
    func reusedID() {
        var tenant = Tenant()
        tenant.send(operation("o", .create, ["a": 1], fields(("t", "x"))), from: "a")
        let outcomes = tenant.commit(
            Batch(
                "a",
                [
                    operation("o", .update, ["a": 2], fields(("t", "y"))),
                    operation("p", .create, ["a": 1], fields(("t", "z")), record: notes("m")),
                ])
        ).outcomes
        #expect(outcomes[0].codes == [.operationIDReused])
        #expect(outcomes[1].outcome == .applied)
        #expect(tenant.fields == fields(("t", "x")))
    }

    @Test("edge 2: twice in one batch, identical: the second is a replay of the first, with the same result")
    func twiceIdentical() {
        var tenant = Tenant()
        let twice = operation("o", .create, ["a": 1], fields(("t", "x")))
        let outcomes = tenant.commit(Batch("a", [twice, twice])).outcomes
        #expect(outcomes[0].outcome == .applied)
        #expect(outcomes[1].isReplayed)
        #expect(outcomes[1].result == outcomes[0].result)
        #expect(tenant.stored.sequence == 1)
    }

    @Test("edge 2: twice in one batch, different: the second is refused")
    func twiceDifferent() {
        var tenant = Tenant()
        let outcomes = tenant.commit(
            Batch(
                "a",
                [
                    operation("o", .create, ["a": 1], fields(("t", "x"))),
                    operation("o", .update, ["a": 2], fields(("t", "y"))),
                ])
        ).outcomes
        #expect(outcomes[0].outcome == .applied)
        #expect(outcomes[1].codes == [.operationIDReused])
        #expect(tenant.fields == fields(("t", "x")))
    }

    @Test("edge 3: the same batch decided again over what it left changes nothing and tells the same results")
    func sameBatchAgain() {
        var tenant = Tenant()
        let batch = Batch(
            "a",
            [
                operation("o", .create, ["a": 1], fields(("t", "x"))),
                operation("p", .update, ["a": 2], fields(("t", "y"))),
                operation("q", .delete, ["a": 3]),
            ], atomicity: .allOrNothing)
        let first = tenant.commit(batch)
        let stored = tenant.stored
        let again = tenant.commit(batch)
        #expect(again.outcomes.map(\.result) == first.outcomes.map(\.result))
        #expect(again.outcomes.allSatisfy { $0.isReplayed })
        #expect(tenant.stored == stored)
        #expect(tenant.audit.isEmpty)
    }

    @Test("a permanent rejection is told again as a replay; what may heal by itself is judged anew")
    func replayedRejections() {
        var tenant = Tenant(rules: CollectionRules(fields: ["t": FieldRule(type: .string)]))
        let wrong = operation("o", .create, ["a": 1], fields(("t", 1)))
        let first = tenant.send(wrong, from: "a")
        #expect(first.codes == [.valueInvalid])
        let again = tenant.send(wrong, from: "a")
        #expect(again.isReplayed)
        #expect(again.result == first.result)

        let early = operation("p", .update, ["b": 2], fields(("t", "x")))
        #expect(tenant.send(early, from: "b").codes == [.clockGap])
        tenant.send(operation("q", .create, ["b": 1], fields(("t", "w"))), from: "b")
        let healed = tenant.send(early, from: "b")
        #expect(healed.outcome == .applied)
        #expect(!healed.isReplayed)
    }

    @Test("ids belong to their device: another user's operation under the same id is another operation")
    func foreignID() {
        var tenant = Tenant()
        let content = operation("o", .create, ["a": 1], fields(("t", "x")))
        tenant.send(content, from: "a", user: "ada")
        let foreign = operation("o", .create, ["b": 1], fields(("t", "x")))
        let outcome = tenant.send(foreign, from: "b", user: "bob")
        #expect(!outcome.isReplayed)
        #expect(outcome.outcome == .merged)
        #expect(tenant.state.clock == ["a": 1, "b": 1])
    }

    @Test(
        "what was accepted once counts once, whichever devices of the user send it, and whether they were rejected with it before"
    )
    func acceptedTwin() {
        // Every way in which three devices can send one operation four times, each time well or with a clock that is refused.
        struct Step {
            let device: DeviceID
            let isWell: Bool
        }
        let devices: [DeviceID] = ["a", "b", "c"]
        let steps = devices.flatMap { device in [true, false].map { Step(device: device, isWell: $0) } }
        let sequences = (0..<4).reduce([[Step]]([[]])) { sequences, _ in
            sequences.flatMap { sequence in steps.map { sequence + [$0] } }
        }
        for sequence in sequences {
            var tenant = Tenant(rules: CollectionRules(fields: ["n": FieldRule(type: .integer, merge: .counter)]))
            var isAccepted = false
            for step in sequence {
                var clock = VersionVector().setting(step.device, to: 1)
                if !step.isWell { clock = clock.setting("never heard of", to: 1) }
                let outcome = tenant.send(
                    operation("o", .create, clock, fields(("n", ["$increment": 1]))), from: step.device)
                isAccepted = isAccepted || step.isWell
                guard outcome.result.isAccepted == isAccepted, tenant.fields?["n"] == (isAccepted ? 1 : nil) else {
                    Issue.record("\(step): \(outcome), \(String(describing: tenant.fields))\n\(sequence)")
                    return
                }
            }
        }
    }

    @Test("edge 37: an own write that comes back in the pull and is sent again resurrects and doubles nothing")
    func ownWriteComesBack() {
        var tenant = Tenant(rules: CollectionRules(fields: ["n": FieldRule(merge: .counter), "t": FieldRule()]))
        let write = operation("o", .create, ["a": 1], fields(("n", ["$increment": 5]), ("t", "x")))
        tenant.send(write, from: "a")
        tenant.send(operation("p", .delete, ["a": 1, "b": 1]), from: "b")
        #expect(tenant.send(write, from: "a").isReplayed)
        // The same content once more under an id of its own, as an app would do that takes the pulled row for an edit.
        let echo = operation("echo", .create, ["a": 1], fields(("n", ["$increment": 5]), ("t", "x")))
        #expect(tenant.send(echo, from: "a").outcome == .older)
        #expect(tenant.fields == nil)
        #expect(tenant.state.visibleFields(tenant.rules)["n"] == 5)
        #expect(tenant.state.clock == ["a": 1, "b": 1])
    }
}
