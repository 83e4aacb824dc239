import Causality
import MergeCore
import SeededRandom
import Testing

extension RecordState {
    /// The same state put together anew, so that nothing of its weight was kept up.
    fileprivate var rebuilt: RecordState {
        let units = units.map { unit, state -> (key: UnitKey, value: UnitState) in
            let fresh: UnitState =
                switch state {
                case .register(let register):
                    .register(Register(register.candidates.map { .init(value: $0.value, event: $0.event) }))
                case .extremum(let best):
                    .extremum(Extremum(direction: best.direction, value: best.value, event: best.event))
                case .counter(let totals): .counter(CounterTotals(totals.totals))
                case .set(let set):
                    .set(ObservedRemoveSet(set.elements.map { .init(value: $0.value, dots: $0.dots) }))
                case .other(let other): .other(other)
                }
            return (unit, fresh)
        }
        return RecordState(
            clock: clock, units: UnitStates(units), deletion: deletion, latestMilliseconds: latestMilliseconds)
    }
}

@Suite("a record's weight is kept up with every change")
struct RecordWeightTests {
    @Test("after every event of any history it is the weight of the same state put together anew")
    func incremental() {
        expectLaw(seeds: 20_000..<20_200, events: 5...30) { history, seed in
            var state = RecordState()
            for index in history.randomOrder(seed) {
                state = history.applying(index, to: state)
                let anew = state.rebuilt
                if state != anew { return "the rebuilt state differs" }
                if state.units.weight != anew.units.weight || state.weight != anew.weight {
                    return "after \(index): \(state.units.weight), not \(anew.units.weight)"
                }
            }
            return nil
        }
    }

    @Test("it is what joining two replicas gives, too")
    func joined() {
        expectLaw(seeds: 20_300..<20_400, events: 4...20) { history, seed in
            let one = history.state(of: history.randomReplica(seed))
            let two = history.state(of: history.randomReplica(seed + 1 << 32))
            let joined = one.join(two)
            return joined.weight == joined.rebuilt.weight ? nil : "\(joined.weight), not \(joined.rebuilt.weight)"
        }
    }

    @Test("counters remember their exact sum")
    func sums() {
        expectLaw(seeds: 20_400..<20_500, events: 5...30) { history, seed in
            let state = history.state(of: history.randomReplica(seed))
            for case (let unit, .counter(let totals)) in state.units
            where totals.exactSum != totals.totals.reduce(0, { $0 + Int128($1.amount) }) {
                return "\(unit.name)"
            }
            return nil
        }
    }
}
