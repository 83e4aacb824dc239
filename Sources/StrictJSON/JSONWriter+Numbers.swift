extension JSONWriter {
    /// Appends an integer, with the comma before it.
    mutating func appendInteger(_ number: Int64) {
        bytes.append(addingCapacity: 21) { output in
            if needsComma { output.append(UInt8(ascii: ",")) }
            if number < 0 { output.append(UInt8(ascii: "-")) }
            Self.append(digits: number.magnitude, to: &output)
        }
    }

    private static func append(digits number: UInt64, to output: inout OutputSpan<UInt8>) {
        guard number >= 10 else { return output.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number)) }
        var count = 2
        while count < 20, number >= PowerOfTen.integers[count] { count += 1 }
        output.append(repeating: UInt8(ascii: "0"), count: count)
        var rest = number
        var position = output.count
        while rest > 0 {
            position -= 1
            output[position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }

    /// Appends a double as ECMAScript's Number::toString does. In the words of that algorithm, `count` is k and
    /// `pointAt` is n.
    mutating func appendShortest(_ number: ShortestDecimal) {
        if number.isNegative { bytes.append(UInt8(ascii: "-")) }
        let start = bytes.count
        appendDigits(number.significand)
        let count = bytes.count - start
        let pointAt = count + number.exponent
        switch pointAt {
        case count...max(count, 21) where pointAt <= 21:
            bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: pointAt - count))
        case 1...21:
            bytes.insert(UInt8(ascii: "."), at: start + pointAt)
        case -5...0:
            bytes.insert(contentsOf: "0.".utf8, at: start)
            for _ in 0..<(-pointAt) { bytes.insert(UInt8(ascii: "0"), at: start + 2) }
        default:
            if count > 1 { bytes.insert(UInt8(ascii: "."), at: start + 1) }
            bytes.append(UInt8(ascii: "e"))
            bytes.append(pointAt > 0 ? UInt8(ascii: "+") : UInt8(ascii: "-"))
            appendDigits(UInt64((pointAt - 1).magnitude))
        }
    }

    private mutating func appendDigits(_ number: UInt64) {
        bytes.append(addingCapacity: 20) { Self.append(digits: number, to: &$0) }
    }
}
