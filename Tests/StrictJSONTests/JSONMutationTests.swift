import SeededRandom
import StrictJSON
import Testing
import Values

@Suite("JSON under mutation")
struct JSONMutationTests {
    @Test("no bytes crash the parser, and what it takes is canonical after one pass", arguments: UInt64(0)..<30)
    func survivesMutations(block: UInt64) {
        for seed in block * 200..<(block + 1) * 200 {
            var generator = SeededGenerator(seed: seed)
            let value = generator.value()
            var bytes = Array(generator.spelling(of: value).utf8)
            for _ in 0...generator.below(4) { mutate(&bytes, with: &generator) }
            check(bytes, seed: seed)
        }
    }

    @Test("every prefix of a text is refused or is itself a text")
    func survivesTruncation() {
        for seed in UInt64(0)..<40 {
            var generator = SeededGenerator(seed: seed)
            let bytes = Array(generator.spelling(of: generator.value()).utf8)
            for end in bytes.indices { check(Array(bytes[..<end]), seed: seed) }
        }
    }

    @Test("a parse that collects issues agrees with a strict one")
    func agrees() throws {
        for seed in UInt64(10_000)..<14_000 {
            var generator = SeededGenerator(seed: seed)
            var bytes = Array(generator.spelling(of: generator.value()).utf8)
            mutate(&bytes, with: &generator)
            let strict = Result { () throws(JSONSyntaxError) in try JSONParser().parse(bytes) }
            let collecting = Result { () throws(JSONSyntaxError) in try JSONParser().parseCollectingIssues(bytes) }
            switch (strict, collecting) {
            case (.success(let value), .success(let document)):
                #expect(document.issues.isEmpty && document.value == value, "seed \(seed)")
            case (.failure(let error), .success(let document)):
                #expect(document.issues.first.map { .issue($0.kind) } == error.kind, "seed \(seed)")
            case (.failure(let left), .failure(let right)): #expect(left == right, "seed \(seed)")
            case (.success, .failure): Issue.record("seed \(seed)")
            }
        }
    }

    private func check(_ bytes: [UInt8], seed: UInt64) {
        guard let document = try? JSONParser().parseCollectingIssues(bytes) else { return }
        let text = document.value.canonicalText
        #expect((try? Value(json: text)) == document.value, "seed \(seed)")
        for issue in document.issues { #expect(bytes.indices.contains(issue.offset), "seed \(seed)") }
    }

    private func mutate(_ bytes: inout [UInt8], with generator: inout SeededGenerator) {
        let interesting =
            Array("{}[]\",:\\u0000dD8e+-.019ntf /\u{0}\u{1F}".utf8) + [0x80, 0xBF, 0xC3, 0xE2, 0xED, 0xF4, 0xFF]
        let place = generator.below(bytes.count + 1)
        switch generator.below(5) {
        case 0: bytes.insert(generator.pick(interesting), at: place)
        case 1 where place < bytes.count: bytes.remove(at: place)
        case 2 where place < bytes.count: bytes[place] = generator.pick(interesting)
        case 3 where place < bytes.count: bytes[place] ^= 1 << UInt8(generator.below(8))
        default:
            let end = min(bytes.count, place + generator.below(20))
            bytes.insert(contentsOf: bytes[place..<end], at: generator.below(bytes.count + 1))
        }
    }
}
