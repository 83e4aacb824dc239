/// Why a JSON text is refused as a whole.
public struct JSONSyntaxError: Error, Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        case unexpectedEnd
        case valueExpected
        case nameExpected
        case colonExpected
        case commaOrEndExpected
        case malformedNumber
        case malformedEscape
        /// Below U+0020 and not escaped (RFC 8259 section 7).
        case controlCharacter
        case invalidUTF8
        /// RFC 8259 section 8.1 lets a parser ignore the mark or treat it as an error.
        case byteOrderMark
        case trailingBytes
        case tooDeep(limit: Int)
        case tooManyIssues(limit: Int)
        /// Well-formed, with a value that is not taken. Only from the entry points that do not collect issues.
        case issue(JSONIssue.Kind)
    }

    public let kind: Kind
    /// In bytes from the start of the text.
    public let offset: Int
    /// The innermost place that was known when the error was met.
    public let pointer: JSONPointer

    /// A sentence for the author of the text, without any value of it.
    public var detail: String { kind.detail }

    /// Whether the text is JSON at all: false for the kinds that are issues or limits.
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
