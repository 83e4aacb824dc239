/// The shortest decimal that reads back as one given `Double`. Among those of its length it is the closest to the
/// number.
///
/// The number is `significand × 10^exponent`, negated if it is marked so. The significand ends in no zero.
struct ShortestDecimal: Equatable {
    let isNegative: Bool
    /// The digits as a number: at most 17, and 0 for zero.
    let significand: UInt64
    let exponent: Int

    /// Takes the digits from the standard library's description, which is defined to be shortest and closest. Only
    /// their arrangement differs from ECMAScript's.
    /// - Parameter number: a finite number.
    init(_ number: Double) {
        if let short = Self(fewDecimals: number) {
            self = short
            return
        }
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

    /// Makes the decimal of a number of few decimals, such as a price; nil for another one.
    ///
    /// Decimals of up to 15 digits go to different doubles, so one that reads back as the number is the only one of
    /// that length or less. One decimal more is tried each time, so that the last one is not zero. Reading back is one
    /// division of two exact operands (Clinger 1990).
    private init?(fewDecimals number: Double) {
        let magnitude = number.magnitude
        guard magnitude >= 1e-3, magnitude < 1e9 else { return nil }
        for decimals in 1...5 {
            let scaled = (magnitude * PowerOfTen.doubles[decimals]).rounded()
            guard scaled / PowerOfTen.doubles[decimals] == magnitude else { continue }
            significand = UInt64(scaled)
            exponent = -decimals
            isNegative = number < 0
            // The digits of an integer would end in zero.
            if significand % 10 == 0 { return nil }
            return
        }
        return nil
    }
}
