/// The shortest decimal that reads back as one given `Double`, closest to it among those of its length.
///
/// The number is `significand × 10^exponent`, negated if so marked; the significand ends in no zero.
struct ShortestDecimal: Equatable {
    let isNegative: Bool
    /// At most 17 digits; 0 for zero.
    let significand: UInt64
    let exponent: Int

    /// Takes the digits from the standard library's description, which is defined to be shortest and closest; only their
    /// arrangement differs from ECMAScript's.
    /// - Parameter number: finite.
    init(_ number: Double) {
        var significand: UInt64 = 0
        var exponent = 0
        var trailingZeros = 0
        var isAfterPoint = false
        var writtenExponent: Int?
        var exponentSign = 1
        for byte in number.description.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                let digit = Int(byte &- UInt8(ascii: "0"))
                if let written = writtenExponent {
                    writtenExponent = written * 10 + digit
                    continue
                }
                if isAfterPoint { exponent -= 1 }
                if digit == 0 {
                    trailingZeros += 1
                } else {
                    // Zeros count once a later digit shows that they are inside; a description is never so long with
                    // zeros that this leaves 64 bits, as its digits are at most 17 behind the leading ones.
                    for _ in 0...trailingZeros { significand &*= 10 }
                    significand &+= UInt64(digit)
                    trailingZeros = 0
                }
            case UInt8(ascii: "."): isAfterPoint = true
            case UInt8(ascii: "e"): writtenExponent = 0
            case UInt8(ascii: "-") where writtenExponent != nil: exponentSign = -1
            default: break
            }
        }
        self.significand = significand
        self.isNegative = number < 0
        self.exponent = significand == 0 ? 0 : exponent + trailingZeros + exponentSign * (writtenExponent ?? 0)
    }
}
