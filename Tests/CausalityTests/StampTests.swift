import Causality
import Testing

private let universe: [Stamp] = [Int64(-1), 0, 5].flatMap { milliseconds in
    ["a", "b", "\u{E9}"].flatMap { (device: DeviceID) in
        (Int64(1)...3).map { Stamp(milliseconds: milliseconds, dot: Dot(device: device, counter: $0)) }
    }
}

@Suite("a stamp is a place in a total order")
struct StampTests {
    @Test("of two stamps exactly one of 'less', 'equal', 'greater' holds")
    func trichotomy() {
        for left in universe {
            for right in universe {
                #expect([left < right, left == right, right < left].filter(\.self).count == 1, "\(left), \(right)")
            }
        }
    }

    @Test("the order is transitive")
    func transitivity() {
        for one in universe {
            for two in universe where one < two {
                for three in universe where two < three && !(one < three) {
                    Issue.record("\(one) < \(two) < \(three)")
                }
            }
        }
    }

    @Test("time decides first, then the device's bytes, then the counter")
    func precedence() {
        let stamp = { Stamp(milliseconds: $0, dot: Dot(device: $1, counter: $2)) }
        #expect(stamp(1, "b", 9) < stamp(2, "a", 1))
        #expect(stamp(1, "a", 9) < stamp(1, "b", 1))
        #expect(stamp(1, "Z", 1) < stamp(1, "a", 1))
        #expect(stamp(1, "a", 9) < stamp(1, "a", 10))
    }

    @Test("dots are ordered by device, then counter")
    func dots() {
        let ascending = [
            Dot(device: "a", counter: 1), Dot(device: "a", counter: 2), Dot(device: "b", counter: 1),
        ]
        #expect(ascending.reversed().sorted() == ascending)
        #expect(Dot(device: "a", counter: 2).description == "a:2")
    }
}
