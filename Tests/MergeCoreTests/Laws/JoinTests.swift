import Causality
import MergeCore
import Testing

@Suite("joining two replicas is merging the events of both")
struct JoinTests {
    /// That the join of any two replicas is the state of their union makes it commutative, associative and idempotent,
    /// since union is; the laws are stated one by one all the same, so that a failure names the one it breaks.
    @Test("three devices, three events: any two replicas join to the state of their union", arguments: everyPolicy)
    func exhaustive(policy: MergePolicy) {
        for deletes in bothDeletePolicies {
            let universe = smallUniverse(policy, deletes: deletes)
            for history in universe.histories(ofEvents: 3, times: [[2, 3, 1]]) {
                let states = history.statesOfEveryReplica().states
                for (left, leftState) in states {
                    for (right, rightState) in states
                    where leftState.join(rightState) != states[left.union(right)] {
                        Issue.record("\(left.indices) with \(right.indices)\n\(history)")
                        return
                    }
                }
            }
        }
    }

    @Test("the join is commutative, associative and idempotent, with the empty state as neutral element")
    func algebra() {
        expectLaw(seeds: 2000..<2120, events: 4...16) { history, seed in
            let replicas = (0..<3).map { history.state(of: history.randomReplica(seed + $0 << 32)) }
            let (one, two, three) = (replicas[0], replicas[1], replicas[2])
            if one.join(two) != two.join(one) { return "not commutative" }
            if one.join(two).join(three) != one.join(two.join(three)) { return "not associative" }
            if one.join(one) != one { return "not idempotent" }
            if one.join(RecordState()) != one || RecordState().join(one) != one { return "not neutral" }
            return nil
        }
    }

    @Test("states that were written under different policies obey the same laws, as after a change of the declaration")
    func acrossPolicies() {
        // Each policy with devices of its own, so that no event means two things.
        let single = everyPolicy.flatMap { policy -> [RecordState] in
            let universe = smallUniverse(policy, deletes: .updateWins)
            var states = [RecordState()]
            for (index, action) in universe.actions.prefix(2).enumerated() {
                guard case .write(let writes) = action, let before = states.last else { continue }
                let dot = Dot(device: DeviceID("\(policy.rawValue)\(index)"), counter: 1)
                let event = Event(
                    stamp: Stamp(milliseconds: Int64(index), dot: dot),
                    provenance: Provenance(operation: "o", user: "ada", claimedMilliseconds: nil))
                let write = RecordWrite(kind: .update, event: event, context: before.clock, writes: writes)
                states.append(before.applying(write, rules: universe.rules, limits: Limits()).state)
            }
            return Array(states.dropFirst())
        }
        #expect(single.count == 2 * everyPolicy.count)
        let pairs = single.flatMap { left in single.map { left.join($0) } }
        for (index, left) in single.enumerated() {
            for (other, right) in single.enumerated() where pairs[index * single.count + other] != right.join(left) {
                Issue.record("not commutative:\n\(left)\n\(right)")
                return
            }
        }
        for one in single + pairs {
            if one.join(one) != one { Issue.record("not idempotent:\n\(one)") }
            for two in single {
                let both = one.join(two)
                for three in single where both.join(three) != one.join(two.join(three)) {
                    Issue.record("not associative:\n\(one)\n\(two)\n\(three)")
                    return
                }
            }
        }
    }

    @Test("applying events one by one equals joining the states of the pieces")
    func pieces() {
        expectLaw(seeds: 3000..<3120, events: 4...16) { history, seed in
            let left = history.randomReplica(seed)
            let right = history.randomReplica(seed + 1 << 32)
            let joined = history.state(of: left).join(history.state(of: right))
            if joined != history.state(of: left.union(right)) {
                return "\(left.indices) with \(right.indices)"
            }
            return Oracle(history, arrived: left.union(right)).difference(from: joined)
        }
    }

    @Test("an event that is applied after a join is as good as one that was applied before it")
    func applyAfterJoin() {
        expectLaw(seeds: 4000..<4100, events: 5...12) { history, seed in
            let last = history.events.count - 1
            let past = history.events[last].past
            // Nothing comes after the last event, so a replica that lacks it lacks nothing else for that.
            let other = history.randomReplica(seed).without(last)
            let before = history.applying(last, to: history.state(of: past)).join(history.state(of: other))
            let after = history.applying(last, to: history.state(of: past).join(history.state(of: other)))
            return before == after ? nil : "\(before)\n\(after)"
        }
    }
}

extension History {
    /// The state of a replica that got its events in the order in which they happened.
    func state(of replica: EventSet) -> RecordState { state(inOrder: replica.indices) }
}
