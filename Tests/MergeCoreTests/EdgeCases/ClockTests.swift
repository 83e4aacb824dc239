import Causality
import MergeCore
import Testing

@Suite("clocks and devices")
struct ClockTests {
    @Test("edge 11: a counter used again with other content is refused, and the first event stands")
    func counterReused() {
        var tenant = Tenant()
        tenant.send(operation("o", .create, ["a": 1], fields(("t", "x"))), from: "a")
        let clone = tenant.send(operation("p", .update, ["a": 1], fields(("t", "y"))), from: "a")
        #expect(clone.codes == [.counterReused])
        #expect(clone.result.rejections.allSatisfy { !$0.code.isRetryable })
        #expect(tenant.fields == fields(("t", "x")))
        #expect(tenant.openings.isEmpty)
    }

    @Test("edge 11: a counter used twice in one batch is found too")
    func counterReusedInOneBatch() {
        var tenant = Tenant()
        let outcomes = tenant.commit(
            Batch(
                "a",
                [
                    operation("o", .create, ["a": 1], fields(("t", "x"))),
                    operation("p", .update, ["a": 1], fields(("t", "y"))),
                ])
        ).outcomes
        #expect(outcomes.map(\.outcome) == [.applied, .rejected])
        #expect(outcomes[1].codes == [.counterReused])
    }

    @Test(
        "edge 11: a create of what the device has written before is told how the record stands, and the way ends well")
    func recordExists() {
        for (kind, way) in [(OperationKind.update, "update"), (.delete, "restore")] {
            var tenant = Tenant()
            tenant.send(operation("o", .create, ["a": 1], fields(("t", "x"))), from: "a")
            let second = kind == .delete ? fields() : fields(("t", "y"))
            tenant.send(operation("o2", kind, ["a": 2], second), from: "a")
            let again = tenant.send(operation("p", .create, ["a": 1], fields(("t", "z"))), from: "a")
            #expect(again.codes == [.recordExists])
            #expect(again.result.rejections.first?.expectedCounter == 3)
            #expect(again.result.rejections.first?.detail.contains("'\(way)'") == true)
            let followed: OperationKind = kind == .delete ? .restore : .update
            let mended = tenant.send(operation("p", followed, ["a": 3], fields(("t", "z"))), from: "a")
            #expect(mended.outcome == .applied)
            #expect(tenant.fields == fields(("t", "z")))
        }
    }

    @Test(
        "edge 11: under a new id and new counters the pending operations go through, those that had arrived are replays"
    )
    func renumbered() {
        var tenant = Tenant(rules: CollectionRules(fields: ["n": FieldRule(merge: .counter), "t": FieldRule()]))
        tenant.send(operation("o1", .create, ["a": 1], fields(("n", ["$increment": 1]))), from: "a")
        tenant.send(operation("o2", .update, ["a": 2], fields(("n", ["$increment": 1]))), from: "a")
        // Restored from a backup made after the first, the device has lost the second and numbers a new edit like it.
        let fresh = operation("o3", .update, ["a": 2], fields(("t", "x")))
        #expect(tenant.send(fresh, from: "a").codes == [.counterReused])

        // A clone that still has all three, now `a2`: it numbers what is pending anew and keeps the operations' ids.
        let outcomes = tenant.commit(
            Batch(
                "a2",
                [
                    operation("o1", .create, ["a2": 1], fields(("n", ["$increment": 1]))),
                    operation("o2", .update, ["a": 1, "a2": 2], fields(("n", ["$increment": 1]))),
                    operation("o3", .update, ["a": 2, "a2": 3], fields(("t", "x"))),
                ])
        ).outcomes
        #expect(outcomes.map(\.isReplayed) == [true, true, false])
        #expect(outcomes.map(\.outcome) == [.applied, .applied, .applied])
        #expect(tenant.fields == fields(("n", 2), ("t", "x")))
        #expect(tenant.state.clock == ["a": 2, "a2": 3])
    }

