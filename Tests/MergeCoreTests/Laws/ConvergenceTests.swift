import SeededRandom
import Causality
import MergeCore
import Testing

extension History {
    func applying(_ index: Int, to state: RecordState) -> RecordState {
        state.applying(write(index), rules: rules, limits: Limits()).state
    }

    func state(inOrder order: [Int]) -> RecordState {
        order.reduce(RecordState()) { applying($1, to: $0) }
    }

    /// The state of every set of events that can have arrived, computed in every order. By induction over the sets: the
    /// state of each is reached from each of its largest subsets.
    /// - Returns: the states, or the first two orders that part.
    func statesOfEveryReplica() -> (states: [EventSet: RecordState], failure: String?) {
        var states: [EventSet: RecordState] = [EventSet(): RecordState()]
        let replicas = closedSets(in: events.map { (device: $0.device, past: $0.past) })
        let writes = events.indices.map(write)
        for replica in replicas.dropFirst() {
            for last in replica.indices {
                guard let before = states[replica.without(last)] else { continue }
                let after = before.applying(writes[last], rules: rules, limits: Limits()).state
                if let other = states[replica] {
                    if other != after { return (states, "two orders differ:\n\(other)\n\(after)") }
                } else {
                    if let difference = Oracle(self, arrived: replica).difference(from: after) {
                        return (states, "\(replica.indices): \(difference)")
                    }
                    states[replica] = after
                }
            }
        }
        if let unreached = replicas.first(where: { states[$0] == nil }) {
            return (states, "no order leads to \(unreached.indices)")
        }
        return (states, nil)
    }
}

private let threeTimes: [[Int64]] = [[1, 2, 3], [3, 2, 1], [2, 3, 1], [5, 5, 5]]

@Suite("edge 25: a record's state depends on the events that arrived, not on their order")
struct ConvergenceTests {
    @Test("three devices, up to three events, in every order: as the definition says", arguments: everyPolicy)
    func exhaustive(policy: MergePolicy) {
        for deletes in bothDeletePolicies {
            for count in 1...3 {
                for history in smallUniverse(policy, deletes: deletes).histories(ofEvents: count, times: threeTimes) {
                    if let failure = history.statesOfEveryReplica().failure {
                        Issue.record("\(failure)\n\(history)")
                        return
                    }
                }
            }
        }
    }

    @Test("three devices, four events, writes and deletes: as the definition says", arguments: bothDeletePolicies)
    func fourEvents(deletes: DeletePolicy) {
        let whole = smallUniverse(.lww, deletes: deletes)
        let universe = SmallUniverse(policy: .lww, deletes: deletes, actions: [whole.actions[0], .delete])
        for history in universe.histories(ofEvents: 4, times: [[1, 2, 3, 4]]) {
            if let failure = history.statesOfEveryReplica().failure {
                Issue.record("\(failure)\n\(history)")
                return
            }
        }
    }

    @Test("all policies at once, random histories with wrong clocks, random orders: as the definition says")
    func random() {
        expectLaw(seeds: 1..<250, events: 4...16) { history, seed in
            let first = history.state(inOrder: Array(history.events.indices))
            if let difference = Oracle(history, arrived: history.all).difference(from: first) { return difference }
            for round in UInt64(1)...4 {
                let order = history.randomOrder(seed + round << 32)
                if history.state(inOrder: order) != first { return "order \(order) ends in another state" }
            }
            return nil
        }
    }

    @Test("stamps choose what shows; what a record holds is the same whatever they say")
    func stamps() {
        expectLaw(seeds: 1000..<1150, events: 4...14) { history, seed in
            var generator = SeededGenerator(seed: seed)
            var other = history
            for index in other.events.indices {
                other.events[index].milliseconds = .random(in: -9...9, using: &generator)
            }
            let order = history.randomOrder(seed)
            let left = content(history.state(inOrder: order))
            let right = content(other.state(inOrder: order))
            return left == right ? nil : "\(left)\n\(right)"
        }
    }
}

/// A state without anything that a stamp has touched.
private func content(_ state: RecordState) -> [UnitKey: Set<String>] {
    var content: [UnitKey: Set<String>] = [:]
    for (unit, stored) in state.units {
        content[unit] =
            switch stored {
            case .register(let register): Set(register.candidates.map { "\($0.event.dot) \($0.value)" })
            case .extremum(let extremum): ["\(extremum.value)"]
            case .counter(let totals): Set(totals.totals.map { "\($0)" })
            case .set(let set): Set(set.elements.map { "\($0)" })
            case .other(let other): ["\(other)"]
            }
    }
    content[.record, default: []].formUnion((state.deletion.writes + state.deletion.deletes).map { "life \($0.dot)" })
    return content
}
