import Causality
import MergeCore
import Testing
import Values

/// Values that all differ from one another, in their order.
private let ascending: [Value] = [
    .null, false, true, .integer(.min), -1, 0, .double(0.5), 1, .double(1.5), 9_007_199_254_740_992,
    9_007_199_254_740_993, .integer(.max), .double(0x1p63), .double(1e300), "", "1", "a", "e\u{301}", "\u{E9}", [],
    [.null],
    [0], [0, 1], [1], [:], ["a": .null], ["a": 1], ["a": 1, "b": 1], ["b": .null],
]

@Suite("edge 26: equality and order of values")
struct EqualityTests {
    @Test("edge 26: null is a value and differs from absent")
    func nullAgainstAbsent() {
        var tenant = Tenant()
        tenant.send(operation("o", .create, ["a": 1], fields(("t", .null))), from: "a")
        #expect(tenant.fields == fields(("t", .null)))
        #expect(tenant.fields != fields())
        #expect(tenant.send(operation("p", .create, ["b": 1], fields()), from: "b").outcome == .merged)
        #expect(tenant.send(operation("q", .create, ["c": 1], fields(("t", "x"))), from: "c").outcome == .conflicted)
        #expect(tenant.openings.count == 1)
    }

    @Test("edge 26: a nested object or array is one value")
    func nested() {
        var tenant = Tenant()
        let left: Value = ["deep": ["a": 1, "b": [1, 2]]]
        let right: Value = ["deep": ["a": 1, "b": [2, 1]]]
        tenant.send(operation("o", .create, ["a": 1], fields(("t", left)), at: 1), from: "a")
        tenant.send(operation("p", .create, ["b": 1], fields(("t", right)), at: 2), from: "b")
        #expect(tenant.fields == fields(("t", right)))
        #expect(tenant.openings.map { $0.sides.map(\.value) } == [[left, right]])
    }

    @Test("edge 26: members have no order: the same object from two devices converges")
    func membersHaveNoOrder() {
        var tenant = Tenant()
        tenant.send(operation("o", .create, ["a": 1], fields(("t", ["x": 1, "y": 2]))), from: "a")
        tenant.send(operation("p", .create, ["b": 1], fields(("t", ["y": 2, "x": 1]))), from: "b")
        #expect(tenant.audit.isEmpty)
    }

    @Test("edge 26: numbers are equal by mathematical value, however they were written")
    func numbers() {
        #expect(Value.number(1.0) == 1)
        #expect(Value.number(1e0) == .integer(1))
        #expect(Value.number(-0.0) == 0)
        #expect(Value.number(-0x1p63) == .integer(.min))
        #expect(Value.number(9_007_199_254_740_992) == .integer(9_007_199_254_740_992))
        #expect(Value.integer(9_007_199_254_740_993) != Value.number(9_007_199_254_740_992))
        #expect(Value.number(0x1p63) == .double(0x1p63))
        #expect(Value.number(0x1p63) != .integer(.max))
        #expect(Value.number(.infinity) == nil)
        #expect(Value.number(-.infinity) == nil)
        #expect(Value.number(.nan) == nil)
        #expect(Value.boolean(true) != 1)
        #expect(Value.boolean(false) != 0)
        #expect(Value.string("1") != 1)
    }

    @Test("edge 26: strings are equal by their scalars, in values as in names")
    func strings() {
        #expect(Value.string("\u{E9}") != .string("e\u{301}"))
        #expect(fields(("\u{E9}", 1), ("e\u{301}", 2)).count == 2)
        var tenant = Tenant()
        tenant.send(operation("o", .create, ["a": 1], fields(("t", "\u{E9}"))), from: "a")
        let outcome = tenant.send(operation("p", .create, ["b": 1], fields(("t", "e\u{301}"))), from: "b")
        #expect(outcome.outcome == .conflicted)
    }

    @Test("edge 26: exact values are kept exactly", arguments: ascending)
    func exactly(value: Value) {
        var tenant = Tenant()
        tenant.send(operation("o", .create, ["a": 1], fields(("t", value))), from: "a")
        #expect(tenant.fields?["t"] == value)
    }

    @Test("values are totally ordered, and equal only to themselves")
    func totalOrder() {
        for (leftIndex, left) in ascending.enumerated() {
            for (rightIndex, right) in ascending.enumerated() {
                #expect((left == right) == (leftIndex == rightIndex), "\(left), \(right)")
                #expect(left.precedes(right) == (leftIndex < rightIndex), "\(left), \(right)")
            }
        }
    }

    @Test("an object's members are found by name and kept in the order of their bytes")
    func objects() {
        let object = fields(("z", 1), ("a", 2), ("M", 3))
        #expect(object.members.map(\.name) == ["M", "a", "z"])
        #expect(object["a"] == 2)
        #expect(object["b"] == nil)
        #expect(fields(("a", 1), ("a", 2)).members.map(\.value) == [1])
    }

    @Test("a time is read with any offset and written in one spelling")
    func timestamps() {
        let written = "2026-11-20T21:58:12.123Z"
        for text in [written, "2026-11-20T22:58:12.123+01:00", "2026-11-20t16:28:12.1239-05:30"] {
            #expect(Timestamp(text)?.text == written, "\(text)")
        }
        #expect(Timestamp("1970-01-01T00:00:00Z")?.milliseconds == 0)
        #expect(Timestamp("1969-12-31T23:59:59.9Z")?.milliseconds == -100)
        #expect(Timestamp("2024-02-29T00:00:00Z") != nil)
        #expect(Timestamp("2016-12-31T23:59:60Z")?.text == "2016-12-31T23:59:59.999Z")
        let wrong = [
            "2023-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-01",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx", "", "2026-01-01T00:00:61Z",
        ]
        for text in wrong { #expect(Timestamp(text) == nil, "\(text)") }
        for milliseconds in stride(from: Int64(-62_167_219_200_000), to: 253_402_300_799_999, by: 86_399_999_977) {
            let time = Timestamp(milliseconds: milliseconds)
            #expect(Timestamp(time.text) == time, "\(time.text)")
        }
    }
}
