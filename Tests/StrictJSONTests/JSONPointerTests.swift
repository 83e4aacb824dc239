import SeededRandom
import StrictJSON
import Testing

@Suite("JSON pointer")
struct JSONPointerTests {
    @Test("the examples of RFC 6901 section 5")
    func examples() {
        for (name, text) in [
            ("foo", "/foo"), ("", "/"), ("a/b", "/a~1b"), ("c%d", "/c%d"), ("e^f", "/e^f"), ("k\"l", "/k\"l"),
            (" ", "/ "),
            ("m~n", "/m~0n"),
        ] {
            let pointer = JSONPointer.root.appending(name: name)
            #expect(pointer.text == text)
            #expect(pointer.tokens == [name])
        }
        #expect(JSONPointer.root.tokens.isEmpty)
        #expect(JSONPointer.root.appending(name: "foo").appending(index: 0).text == "/foo/0")
    }

    @Test("the tokens are the steps again, whatever they are made of")
    func roundTrip() {
        for seed in UInt64(0)..<500 {
            var generator = SeededGenerator(seed: seed)
            let steps = (0..<generator.below(6)).map { _ in
                String(
                    String.UnicodeScalarView(
                        (0..<generator.below(5)).map { _ in generator.pick(["~", "/", "0", "1", "\u{301}", "e"]) }))
            }
            let pointer = steps.reduce(JSONPointer.root) { $0.appending(name: $1) }
            #expect(pointer.tokens.map { Array($0.utf8) } == steps.map { Array($0.utf8) }, "seed \(seed)")
        }
    }

    @Test("places whose names differ only in normal form are different places")
    func comparesScalars() {
        #expect(JSONPointer.root.appending(name: "\u{E9}") != JSONPointer.root.appending(name: "e\u{301}"))
    }
}
