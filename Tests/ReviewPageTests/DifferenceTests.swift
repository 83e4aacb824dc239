import Causality
import Testing

@testable import ReviewPage

@Suite("the difference of two texts")
struct DifferenceTests {
    /// All texts of up to four words over a small vocabulary, shorter ones first; the first 85 have up to three.
    static let universe: [String] = {
        var texts = [""]
        var longest = [""]
        for _ in 0..<4 {
            longest = longest.flatMap { text in ["a", "b", " ", "."].map { text + $0 } }
            texts += longest
        }
        return texts
    }()

    private func old(_ difference: WordDifference) -> String {
        difference.pieces.filter { $0.kind != .inserted }.map(\.text).joined()
    }

    private func new(_ difference: WordDifference) -> String {
        difference.pieces.filter { $0.kind != .removed }.map(\.text).joined()
    }

    @Test("holds all of both texts")
    func reproduction() {
        for left in Self.universe {
            for right in Self.universe.prefix(85) {
                let difference = WordDifference(from: left, to: right)
                #expect(ExactString(old(difference)) == ExactString(left), "\(left) → \(right)")
                #expect(ExactString(new(difference)) == ExactString(right), "\(left) → \(right)")
            }
        }
    }

    @Test("holds all of both texts beyond its bounds too")
    func bounded() {
        let narrow = WordDifference.Bounds(maximumBytes: 3, maximumWords: 2, maximumDifferences: 2)
        for left in Self.universe {
            for right in Self.universe.prefix(85) {
                let difference = WordDifference(from: left, to: right, bounds: narrow)
                #expect(old(difference) == left && new(difference) == right, "\(left) → \(right)")
            }
        }
    }

    @Test("texts are never parted inside a scalar", arguments: [3, 1000])
    func scalars(_ maximumBytes: Int) {
        let texts = ["é", "è", "éé", "xé y", "xè y", "👍🏽 ok", "👍🏻 ok", "日本 語", "日木 語", "\u{301}", "e\u{301} é", ""]
        for left in texts {
            for right in texts {
                let difference = WordDifference(from: left, to: right, bounds: .init(maximumBytes: maximumBytes))
                #expect(ExactString(old(difference)) == ExactString(left), "\(left) → \(right)")
                #expect(ExactString(new(difference)) == ExactString(right), "\(left) → \(right)")
            }
        }
    }

    @Test("equal texts have none")
    func identity() {
        for text in Self.universe + ["e\u{301}", "👩‍💻 und ß", "\r\n"] {
            #expect(WordDifference(from: text, to: text).pieces.allSatisfy { $0.kind == .same })
        }
    }

    @Test("two spellings of one letter differ, as they do on the devices")
    func canonicalEquivalence() {
        let difference = WordDifference(from: "caf\u{E9}", to: "cafe\u{301}")
        #expect(difference.pieces.map(\.kind) == [.removed, .inserted])
    }

    @Test("a phrase that was replaced is marked in one piece")
    func phrases() {
        let difference = WordDifference(from: "at six, not at seven, he said", to: "at half past six, he said")
        #expect(old(difference) == "at six, not at seven, he said")
        #expect(difference.pieces.filter { $0.kind == .inserted }.count <= 2)
    }

    @Test("a sentence that was added is marked with its own full stop")
    func sentences() {
        let difference = WordDifference(from: "One.", to: "One. Two.")
        #expect(difference.pieces == [.init(kind: .same, text: "One."), .init(kind: .inserted, text: " Two.")])
    }

    @Test("texts that have nothing in common cost no more than the bounds")
    func cost() {
        let left = (0..<30_000).map { "a\($0)" }.joined(separator: " ")
        let right = (0..<30_000).map { "b\($0)" }.joined(separator: " ")
        let difference = WordDifference(from: "begin " + left + " end", to: "begin " + right + " end")
        #expect(difference.pieces.map(\.kind) == [.same, .removed, .inserted, .same])
        let within = WordDifference(
            from: String(left.prefix(60_000)), to: String(right.prefix(60_000)),
            bounds: .init(maximumWords: 20_000, maximumDifferences: 100))
        #expect(within.pieces.count == 2)
    }

    @Test(
        "fields of objects are compared one by one, in the order of the first side, and a deleting side differs in none"
    )
    func fields() {
        let comparison = SideComparison(
            [
                Samples.object(("a", .number("1")), ("b", .string("x"))),
                Samples.object(("b", .string("x")), ("c", .null), ("a", .number("2"))), nil,
            ], reference: 0)
        #expect(comparison.fields.map(\.name) == ["a", "b", "c"])
        #expect(comparison.fields.map(\.differs) == [true, false, true])
        #expect(comparison.fields[2].cells.map(\.isNamed) == [false, true, false])
        #expect(comparison.fields[0].cells[2].differs == false)
        #expect(!comparison.isReferencePlain)
    }

    @Test("values that are no objects, hidden ones and mixtures are compared whole")
    func whole() {
        for sides in [
            [PageValue.number("1"), .number("2")], [Samples.redacted("a"), Samples.redacted("b")],
            [Samples.object(("a", .null)), .string("x")], [nil, nil], [.object([]), .object([])],
        ] as [[PageValue?]] {
            #expect(SideComparison(sides, reference: 0).fields.map(\.name) == [nil])
        }
    }
}
