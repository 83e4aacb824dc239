import SeededRandom
import StrictJSON
import Testing

@Suite("lines of JSON")
struct JSONLineTests {
    @Test("have nothing in them that ends a line for anybody, and say the same")
    func escaped() throws {
        let pieces = [
            "a", "é", "\u{85}", "\u{2028}", "\u{2029}", "\u{2027}", "\u{202A}", "\u{84}", "€", "😀", "\\", "\"", "",
        ]
        var random = SeededGenerator(seed: 1)
        for _ in 0..<2_000 {
            var writer = JSONWriter()
            var texts: [String] = []
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let text = (0..<6).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
                texts.append(text)
                writer.beginObject()
                writer.member(text, text)
                writer.endObject()
                writer.endLine()
                if Bool.random(using: &random) { _ = writer.takeBytes().count; texts = [] }
            }
            let scalars = writer.text.unicodeScalars
            #expect(!scalars.contains("\u{85}") && !scalars.contains("\u{2028}") && !scalars.contains("\u{2029}"))
            let lines = writer.text.split(separator: "\n", omittingEmptySubsequences: true)
            #expect(lines.count == texts.count)
            for (line, text) in zip(lines, texts) {
                let value = try JSONParser().parse(Array(line.utf8))
                #expect(value == .object([(.init(text), .string(.init(text)))]))
            }
        }
    }
}
