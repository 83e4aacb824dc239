import Causality
import MergeCore
import SyncWire
import Testing

@Suite("a name")
struct NameRuleTests {
    private func issue(_ text: String) -> String? { NameRule.issue(in: ExactString(text), limits: WireLimits()) }

    @Test("is refused with every control character, wherever it stands, and with none of its neighbours")
    func controlCharacters() throws {
        let controls: [ClosedRange<UInt32>] = [
            0x00...0x1F, 0x7F...0x9F, 0x61C...0x61C, 0x200E...0x200F, 0x202A...0x202E, 0x2066...0x2069,
        ]
        for value in Array(UInt32(0)...0x3000) + [0xFEFF, 0x1_F600, 0x10_FFFF] {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let isControl = controls.contains { $0.contains(value) }
            for (before, after) in [("", ""), ("a", ""), ("", "b"), ("abcdefgh", "ijklmnop"), ("é", "ü")] {
                let text = before + String(Character(scalar)) + after
                let isDots = text == "." || text == ".."
                #expect((issue(text) != nil) == (isControl || isDots), "U+\(String(value, radix: 16)) in '\(text)'")
            }
        }
    }

    @Test("is never what a path is cut short by", arguments: [".", ".."])
    func dots(_ dots: String) {
        #expect(issue(dots) != nil)
        #expect(IdempotencyKey(field: dots, limit: 255) == nil)
        #expect(IdempotencyKey(field: "\"\(dots)\"", limit: 255) == nil)
        for name in [dots + ".", "a" + dots, dots + "a", "...", "․"] where name != ".." {
            #expect(issue(name) == nil, "\(name)")
        }
    }
}