    @Test("edge 12: after a gap the missing event is named, and then both are applied")
    func gap() {
        var tenant = Tenant()
        for counter in Int64(1)...5 {
            let kind: OperationKind = counter == 1 ? .create : .update
            tenant.send(operation(OperationID("o\(counter)"), kind, ["a": counter], fields(("t", "x"))), from: "a")
        }
        let seventh = operation("o7", .update, ["a": 7], fields(("t", "seven")))
        let refused = tenant.send(seventh, from: "a")
        #expect(refused.codes == [.clockGap])
        #expect(refused.result.rejections[0].expectedCounter == 6)
        #expect(refused.result.rejections[0].code.isRetryable)
        #expect(tenant.send(operation("o6", .update, ["a": 6], fields(("t", "six"))), from: "a").outcome == .applied)
        #expect(tenant.send(seventh, from: "a").outcome == .applied)
        #expect(tenant.fields == fields(("t", "seven")))
    }

    @Test(
        "edge 12: while an earlier event is missing, later operations on the record wait, on other records they do not")
    func gapHoldsItsRecordOnly() {
        var tenant = Tenant()
        let outcomes = tenant.commit(
            Batch(
                "a",
                [
                    operation("o2", .update, ["a": 2], fields(("t", "two"))),
                    operation("o3", .update, ["a": 3], fields(("t", "three"))),
                    operation("p1", .create, ["a": 1], fields(("t", "x")), record: notes("m")),
                ])
        ).outcomes
        #expect(outcomes.map(\.outcome) == [.rejected, .skipped, .applied])
        let late = Batch("a", [operation("o1", .create, ["a": 1], fields(("t", "one")))])
        tenant.commit(late)
        let again = tenant.commit(
            Batch(
                "a",
                [
                    operation("o2", .update, ["a": 2], fields(("t", "two"))),
                    operation("o3", .update, ["a": 3], fields(("t", "three"))),
                ]))
        #expect(again.outcomes.map(\.outcome) == [.applied, .applied])
        #expect(tenant.fields == fields(("t", "three")))
        #expect(tenant.openings.isEmpty)
    }

    @Test("edge 13: a context with more events than the server has is refused and merges nothing")
    func ahead() {
        var tenant = Tenant()
        tenant.send(operation("o", .create, ["a": 1], fields(("t", "x"))), from: "a")
        let stored = tenant.stored
        for clock: VersionVector in [["a": 2, "b": 1], ["a": 1, "b": 1, "c": 1], ["b": 1, "c": 9]] {
            let outcome = tenant.send(operation("p", .update, clock, fields(("t", "y"))), from: "b")
            #expect(outcome.codes == [.clockAhead], "\(clock)")
            #expect(outcome.result.rejections[0].code.isRetryable)
        }
        #expect(tenant.stored == stored)
    }

    @Test("edge 14: an empty context on an existing record is concurrent with everything")
    func emptyContext() {
        var tenant = Tenant()
        tenant.send(operation("o1", .create, ["a": 1], fields(("t", "x"), ("s", "kept")), at: 10), from: "a")
        tenant.send(operation("o2", .update, ["a": 2], fields(("t", "y")), at: 20), from: "a")
        let outcome = tenant.send(operation("p", .update, ["b": 1], fields(("t", "z")), at: 5), from: "b")
        #expect(outcome.outcome == .conflicted)
        #expect(outcome.result.relation == .concurrent)
        #expect(tenant.fields == fields(("t", "y"), ("s", "kept")))
        #expect(tenant.openings.map { $0.sides.map(\.value) } == [["y", "z"]])
    }

    @Test("edge 15: a clock without its author's entry is invalid")
    func ownEntryMissing() {
        var tenant = Tenant()
        #expect(tenant.send(operation("o", .update, ["b": 1], fields(("t", "x"))), from: "a").codes == [.clockInvalid])
        #expect(tenant.send(operation("p", .update, [:], fields(("t", "x"))), from: "a").codes == [.clockInvalid])
        #expect(tenant.record == nil)
    }

