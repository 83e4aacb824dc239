import Causality
import Values

extension SeededGenerator {
    /// A value with arrays and objects up to the given depth; objects of up to 40 members, most of them of few.
    package mutating func value(depth: Int = 4) -> Value {
        // The top is a container, since a scalar alone tries little.
        switch depth == 4 ? 6 + below(2) : below(depth > 0 ? 9 : 6) {
        case 0: .null
        case 1: .boolean(Bool.random(using: &self))
        case 2: .integer(integer())
        case 3: double()
        case 4, 5: .string(text())
        case 6: .array((0..<below(6)).map { _ in value(depth: depth - 1) })
        default:
            .object(
                (0..<below(pick([4, 8, 8, depth * 10]))).map { _ in (ExactString(text()), value(depth: depth - 1)) })
        }
    }

    package mutating func integer() -> Int64 {
        switch below(4) {
        case 0: Int64(below(200)) - 100
        case 1: pick([Int64.min, .max, 0, 1 << 53, (1 << 53) + 1, -(1 << 53) - 1, 1_000_000_000_000_000_000])
        default: Int64(bitPattern: next()) >> Int64(below(63))
        }
    }

    package mutating func double() -> Value {
        while true {
            let candidate: Double =
                switch below(3) {
                case 0: Double(Int64(bitPattern: next()) >> 40) / pick([10, 100, 1000, 8])
                case 1:
                    pick([
                        5e-324, .leastNormalMagnitude, .greatestFiniteMagnitude, 1e21, 1e22, -0x1p63, 0x1p63, 1e-6,
                        1e-7,
                    ])
                default: Double(bitPattern: next())
                }
            if let value = Value.number(candidate) { return value }
        }
    }

    package mutating func text() -> String {
        var text = ""
        for _ in 0..<below(pick([3, 12, 40])) {
            let scalar: Unicode.Scalar =
                switch below(6) {
                case 0: pick(["\"", "\\", "/", "\n", "\t", "\u{1}", "\u{1F}", "\u{7F}", "~"])
                case 1: pick(["é", "e", "\u{301}", "\u{FFFF}", "\u{10000}", "\u{10FFFF}", "\u{D7FF}", "\u{E000}"])
                default: Unicode.Scalar(UInt8(0x61 + below(6)))
                }
            text.unicodeScalars.append(scalar)
        }
        return text
    }
}
