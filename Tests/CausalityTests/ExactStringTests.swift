import Causality
import Testing

@Suite("an exact string is its bytes")
struct ExactStringTests {
    @Test("edge 27: the composed and the decomposed spelling are two strings")
    func normalisation() {
        let composed: ExactString = "\u{E9}"
        let decomposed: ExactString = "e\u{301}"
        #expect(composed.text == decomposed.text, "to Swift they are equal")
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
        #expect([composed: 1, decomposed: 2][composed] == 1)
    }

    @Test("equal strings have equal hashes")
    func hashing() {
        #expect(ExactString("kitchen").hashValue == ExactString("kit" + "chen").hashValue)
        #expect(Set<ExactString>(["a", "a", "b"]).count == 2)
    }

    @Test("the order is that of the bytes, which is that of the scalars")
    func byteOrder() {
        // Upper before lower case; U+FF5E before U+1F600, where UTF-16 units would order them the other way round.
        let ascending: [ExactString] = ["", "A", "AA", "B", "a", "e\u{301}", "z", "\u{E9}", "\u{FF5E}", "\u{1F600}"]
        #expect(ascending.shuffled().sorted() == ascending)
        for (left, right) in zip(ascending, ascending.dropFirst()) {
            #expect(left < right && !(right < left), "\(left), \(right)")
            #expect(
                left.text.unicodeScalars.lexicographicallyPrecedes(right.text.unicodeScalars), "\(left), \(right)")
        }
    }

    @Test("strings with a common beginning of any length are ordered by the first byte that differs")
    func commonBeginnings() {
        for length in 0...40 {
            let beginning = String(repeating: "\u{E9}", count: length)
            for (left, right) in [
                ("", "a"), ("a", "b"), ("abcdefg", "abcdefgh"), ("a\u{7F}zzzzzzzz", "a\u{80}aaaaaaaa"),
            ] {
                let (left, right) = (ExactString(beginning + left), ExactString(beginning + right))
                #expect(left < right && !(right < left) && !(left < left), "\(left), \(right)")
            }
        }
    }

    @Test("the length is counted in bytes")
    func length() {
        #expect(ExactString("\u{E9}").byteCount == 2)
        #expect(ExactString("e\u{301}").byteCount == 3)
        #expect(ExactString("").byteCount == 0)
    }

    @Test("a reviewer's id is reserved, and only an id with that prefix is")
    func reserved() {
        #expect(DeviceID.reviewer("ada").isReserved)
        #expect(DeviceID.reviewer("ada") == "reviewer:ada")
        #expect(!DeviceID("reviewer").isReserved)
        #expect(!DeviceID("Reviewer:ada").isReserved)
        #expect(!DeviceID("ipad").isReserved)
    }
}
