import Causality

/// Appends JSON to a buffer, without white space, with the commas put in by itself.
///
/// `write(_: Value)` writes the canonical form: the one text of a value, so that equal values have equal texts and digests.
/// It is RFC 8785 but for two things, both of them about what RFC 8785 takes from ECMAScript:
///
/// - Names are sorted by their UTF-8 bytes, which is the order of the scalars, and not by UTF-16 code units
///   (section 3.2.3): it is the order of everything else here, of SQL too. The two differ only where a name has
///   scalars above U+FFFF.
/// - Integers are exact over `Int64` and written in digits, where section 3.2.2.3 makes a double of every number:
///   9007199254740993 stays itself. Numbers that are not exact `Int64` are doubles in the format of that section.
///
/// Strings are escaped as section 3.2.2.2 says, and as little.
///
/// The other methods are for answers written by hand. Their caller decides the order of names, and pairs the begins and
/// ends and the keys and values: that is checked in debug builds only.
public struct JSONWriter: Sendable {
    /// What has been written.
    public private(set) var bytes: [UInt8] = []
    /// Whether a value stands before the next one in its array or object. No stack is needed: whatever was open before a
    /// container, the container itself stands there when it has ended.
    private var needsComma = false
    private var depth = 0

    public init(reservingCapacity byteCount: Int = 0) {
        bytes.reserveCapacity(byteCount)
    }

    /// What has been written, as text. O(n).
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    public mutating func beginObject() { begin(UInt8(ascii: "{")) }
    public mutating func endObject() { end(UInt8(ascii: "}")) }
    public mutating func beginArray() { begin(UInt8(ascii: "[")) }
    public mutating func endArray() { end(UInt8(ascii: "]")) }

    /// The name of the member whose value is written next.
    public mutating func key(_ name: String) {
        appendString(name, then: UInt8(ascii: ":"))
        needsComma = false
    }

    public mutating func key(_ name: ExactString) { key(name.text) }

    public mutating func string(_ text: String) {
        appendString(text, then: nil)
        needsComma = true
    }

    public mutating func string(_ text: ExactString) { string(text.text) }

    public mutating func integer(_ number: some FixedWidthInteger & SignedInteger) {
        beginValue()
        appendInteger(Int64(number))
    }

    /// A finite number. It is written as the canonical form would, an integer without a point.
    public mutating func number(_ number: Double) {
        if let exact = Int64(exactly: number) { return integer(exact) }
        assert(number.isFinite, "JSON has no such number")
        guard number.isFinite else { return null() }
        beginValue()
        appendShortest(ShortestDecimal(number))
    }

    public mutating func boolean(_ flag: Bool) {
        raw(canonicalText: flag ? "true" : "false")
    }

    public mutating func null() {
        raw(canonicalText: "null")
    }

    /// One value that is in canonical form already, such as one read from storage. It is not looked at.
    public mutating func raw(canonicalText: String) {
        beginValue()
        bytes.append(contentsOf: canonicalText.utf8)
    }

    /// One value that is in canonical form already. It is not looked at.
    public mutating func raw(canonicalBytes: [UInt8]) {
        beginValue()
        bytes.append(contentsOf: canonicalBytes)
    }

    /// Ends a line of newline-delimited JSON; what follows is a text of its own.
    public mutating func endLine() {
        assert(depth == 0, "a line ends inside an array or object")
        bytes.append(0x0A)
        needsComma = false
    }

    /// Hands over what has been written since the last time, as one part of a streamed answer. Open arrays and objects stay
    /// open.
    public mutating func takeBytes() -> [UInt8] {
        let taken = bytes
        bytes.removeAll(keepingCapacity: true)
        return taken
    }

    /// Hands over what has been written since the last time as text, and begins anew in the same memory.
    public mutating func takeText() -> String {
        assert(depth == 0, "the text ends inside an array or object")
        defer {
            bytes.removeAll(keepingCapacity: true)
            needsComma = false
        }
        return text
    }

    private mutating func begin(_ bracket: UInt8) {
        beginValue()
        bytes.append(bracket)
        needsComma = false
        depth += 1
    }

