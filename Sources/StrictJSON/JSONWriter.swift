import Causality
import Values

/// Appends JSON to a buffer, without white space. The writer puts in the commas itself.
///
/// ``write(_:)`` writes the canonical form: the one text of a value, so that equal values have equal texts and digests.
/// The form is RFC 8785 except for two things, both of which RFC 8785 takes from ECMAScript:
///
/// - Names are sorted by their UTF-8 bytes, which is the order of the scalars, and not by UTF-16 code units (section
///   3.2.3). Everything else here has this order, SQL too. The two differ only where a name has scalars above U+FFFF.
/// - Integers are exact over `Int64` and written in digits, where section 3.2.2.3 makes a double of every number:
///   9007199254740993 stays itself. Numbers that are not exact `Int64` are doubles in the format of that section.
///
/// Strings are escaped as section 3.2.2.2 says, and as little.
///
/// The other methods are for answers written by hand. Their caller decides the order of names, and pairs the begins and
/// ends and the keys and values. Only debug builds check that.
public struct JSONWriter: Sendable {
    /// What has been written.
    public internal(set) var bytes: [UInt8] = []
    /// Whether a value stands before the next one in its array or object. No stack is needed: whatever was open before
    /// a container, the container itself stands there when it has ended.
    var needsComma = false
    private var depth = 0
    /// Where the line begins that is being written, for answers that are made of lines.
    var lineStart = 0

    /// Begins with nothing written.
    /// - Parameter byteCount: how many bytes to make room for.
    public init(reservingCapacity byteCount: Int = 0) {
        bytes.reserveCapacity(byteCount)
    }

    /// What has been written, as text. O(n).
    public var text: String {
        guard #available(macOS 26, iOS 26, tvOS 26, watchOS 26, visionOS 26, *) else {
            return String(decoding: bytes, as: UTF8.self)
        }
        // The bytes are of whole strings and of ASCII, so there is nothing to validate. To validate takes longer than
        // all else.
        return String(copying: UTF8Span(unchecked: bytes.span))
    }

    /// Begins an object.
    public mutating func beginObject() { begin(UInt8(ascii: "{")) }
    /// Ends the object that was begun last.
    public mutating func endObject() { end(UInt8(ascii: "}")) }
    /// Begins an array.
    public mutating func beginArray() { begin(UInt8(ascii: "[")) }
    /// Ends the array that was begun last.
    public mutating func endArray() { end(UInt8(ascii: "]")) }

    /// Writes the name of the member whose value is written next.
    public mutating func key(_ name: String) {
        appendString(name, then: UInt8(ascii: ":"))
        needsComma = false
    }

    /// Writes the name of the member whose value is written next.
    public mutating func key(_ name: ExactString) { key(name.text) }

    /// Writes a text.
    public mutating func string(_ text: String) {
        appendString(text, then: nil)
        needsComma = true
    }

    /// Writes a text.
    public mutating func string(_ text: ExactString) { string(text.text) }

    /// Writes a whole number.
    public mutating func integer(_ number: Int64) {
        appendInteger(number)
        needsComma = true
    }

    /// Writes a whole number, which `Int64` has to hold.
    @inlinable
    public mutating func integer(_ number: some FixedWidthInteger & SignedInteger) {
        integer(Int64(number))
    }

    /// Writes a finite number as the canonical form has it: an integer without a point, any other as its shortest
    /// decimal.
    public mutating func number(_ number: Double) {
        if let exact = Int64(exactly: number) { return integer(exact) }
        assert(number.isFinite, "JSON has no such number")
        guard number.isFinite else { return null() }
        beginValue()
        appendShortest(ShortestDecimal(number))
    }

    /// Writes `true` or `false`.
    public mutating func boolean(_ flag: Bool) {
        raw(canonicalText: flag ? "true" : "false")
    }

    /// Writes `null`.
    public mutating func null() {
        raw(canonicalText: "null")
    }

    /// Writes a time in the form that is sent (see `Timestamp`).
    public mutating func timestamp(milliseconds: Int64) {
        bytes.append(addingCapacity: Timestamp.byteCount + 3) { output in
            if needsComma { output.append(UInt8(ascii: ",")) }
            output.append(UInt8(ascii: "\""))
            Timestamp(milliseconds: milliseconds).write(to: &output)
            output.append(UInt8(ascii: "\""))
        }
        needsComma = true
    }

    /// Writes one value that is already in canonical form, such as one read from storage. Nothing of it is checked.
    public mutating func raw(canonicalText: String) {
        appendRaw(canonicalText)
        needsComma = true
    }

    /// Writes one value that is already in canonical form. Nothing of it is checked.
    public mutating func raw(canonicalBytes: [UInt8]) {
        beginValue()
        bytes.append(contentsOf: canonicalBytes)
    }

    /// Ends a line of newline-delimited JSON. What follows is a text of its own.
    ///
    /// Some readers take U+0085, U+2028 and U+2029 for the end of a line, so these are escaped. JSON has them in
    /// strings alone.
    public mutating func endLine() {
        assert(depth == 0, "a line ends inside an array or object")
        escapeLineBreaks()
        bytes.append(0x0A)
        needsComma = false
    }

    /// Hands over what has been written since the last time, as one part of a streamed answer. Open arrays and objects stay
    /// open.
    public mutating func takeBytes() -> [UInt8] {
        let taken = bytes
        bytes.removeAll(keepingCapacity: true)
        lineStart = 0
        return taken
    }

    /// Hands over what has been written since the last time as text, and begins anew in the same memory.
    public mutating func takeText() -> String {
        assert(depth == 0, "the text ends inside an array or object")
        defer { clear() }
        return text
    }

    /// Forgets what has been written, and begins anew in the same memory.
    public mutating func clear() {
        bytes.removeAll(keepingCapacity: true)
        lineStart = 0
        needsComma = false
        depth = 0
    }

    private mutating func begin(_ bracket: UInt8) {
        bytes.append(addingCapacity: 2) { output in
            if needsComma { output.append(UInt8(ascii: ",")) }
            output.append(bracket)
        }
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
}
