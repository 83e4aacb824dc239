/// The exact decimal expansion of a number, in digit arrays, written from the definitions and sharing nothing with the parser.
struct DecimalOracle: Equatable {
    var isNegative: Bool
    /// The digits without zeros at either end; empty for zero.
    var digits: [UInt8]
    /// The power of ten of the last digit.
    var exponent: Int

    static let zero = DecimalOracle(isNegative: false, digits: [], exponent: 0)

    private init(isNegative: Bool, digits: [UInt8], exponent: Int) {
        self.isNegative = isNegative
        self.digits = digits
        self.exponent = exponent
    }

    /// What a literal denotes. The literal must follow the grammar, and its exponent must fit an `Int`.
    init(literal: String) {
        var mantissa = literal[...]
        var exponent = 0
        if let mark = literal.firstIndex(where: { $0 == "e" || $0 == "E" }) {
            mantissa = literal[..<mark]
            exponent = Int(literal[literal.index(after: mark)...]) ?? 0
        }
        let isNegative = mantissa.first == "-"
        if isNegative { mantissa = mantissa.dropFirst() }
        let parts = mantissa.split(separator: ".", omittingEmptySubsequences: false)
        let fraction = parts.count == 2 ? parts[1] : ""
        self = Self.normal(
            isNegative: isNegative, digits: (parts[0] + fraction).compactMap(\.wholeNumberValue).map { UInt8($0) },
            exponent: exponent - fraction.count)
    }

    /// All digits of a double: significand × 2^exponent, by doubling and halving digit arrays.
    init(exactly number: Double) {
        guard number != 0 else {
            self = .zero
            return
        }
        var digits = String(number.significandBitPattern | (number.isNormal ? 1 << 52 : 0))
            .compactMap(\.wholeNumberValue).map { UInt8($0) }
        let power = number.isNormal ? Int(number.exponentBitPattern) - 1075 : -1074
        // Dividing by two is multiplying by five and dividing by ten. Eight powers at a time.
        let factor = power > 0 ? 2 : 5
        for _ in 0..<abs(power) / 8 {
            digits = Self.product(digits, (0..<8).reduce(1) { product, _ in product * factor })
        }
        for _ in 0..<abs(power) % 8 { digits = Self.product(digits, factor) }
        self = Self.normal(isNegative: number < 0, digits: digits, exponent: min(power, 0))
    }

    var isInt64: Bool {
        guard !digits.isEmpty else { return true }
        guard exponent >= 0, digits.count + exponent <= 19 else { return false }
        let text = digits.map(String.init).joined() + String(repeating: "0", count: exponent)
        let bound = isNegative ? "9223372036854775808" : "9223372036854775807"
        return text.utf8.count < 19 || text <= bound
    }

    private static func product(_ digits: [UInt8], _ factor: Int) -> [UInt8] {
        var carry = 0
        var result: [UInt8] = []
        for digit in digits.reversed() {
            carry += Int(digit) * factor
            result.append(UInt8(carry % 10))
            carry /= 10
        }
        while carry > 0 {
            result.append(UInt8(carry % 10))
            carry /= 10
        }
        return result.reversed()
    }

    private static func normal(isNegative: Bool, digits: [UInt8], exponent: Int) -> DecimalOracle {
        var trimmed = Array(digits.drop { $0 == 0 })
        var exponent = exponent
        while trimmed.last == 0 {
            trimmed.removeLast()
            exponent += 1
        }
        return trimmed.isEmpty ? .zero : DecimalOracle(isNegative: isNegative, digits: trimmed, exponent: exponent)
    }

    /// |self| < |other|.
    func isCloserToZero(than other: DecimalOracle) -> Bool {
        guard !digits.isEmpty, !other.digits.isEmpty else { return digits.isEmpty && !other.digits.isEmpty }
        let magnitude = digits.count + exponent
        let otherMagnitude = other.digits.count + other.exponent
        if magnitude != otherMagnitude { return magnitude < otherMagnitude }
        return digits.lexicographicallyPrecedes(other.digits)
    }

    /// |self − other| of numbers of one sign, exactly.
    func distance(to other: DecimalOracle) -> DecimalOracle {
        let scale = min(exponent, other.exponent)
        var left = digits + Array(repeating: 0, count: digits.isEmpty ? 0 : exponent - scale)
        var right = other.digits + Array(repeating: 0, count: other.digits.isEmpty ? 0 : other.exponent - scale)
        let width = max(left.count, right.count)
        left = Array(repeating: 0, count: width - left.count) + left
        right = Array(repeating: 0, count: width - right.count) + right
        if left.lexicographicallyPrecedes(right) { swap(&left, &right) }
        var borrow: UInt8 = 0
        for index in left.indices.reversed() {
            let subtrahend = right[index] + borrow
            borrow = left[index] < subtrahend ? 1 : 0
            left[index] = left[index] + 10 * borrow - subtrahend
        }
        return Self.normal(isNegative: false, digits: left, exponent: scale)
    }
}
