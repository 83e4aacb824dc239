import Causality
import MergeCore
import Testing

@Suite("an operation of the past leaves a trace")
struct StaleLawTests {
    @Test(
        "what would change the record if it came now is kept when it comes too late",
        arguments: everyPolicy, bothDeletePolicies)
    func exhaustive(policy: MergePolicy, deletes: DeletePolicy) {
        let universe = smallUniverse(policy, deletes: deletes)
        let changes = universe.actions.compactMap { action -> [UnitWrite]? in
            if case .write(let writes) = action { writes } else { nil }
        }
        var asked: [(kind: OperationKind, writes: [UnitWrite])] = [(.delete, []), (.restore, [])]
        for change in changes {
            asked.append((.update, change))
            asked.append((.restore, change))
        }
        var coverage = Coverage()
        for count in 1...3 {
            for history in universe.histories(ofEvents: count, times: [[1, 2, 3], [3, 1, 2]]) {
                let state = history.state(inOrder: Array(history.events.indices))
                for (kind, writes) in asked
                where coverage.includes(state.takes(kind, writes, history.rules)) {
                    if let failure = state.untold(kind, writes, history.rules) {
                        Issue.record("\(kind) \(writes): \(failure)\n\(history)")
                        return
                    }
                }
            }
        }
        coverage.expect(atLeast: 3_300)
    }

    @Test("a restore that comes too late is kept with the record as it would come back, and can be decided for")
    func restore() throws {
        for deletes in DeletePolicy.allCases {
            for (named, back) in [
                (fields(), fields(("s", 1), ("t", "x"))), (fields(("t", "x")), fields(("s", 1), ("t", "x"))),
                (fields(("t", "y")), fields(("s", 1), ("t", "y"))),
            ] {
                var tenant = Tenant(rules: CollectionRules(deletes: deletes))
                tenant.send(operation("o", .create, ["a": 1], fields(("s", 1), ("t", "x"))), from: "a")
                tenant.send(operation("d", .delete, ["a": 2]), from: "a")
                tenant.send(operation("r", .restore, ["a": 2, "b": 1]), from: "b")
                tenant.send(operation("e", .delete, ["a": 3, "b": 1]), from: "a")
                // Nobody remembers what the event was.
                tenant.stored.operations = [:]
                tenant.stored.dots = [:]
                let late = tenant.send(operation("late", .restore, ["a": 2, "b": 1], named), from: "b")
                #expect(late.outcome == .older)
                #expect(late.result.conflicts.first?.unit == "$record")
                #expect(tenant.fields == nil)
                let conflict = try #require(tenant.recorded(late.result.conflicts.first?.id))
                #expect(conflict.kind == .stale)
                #expect(conflict.sides.map(\.value) == [nil, .object(back)])
                #expect(conflict.sides.map(\.won) == [true, false])
                let rita = Reviewer(user: "rita", nowMilliseconds: Batch.receivedAt)
                tenant.decide(Decision(version: 1, choice: .role(.incoming)), on: conflict, by: rita)
                #expect(tenant.fields == back)
            }
        }
    }
}

private func lateWrite(
    _ kind: OperationKind, _ writes: [UnitWrite], _ stamp: Stamp, seeing context: VersionVector
) -> RecordWrite {
    let provenance = Provenance(operation: "late", user: "u", claimedMilliseconds: nil)
    return RecordWrite(
        kind: kind, event: Event(stamp: stamp, provenance: provenance), context: context, writes: writes)
}

extension RecordState {
    /// A write by someone who has seen everything.
    private func newest(_ kind: OperationKind, _ writes: [UnitWrite]) -> RecordWrite {
        lateWrite(kind, writes, Stamp(milliseconds: 99, dot: Dot(device: "now", counter: 1)), seeing: clock)
    }

    /// Whether a write would be accepted if it came now.
    fileprivate func takes(_ kind: OperationKind, _ writes: [UnitWrite], _ rules: CollectionRules) -> Bool {
        rejections(of: newest(kind, writes), rules: rules, limits: Limits()).isEmpty
    }

    /// What a write would change if it came now and is not kept when it comes under a number that was used; nil where it is.
    fileprivate func untold(_ kind: OperationKind, _ writes: [UnitWrite], _ rules: CollectionRules) -> String? {
        let after = applying(newest(kind, writes), rules: rules, limits: Limits()).state
        let used = Stamp(milliseconds: 0, dot: Dot(device: History.devices[0], counter: 1))
        let openings = staleConflicts(of: lateWrite(kind, writes, used, seeing: VersionVector()), rules: rules)
        let isDeleted = isDeleted(rules.deletes)
        if isDeleted != after.isDeleted(rules.deletes) {
            guard openings.count(where: { $0.unit == .record }) == 1 else { return "whether it is there is not kept" }
        }
        for unit in writes.map(\.unit)
        where units[unit]?.visible(by: rules.policy(of: unit)) != after.units[unit]?.visible(by: rules.policy(of: unit))
        {
            guard openings.contains(where: { $0.unit == unit }) else { return "\(unit.name) is not kept" }
        }
        return openings.allSatisfy { $0.kind == .stale && $0.sides.count == 2 } ? nil : "\(openings)"
    }
}