    private mutating func end(_ bracket: UInt8) {
        assert(depth > 0, "nothing is open")
        bytes.append(bracket)
        needsComma = true
        depth -= 1
    }

    private mutating func beginValue() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    // MARK: Strings

    /// A string with the comma before it, and what follows it.
    private mutating func appendString(_ text: String, then follower: UInt8?) {
        let isAppended: Void? = text.utf8.withContiguousStorageIfAvailable { appendString($0, then: follower) }
        guard isAppended == nil else { return }
        Array(text.utf8).withUnsafeBufferPointer { appendString($0, then: follower) }
    }

    private mutating func appendString(_ text: UnsafeBufferPointer<UInt8>, then follower: UInt8?) {
        // Looking at all bytes without an early exit is done in wide steps.
        var needsEscapes = false
        for byte in text { needsEscapes = needsEscapes || Self.needsEscape(byte) }
        guard !needsEscapes else { return appendEscaping(text, then: follower) }
        // Each append looks whether the buffer is shared and large enough: one for all of a short string.
        let isShort = text.count <= 16
        bytes.append(addingCapacity: text.count + 4) { output in
            if needsComma { output.append(UInt8(ascii: ",")) }
            output.append(UInt8(ascii: "\""))
            guard isShort else { return }
            for byte in text { output.append(byte) }
            output.append(UInt8(ascii: "\""))
            if let follower { output.append(follower) }
        }
        guard !isShort else { return }
        bytes.append(contentsOf: text)
        bytes.append(UInt8(ascii: "\""))
        if let follower { bytes.append(follower) }
    }

    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private mutating func appendEscaping(_ text: UnsafeBufferPointer<UInt8>, then follower: UInt8?) {
        // Control characters, which are rare, take six bytes for one.
        let longest = text.reduce(0) { $0 + (Self.needsEscape($1) ? 6 : 1) }
        bytes.append(addingCapacity: longest + 4) { output in
            if needsComma { output.append(UInt8(ascii: ",")) }
            output.append(UInt8(ascii: "\""))
            for byte in text {
                switch byte {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                    output.append(UInt8(ascii: "\\"))
                    output.append(byte)
                case 0..<0x20:
                    output.append(UInt8(ascii: "\\"))
                    if let letter = Self.escapeLetter(byte) {
                        output.append(letter)
                    } else {
                        output.append(UInt8(ascii: "u"))
                        output.append(repeating: UInt8(ascii: "0"), count: 2)
                        output.append(Self.hexDigit(byte >> 4))
                        output.append(Self.hexDigit(byte & 0xF))
                    }
                default: output.append(byte)
                }
            }
            output.append(UInt8(ascii: "\""))
            if let follower { output.append(follower) }
        }
    }

    private static func escapeLetter(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x08: UInt8(ascii: "b")
        case 0x09: UInt8(ascii: "t")
        case 0x0A: UInt8(ascii: "n")
        case 0x0C: UInt8(ascii: "f")
        case 0x0D: UInt8(ascii: "r")
        default: nil
        }
    }

    private static func hexDigit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
    }

    // MARK: Numbers

    private mutating func appendInteger(_ number: Int64) {
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        appendDigits(number.magnitude)
    }

    private mutating func appendDigits(_ number: UInt64) {
        var count = 1
        while count < 20, number >= PowerOfTen.integers[count] { count += 1 }
        var rest = number
        let start = bytes.count
        appendZeros(count)
        for index in (start..<start + count).reversed() {
            bytes[index] &+= UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }

    /// ECMAScript's Number::toString, in whose words `count` is k and `pointAt` is n.
    private mutating func appendShortest(_ number: ShortestDecimal) {
        if number.isNegative { bytes.append(UInt8(ascii: "-")) }
        let start = bytes.count
        appendDigits(number.significand)
        let count = bytes.count - start
        let pointAt = count + number.exponent
        switch pointAt {
        case count...max(count, 21) where pointAt <= 21:
            appendZeros(pointAt - count)
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

    private mutating func appendZeros(_ count: Int) {
        bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: count))
    }
}
