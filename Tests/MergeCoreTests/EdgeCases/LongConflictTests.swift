import Causality
import MergeCore
import Testing

@Suite("no conflict grows for ever")
struct LongConflictTests {
    private static func tenant(entriesPerConflict: Int64) -> Tenant {
        var tenant = Tenant(rules: CollectionRules(fields: ["t": FieldRule(merge: .manual)]))
        tenant.limits.entriesPerConflict = entriesPerConflict
        return tenant
    }

    @Test("a conflict with its last entry ends as superseded, and a new one goes on with all sides that stand")
    func goesOn() throws {
        var tenant = Self.tenant(entriesPerConflict: 3)
        for (index, device) in ["a", "b", "c", "d"].enumerated() {
            tenant.send(
                operation(
                    OperationID(device), .create, VersionVector([.init(device: DeviceID(device), counter: 1)]),
                    fields(("t", .string(device))), at: Int64(index)), from: DeviceID(device))
        }
        #expect(tenant.audit.map(\.version) == [1, 2, 3])
        let outcome = tenant.send(operation("e", .create, ["e": 1], fields(("t", "e")), at: 9), from: "e")
        #expect(tenant.audit.map(\.version) == [1, 2, 3, 4, 1])
        let first = try #require(tenant.recorded(tenant.audit.first?.conflict))
        #expect(first.ending == .superseded)
        #expect(first.sides.map(\.value) == ["a", "b", "c", "d"])
        let next = try #require(tenant.recorded(tenant.audit.last?.conflict))
        #expect(next.id != first.id && next.ending == nil)
        #expect(next.sides.map(\.value) == ["a", "b", "c", "d", "e"])
        #expect(next.sides.map(\.won) == [false, false, false, false, true])
        #expect(tenant.record?.openConflicts == [.field("t"): OpenConflict(id: next.id, version: 1)])
        #expect(outcome.outcome == .conflicted)
        #expect(outcome.result.conflicts.map(\.id) == [next.id])
        // A decision on the first is told that it has changed; one on the next carries all sides away.
        let reviewer = Reviewer(user: "rita", nowMilliseconds: 1)
        #expect(
            tenant.decide(Decision(version: first.version - 1, choice: .side(0)), on: first, by: reviewer) == .changed)
        tenant.decide(Decision(version: 1, choice: .side(0)), on: next, by: reviewer)
        #expect(tenant.fields == fields(("t", "a")))
        #expect(tenant.record?.openConflicts == [:])
    }

    @Test(
        "no conflict has more entries than the limit and the one that ends it, and no write is refused",
        arguments: [1, 2, 5])
    func bounded(limit: Int64) {
        var tenant = Self.tenant(entriesPerConflict: limit)
        tenant.send(operation("a", .create, ["a": 1], fields(("t", "a"))), from: "a")
        for counter in Int64(1)...40 {
            let write = operation(
                OperationID("b\(counter)"), counter == 1 ? .create : .update, ["b": counter],
                fields(("t", .integer(counter))))
            #expect(tenant.send(write, from: "b").outcome == .conflicted)
        }
        let entries = Dictionary(grouping: tenant.audit, by: \.conflict).values
        #expect(entries.allSatisfy { $0.count <= Int(limit) + 1 })
        #expect(tenant.audit.count >= 40)
        #expect((AuditedSides(tenant.audit).open[.field("t")] ?? []).map(\.value) == ["a", 40])
    }

    @Test("edge 25: with conflicts that are cut again and again, nothing is lost silently")
    func nothingIsLost() {
        for limit in Int64(1)...3 {
            expectLawOfSent(seeds: 21_000..<21_150, events: 3...12, atLeast: 135) { history, seed in
                var tenant = Tenant(rules: history.rules)
                tenant.limits.entriesPerConflict = limit
                return history.failure(sending: history.randomOrder(seed), to: &tenant) { tenant, arrived in
                    let oracle = Oracle(history, arrived: arrived)
                    return oracle.difference(from: tenant.state) ?? oracle.silentLoss(in: tenant)
                }
            }
        }
    }
}
