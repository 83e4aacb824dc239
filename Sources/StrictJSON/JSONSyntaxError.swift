/// Why a JSON text is refused as a whole.
public struct JSONSyntaxError: Error, Sendable, Hashable {
    /// What is wrong with the text.
    public enum Kind: Sendable, Hashable {
        /// The text ends in the middle of a value.
        case unexpectedEnd
        /// Something else stands where a value is expected.
        case valueExpected
        /// Something else stands where the name of a member is expected.
        case nameExpected
        /// Something else stands behind the name of a member.
        case colonExpected
        /// Something else stands behind a member or an element.
        case commaOrEndExpected
        /// A number does not follow the grammar (RFC 8259 section 6).
        case malformedNumber
        /// An escape does not follow the grammar (RFC 8259 section 7).
        case malformedEscape
        /// A string has a character below U+0020 that is not escaped (RFC 8259 section 7).
        case controlCharacter
        /// The text is not UTF-8 (RFC 8259 section 8.1).
        case invalidUTF8
        /// The text begins with a byte order mark. RFC 8259 section 8.1 lets a parser ignore the mark or treat it as an
        /// error.
        case byteOrderMark
        /// Something follows the value.
        case trailingBytes
        /// Arrays and objects are nested deeper than the limit.
        case tooDeep(limit: Int)
        /// The text has more issues than the limit.
        case tooManyIssues(limit: Int)
        /// The text is well-formed, and has a value that is not taken. Only the entry points that do not collect issues
        /// throw this.
        case issue(JSONIssue.Kind)
    }

    /// What is wrong.
    public let kind: Kind
    /// Where it is, in bytes from the start of the text.
    public let offset: Int
    /// The innermost place that was known when the error was met.
    public let pointer: JSONPointer

    /// The reason for the author of the text, in a sentence without any value of it.
    public var detail: String { kind.detail }

    /// Whether the text is no JSON at all. It is false for the kinds that are issues or limits.
    public var isMalformed: Bool {
        switch kind {
        case .tooDeep, .tooManyIssues, .issue: false
        case .unexpectedEnd, .valueExpected, .nameExpected, .colonExpected, .commaOrEndExpected, .malformedNumber,
            .malformedEscape, .controlCharacter, .invalidUTF8, .byteOrderMark, .trailingBytes:
            true
        }
    }
}

extension JSONSyntaxError.Kind {
    /// The reason for the author of the text, in a sentence.
    public var detail: String {
        switch self {
        case .unexpectedEnd: "The text ends in the middle of a value."
        case .valueExpected: "A value is expected here."
        case .nameExpected: "A name in quotation marks is expected here."
        case .colonExpected: "A colon is expected after the name."
        case .commaOrEndExpected: "A comma or the end of the array or object is expected here."
        case .malformedNumber: "The number does not follow the grammar of JSON."
        case .malformedEscape: "The escape does not follow the grammar of JSON."
        case .controlCharacter: "The string contains a control character that is not escaped."
        case .invalidUTF8: "The text is not UTF-8."
        case .byteOrderMark: "The text begins with a byte order mark."
        case .trailingBytes: "There is something after the end of the value."
        case .tooDeep(let limit): "Arrays and objects are nested deeper than \(limit) levels."
        case .tooManyIssues(let limit): "More than \(limit) values are not representable."
        case .issue(let kind): kind.detail
        }
    }
}

extension JSONSyntaxError: CustomStringConvertible {
    public var description: String {
        "\(detail) (byte \(offset)" + (pointer == .root ? ")" : ", at \(pointer))")
    }
}
