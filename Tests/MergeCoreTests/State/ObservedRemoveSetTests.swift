import Causality
import SeededRandom
import Testing
import Values

@testable import MergeCore

/// A set by its definition: each element with the events that added it, in a dictionary.
private struct NaiveSet {
    private(set) var elements: [Value: Set<Dot>] = [:]

    mutating func change(adding: [Value], removing: [Value], at dot: Dot, context: VersionVector) {
        for value in adding + removing {
            elements[value] = elements[value]?.filter { !context.contains($0) }
        }
        for value in adding { elements[value, default: []].insert(dot) }
        elements = elements.filter { !$0.value.isEmpty }
    }
}

@Suite("a large set is what a dictionary of its elements is")
struct ObservedRemoveSetTests {
    @Test("after every change: elements, events, the count that was foretold, and the weight of a set made anew")
    func random() {
        for seed in UInt64(1)...30 {
            var generator = SeededGenerator(seed: seed)
            let kinds = generator.pick([5, 100, 400])
            var set = ObservedRemoveSet()
            var naive = NaiveSet()
            var clock = VersionVector()
            for step in 0..<120 {
                let device = DeviceID(["a", "b", "c"][generator.below(3)])
                let dot = Dot(device: device, counter: clock[device] + 1)
                let hasSeenAll = generator.below(2) == 0
                let context = hasSeenAll ? clock : VersionVector([.init(device: device, counter: clock[device])])
                func values(_ count: Int) -> [Value] {
                    (0..<count).map { _ in
                        let number = Int64(generator.below(kinds))
                        return number % 2 == 0 ? .integer(number) : .string("\(number)")
                    }
                }
                // Values may be named twice, and in both lists.
                let adding = values(generator.below(12))
                let removing = values(generator.below(12))
                let foretold = set.count(adding: adding, removing: removing, context: context)
                let before = set
                set.change(adding: adding, removing: removing, at: dot, context: context)
                naive.change(adding: adding, removing: removing, at: dot, context: context)
                clock = clock.setting(device, to: dot.counter)

                let elements = Dictionary(uniqueKeysWithValues: set.elements.map { ($0.value, Set($0.dots)) })
                let anew = ObservedRemoveSet(set.elements.map { .init(value: $0.value, dots: $0.dots) }.reversed())
                guard elements == naive.elements, set.count == foretold, anew == set, anew.weight == set.weight,
                    set.values == naive.elements.keys.sorted(by: { $0.precedes($1) })
                else {
                    Issue.record("seed \(seed), step \(step): \(adding) and not \(removing)")
                    return
                }
                #expect(before.values.allSatisfy(before.contains))
            }
        }
    }
}
