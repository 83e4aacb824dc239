import Causality
import MergeCore
import SeededRandom
import StrictJSON
import SyncWire
import Testing
import Values

@Suite("a value weighs what its JSON has bytes")
struct WeightTests {
    @Test("exactly, but for numbers with a fraction, which weigh what the longest has")
    func canonical() {
        for seed in UInt64(1)...2_000 {
            var generator = SeededGenerator(seed: seed)
            let value = generator.value()
            var fractions = 0
            let bytes = value.canonicalText.utf8.count
            #expect(value.weight - slack(of: value, &fractions) == bytes, "seed \(seed)")
            if fractions == 0 { #expect(value.weight == bytes) }
        }
    }

    @Test("integers of every length")
    func integers() {
        for value in [0, 9, 10, -1, -10, 99, 100, Int64.max, .min, 1_000_000_000_000_000_000] {
            #expect(Value.integer(value).weight == Value.integer(value).canonicalText.utf8.count, "\(value)")
        }
    }

    /// The bytes by which the value weighs more than its text has; never less than 0.
    private func slack(of value: Value, _ fractions: inout Int) -> Int {
        switch value {
        case .double:
            fractions += 1
            let slack = value.weight - value.canonicalText.utf8.count
            #expect(slack >= 0, "\(value)")
            return slack
        case .array(let elements):
            return elements.reduce(0) { $0 + slack(of: $1, &fractions) }
        case .object(let object):
            return object.members.reduce(0) { $0 + slack(of: $1.value, &fractions) }
        case .null, .boolean, .integer, .string: return 0
        }
    }
}
