import Values

/// A number as it was written (RFC 8259 section 6), reduced to what it denotes.
///
/// The number is `significand × 10^exponent`, negated if it is marked so. The significand has no zeros at either end.
/// Reading is linear in the literal's length, whatever its digits and its exponent say.
struct DecimalLiteral {
    private(set) var isNegative = false
    /// The digits as a number. It has a meaning while `digitCount` is at most 19, which is as many digits as an `Int64`
    /// has.
    private(set) var significand: UInt64 = 0
    /// The number of the significand's digits.
    private(set) var digitCount = 0
    private(set) var exponent = 0
    /// The zeros read since the last other digit. They are inside the significand if another digit follows, and else
    /// part of the exponent.
    private var zeroCount = 0

    /// Beyond this exponent, no digits that fit into memory bring it back into range.
    private static let exponentBound = 1_000_000_000_000_000

    /// Reads the literal at a position and moves the position behind it. What follows the literal is not looked at.
    init(_ bytes: Span<UInt8>, at position: inout Int) throws(JSONRefusal) {
        if position < bytes.count, bytes[position] == UInt8(ascii: "-") {
            isNegative = true
            position += 1
        }
        let start = position
        let integerDigits = readDigits(bytes, at: &position)
        guard integerDigits > 0, integerDigits == 1 || bytes[start] != UInt8(ascii: "0") else {
            throw JSONRefusal(.malformedNumber, at: start)
        }
        var fractionDigits = 0
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            fractionDigits = readDigits(bytes, at: &position)
            guard fractionDigits > 0 else { throw JSONRefusal(.malformedNumber, at: position) }
        }
        var written = 0
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            written = try Self.readExponent(bytes, at: &position)
        }
        exponent = digitCount == 0 ? 0 : written - fractionDigits + zeroCount
    }

    private mutating func readDigits(_ bytes: Span<UInt8>, at position: inout Int) -> Int {
        let start = position
        while position < bytes.count {
            let digit = bytes[position] &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            position += 1
            if digit == 0 {
                // Zeros before the first other digit say nothing.
                if digitCount > 0 { zeroCount += 1 }
                continue
            }
            digitCount += zeroCount + 1
            if digitCount <= 19 {
                significand = significand * PowerOfTen.integers[zeroCount + 1] + UInt64(digit)
            }
            zeroCount = 0
        }
        return position - start
    }

    private static func readExponent(_ bytes: Span<UInt8>, at position: inout Int) throws(JSONRefusal) -> Int {
        var isNegative = false
        if position < bytes.count, bytes[position] == UInt8(ascii: "-") || bytes[position] == UInt8(ascii: "+") {
            isNegative = bytes[position] == UInt8(ascii: "-")
            position += 1
        }
        let start = position
        var exponent = 0
        while position < bytes.count {
            let digit = bytes[position] &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            position += 1
            if exponent < exponentBound { exponent = exponent * 10 + Int(digit) }
        }
        guard position > start else { throw JSONRefusal(.malformedNumber, at: position) }
        return isNegative ? -exponent : exponent
    }

    /// What the literal denotes, in normal form; nil when neither an `Int64` nor a `Double` holds it.
    var value: Value? {
        if digitCount == 0 { return .integer(0) }
        guard digitCount <= 19 else { return nil }
        if let exact = exactInteger { return .integer(exact) }
        return nearestDouble.map(Value.double)
    }

    private var exactInteger: Int64? {
        // With a negative exponent the last digit, which is not zero, stands behind the point.
        guard exponent >= 0, digitCount + exponent <= 19 else { return nil }
        let magnitude = significand * PowerOfTen.integers[exponent]
        if isNegative {
            return magnitude <= Int64.min.magnitude ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil
        }
        return Int64(exactly: magnitude)
    }

    /// The double whose shortest decimal the literal denotes.
    private var nearestDouble: Double? {
        // No shortest decimal has more than 17 digits, and no double lies beyond these powers of ten.
        guard digitCount <= 17, (-324...309).contains(digitCount + exponent) else { return nil }
        // Two exact operands and one rounding (Clinger 1990). Decimals of up to 15 digits in this range go to different
        // doubles, so none of them can be shorter than this one and read back the same.
        if digitCount <= 15, (-22...22).contains(exponent) {
            let magnitude =
                exponent < 0
                ? Double(significand) / PowerOfTen.doubles[-exponent]
                : Double(significand) * PowerOfTen.doubles[exponent]
            return isNegative ? -magnitude : magnitude
        }
        guard let magnitude = Double("\(significand)e\(exponent)"), magnitude.isFinite, magnitude != 0 else {
            return nil
        }
        let shortest = ShortestDecimal(magnitude)
        guard shortest.significand == significand, shortest.exponent == exponent else { return nil }
        let number = isNegative ? -magnitude : magnitude
        // -9223372036854776000 is the shortest decimal of -2^63, which is an `Int64` and another number than was written.
        return Int64(exactly: number) == nil ? number : nil
    }
}

/// The powers of ten that a number type holds exactly.
enum PowerOfTen {
    /// 10^0 to 10^19: all that fit.
    static let integers: [UInt64] = [
        1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000,
        100_000_000_000, 1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000,
        10_000_000_000_000_000, 100_000_000_000_000_000, 1_000_000_000_000_000_000, 10_000_000_000_000_000_000,
    ]
    /// 10^0 to 10^22: all that are exact.
    static let doubles: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]
}
