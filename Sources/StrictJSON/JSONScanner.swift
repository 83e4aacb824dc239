import Causality
import Values

/// Reads a text whose shape is known, piece by piece. What the text holds goes where it belongs, and no tree is made in
/// between.
///
/// The scanner takes the same texts as ``JSONParser``; an issue is an error here like any other. The text is handed to
/// every method, and must be the same in all calls until the scanner begins another one. Every method throws a
/// ``JSONSyntaxError`` where the text has something else in that place; its pointer is the root, because a scanner
/// keeps no path.
public struct JSONScanner: Sendable {
    private var reader: JSONReader
    /// Whether no element of the array or object that was begun last has been read.
    private var isAtFirst = false

    /// Begins at the start of a text.
    public init(limits: JSONLimits = .standard) {
        reader = JSONReader(limits: limits)
    }

    /// Begins another text, in the memory of those before it.
    public mutating func restart() { reader.restart() }

    /// Steps into the array that comes next.
    public mutating func beginArray(_ text: Span<UInt8>) throws(JSONSyntaxError) {
        try begin(UInt8(ascii: "["), text)
    }

    /// Steps into the object that comes next.
    public mutating func beginObject(_ text: Span<UInt8>) throws(JSONSyntaxError) {
        try begin(UInt8(ascii: "{"), text)
    }

    /// Moves to the next element of the array.
    /// - Returns: false when there is none, and the array has ended.
    public mutating func nextElement(_ text: Span<UInt8>) throws(JSONSyntaxError) -> Bool {
        try next(orEnd: UInt8(ascii: "]"), text)
    }

    /// Moves to the value of the object's next member. Whether a name was given before is not checked.
    /// - Returns: the member's name; nil when there is none, and the object has ended.
    public mutating func nextMember(_ text: Span<UInt8>) throws(JSONSyntaxError) -> ExactString? {
        guard try next(orEnd: UInt8(ascii: "}"), text) else { return nil }
        do {
            let name = try reader.memberName(text)
            try reader.colon(text)
            return ExactString(try known(name))
        } catch {
            throw JSONSyntaxError(error)
        }
    }

    /// Reads a whole number, or `null` as nil.
    public mutating func optionalInteger(_ text: Span<UInt8>) throws(JSONSyntaxError) -> Int64? {
        switch try value(text) {
        case .integer(let number): return number
        case .null: return nil
        case .boolean, .double, .string, .array, .object:
            throw JSONSyntaxError(JSONRefusal(.valueExpected, at: reader.position))
        }
    }

    /// Reads a whole number.
    public mutating func integer(_ text: Span<UInt8>) throws(JSONSyntaxError) -> Int64 {
        guard let number = try optionalInteger(text) else {
            throw JSONSyntaxError(JSONRefusal(.valueExpected, at: reader.position))
        }
        return number
    }

    /// Reads a string.
    public mutating func string(_ text: Span<UInt8>) throws(JSONSyntaxError) -> ExactString {
        do {
            return ExactString(try known(try reader.memberName(text)))
        } catch {
            throw JSONSyntaxError(error)
        }
    }

    /// Reads a value of any kind, as a tree.
    public mutating func value(_ text: Span<UInt8>) throws(JSONSyntaxError) -> Value {
        do {
            let value = try reader.value(text)
            if !reader.issues.isEmpty { try refuseIssues() }
            return value
        } catch {
            throw JSONSyntaxError(error)
        }
    }

    /// Checks that nothing but white space follows.
    public mutating func end(_ text: Span<UInt8>) throws(JSONSyntaxError) {
        do {
            try reader.end(text)
        } catch {
            throw JSONSyntaxError(error)
        }
    }

    private mutating func begin(_ bracket: UInt8, _ text: Span<UInt8>) throws(JSONSyntaxError) {
        reader.skipWhiteSpace(text)
        guard reader.position < text.count, text[reader.position] == bracket else {
            throw JSONSyntaxError(JSONRefusal(.valueExpected, at: reader.position))
        }
        reader.position += 1
        isAtFirst = true
    }

    private mutating func next(orEnd end: UInt8, _ text: Span<UInt8>) throws(JSONSyntaxError) -> Bool {
        reader.skipWhiteSpace(text)
        if isAtFirst {
            isAtFirst = false
            guard reader.position < text.count, text[reader.position] == end else { return true }
            reader.position += 1
            return false
        }
        do {
            guard try reader.comma(text, orEnd: end) else { return false }
        } catch {
            throw JSONSyntaxError(error)
        }
        reader.skipWhiteSpace(text)
        return true
    }

    private func known(_ name: String?) throws(JSONRefusal) -> String {
        if let name { return name }
        try refuseIssues()
        throw JSONRefusal(.nameExpected, at: reader.position)
    }

    private func refuseIssues() throws(JSONRefusal) {
        if let issue = reader.issues.first { throw JSONRefusal(.issue(issue.kind), at: issue.offset) }
    }
}

extension JSONSyntaxError {
    /// Takes a refusal of which only the offset is known.
    init(_ refusal: JSONRefusal) {
        self.init(kind: refusal.kind, offset: refusal.offset, pointer: .root)
    }
}