    @Test("edge 15: one device more than a record's clock may name is refused; those it names write on")
    func clockFull() {
        var tenant = Tenant()
        tenant.limits.clockEntries = 2
        tenant.send(operation("o", .create, ["a": 1], fields(("t", "x"))), from: "a")
        tenant.send(operation("p", .update, ["a": 1, "b": 1], fields(("t", "y"))), from: "b")
        #expect(tenant.send(operation("q", .update, ["c": 1], fields(("t", "z"))), from: "c").codes == [.clockFull])
        #expect(
            tenant.send(operation("r", .update, ["a": 2, "b": 1], fields(("t", "w"))), from: "a").outcome == .applied)
    }

    @Test("edge 11: in a clock that is full a recognised operation takes no number, and is recognised all the same")
    func recognisedInFullClock() {
        var tenant = Tenant()
        tenant.limits.clockEntries = 1
        tenant.send(operation("o", .create, ["a": 1], fields(("t", "x"))), from: "a")
        let again = tenant.commit(Batch("b", [operation("o", .create, ["b": 1], fields(("t", "x")))])).outcomes[0]
        #expect(again.isReplayed)
        #expect(again.result.outcome == .applied)
        #expect(tenant.state.clock == ["a": 1])
    }

    @Test("edge 11: a number that a recognised operation used up does not hide that an author had seen the delete")
    func recognisedBehindDelete() {
        for deletes in DeletePolicy.allCases {
            var tenant = Tenant(rules: CollectionRules(deletes: deletes))
            tenant.send(operation("o", .create, ["a": 1], fields(("t", "x"))), from: "a")
            tenant.send(operation("d", .delete, ["a": 2]), from: "a")
            tenant.send(operation("o", .create, ["b": 1], fields(("t", "x"))), from: "b")
            #expect(tenant.state.clock == ["a": 2, "b": 1])
            #expect(tenant.state.isDeleted(deletes))
            let late = operation("u", .update, ["a": 3], fields(("t", "y")))
            #expect(tenant.send(late, from: "a").codes == [.recordDeleted])
        }
    }

    @Test("an older event of unknown content changes nothing, and its value is kept as the side of a stale conflict")
    func older() {
        var state = RecordState()
        for counter in Int64(1)...2 {
            let event = Event(
                stamp: Stamp(milliseconds: counter, dot: Dot(device: "a", counter: counter)),
                provenance: Provenance(operation: "o", user: "ada", claimedMilliseconds: nil))
            let write = RecordWrite(
                kind: .update, event: event, context: counter == 1 ? [:] : ["a": 1],
                writes: [UnitWrite(unit: .field("t"), policy: .lww, change: .assign("y"))])
            state = state.applying(write, rules: CollectionRules(), limits: Limits()).state
        }
        let snapshot = Snapshot(
            records: [Tenant.key: StoredRecord(key: Tenant.key, state: state, sequence: 4)], sequence: 4)
        var decider = BatchDecider(over: snapshot, under: DecisionSettings(schema: .open))
        let outcome = decider.decide(Batch("a", [operation("o", .create, ["a": 1], fields(("t", "x")))])).outcomes[0]
        #expect(outcome.outcome == .older)
        #expect(outcome.result.relation == .older)
        #expect(outcome.result.sequence == nil)
        #expect(decider.plan.records.isEmpty)
        guard case .opened(let opening)? = decider.plan.audit.first?.content else {
            Issue.record("nothing was kept")
            return
        }
        #expect(opening.kind == .stale)
        #expect(opening.sides.map(\.value) == ["y", "x"])
        #expect(opening.sides.map(\.won) == [true, false])
        let equal = decider.decide(Batch("a", [operation("p", .update, ["a": 2], fields(("t", "y")))])).outcomes[0]
        #expect(equal.outcome == .older)
        #expect(equal.result.relation == .equal)
        #expect(decider.plan.audit.count == 1, "a value that the record shows needs no keeping")
    }
}
