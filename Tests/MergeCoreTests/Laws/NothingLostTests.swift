import Causality
import MergeCore
import Testing

@Suite("nothing is lost silently")
struct NothingLostTests {
    @Test(
        "edge 25: three devices, up to three events, in every order: each value shows, was seen, or is in the audit",
        arguments: everyPolicy, bothDeletePolicies)
    func exhaustive(policy: MergePolicy, deletes: DeletePolicy) {
        let universe = smallUniverse(policy, deletes: deletes)
        var coverage = Coverage()
        for count in 1...3 {
            for history in universe.histories(ofEvents: count, times: [[1, 2, 3], [3, 1, 2]]) {
                let sent = history.sendable()
                guard coverage.includes(sent != nil), let history = sent else { continue }
                for order in history.everyOrder() {
                    var tenant = Tenant(rules: history.rules)
                    let oracle = Oracle(history, arrived: history.all)
                    let failure =
                        history.failure(sending: order, to: &tenant)
                        ?? oracle.difference(from: tenant.state) ?? oracle.silentLoss(in: tenant)
                    if let failure {
                        Issue.record("order \(order): \(failure)\n\(history)")
                        return
                    }
                }
            }
        }
        coverage.expect(atLeast: 500)
    }

    @Test("edge 25: all policies at once, in random orders, after every commit: the same losing values")
    func random() {
        expectLawOfSent(seeds: 10400..<10700, events: 3...10, atLeast: 270) { history, seed in
            for round in UInt64(1)...3 {
                var tenant = Tenant(rules: history.rules)
                let failure = history.failure(
                    sending: history.randomOrder(seed + round << 32), to: &tenant
                ) { tenant, arrived in
                    let oracle = Oracle(history, arrived: arrived)
                    return oracle.difference(from: tenant.state) ?? oracle.silentLoss(in: tenant)
                }
                if let failure { return failure }
            }
            return nil
        }
    }

    @Test("batches that share a transaction get the same answers and write the same as batches that have their own")
    func sharedTransaction() {
        expectLawOfSent(seeds: 6000..<6060, events: 3...10, atLeast: 54) { history, seed in
            let order = history.randomOrder(seed)
            let schema = Schema(declaring: ["notes": history.rules])
            var shared = BatchDecider(over: Snapshot(), under: DecisionSettings(schema: schema))
            var own = Tenant(schema)
            for index in order {
                let batch = Batch(history.device(index), [history.operation(index)])
                if shared.decide(batch).outcomes != own.commit(batch).outcomes {
                    return "\(index) is answered differently"
                }
            }
            return shared.plan.records == own.stored.records && shared.plan.audit == own.audit ? nil : "other rows"
        }
    }

    @Test("edges 1 and 37: sending everything again changes nothing and is told the first results")
    func replays() {
        expectLawOfSent(seeds: 7000..<7060, events: 3...10, atLeast: 54) { history, seed in
            var tenant = Tenant(rules: history.rules)
            let batches = history.events.indices.map { Batch(history.device($0), [history.operation($0)]) }
            let first = batches.map { tenant.commit($0).outcomes }
            let before = (tenant.stored, tenant.audit)
            for (batch, outcomes) in zip(batches, first) {
                let again = tenant.commit(batch)
                if again.outcomes.map(\.result) != outcomes.map(\.result) { return "another result" }
                if !again.outcomes.allSatisfy(\.isReplayed) || !again.operations.isEmpty { return "not replayed" }
            }
            return tenant.stored == before.0 && tenant.audit == before.1 ? nil : "a second effect"
        }
    }
}
