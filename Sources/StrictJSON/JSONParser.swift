import Values

/// A strict parser of JSON texts (RFC 8259) into values.
///
/// Beyond the grammar the parser refuses what could be lost or read in two ways later: byte order marks, invalid UTF-8,
/// duplicate names, U+0000, surrogates without their other half, numbers that neither `Int64` nor `Double` holds
/// exactly, and depth. Any value may stand at the top (RFC 8259 section 2). Time and memory are linear in the text,
/// except for O(n log n) to sort the members of an object that come unsorted.
public struct JSONParser: Sendable {
    /// What a text may cost.
    public let limits: JSONLimits

    public init(limits: JSONLimits = .standard) {
        self.limits = limits
    }

    /// A text that is well-formed, and what in it is not taken.
    public struct Document: Sendable {
        /// The value of the text. `null` stands in the place of each faulty value. A member with a faulty name is left
        /// out; of members with one name the first stays.
        public let value: Value
        /// The issues, sorted by offset; empty for a text that is taken whole. Every branch with an issue has at least
        /// one here (see ``JSONLimits/maximumIssuesPerBranch``).
        public let issues: [JSONIssue]
    }

    /// Reads a text that is taken whole or not at all. O(n).
    /// - Throws: the syntax error if there is one, else the first issue.
    public func parse(_ bytes: Span<UInt8>) throws(JSONSyntaxError) -> Value {
        let document = try parseCollectingIssues(bytes)
        guard let issue = document.issues.first else { return document.value }
        throw JSONSyntaxError(kind: .issue(issue.kind), offset: issue.offset, pointer: issue.pointer)
    }

    /// Reads a text that is taken whole or not at all. O(n).
    /// - Throws: the syntax error if there is one, else the first issue.
    public func parse(_ bytes: [UInt8]) throws(JSONSyntaxError) -> Value {
        try parse(bytes.span)
    }

    /// Reads a text that is taken whole or not at all. O(n).
    /// - Throws: the syntax error if there is one, else the first issue.
    public func parse(_ text: String) throws(JSONSyntaxError) -> Value {
        guard #available(macOS 26, iOS 26, tvOS 26, watchOS 26, visionOS 26, *) else {
            // Older systems lack the span of a string; everywhere else this branch is compiled away.
            return try parse(Array(text.utf8).span)
        }
        return try parse(text.utf8.span)
    }

    /// Reads a text whose issues are held against the parts that they are in: one bad number in the third operation of
    /// a batch must not spoil the fourth. O(n).
    /// - Throws: what makes the text meaningless as a whole: its syntax, its encoding, its depth, too many issues.
    public func parseCollectingIssues(_ bytes: Span<UInt8>) throws(JSONSyntaxError) -> Document {
        var reader = JSONReader(limits: limits)
        do {
            let value = try reader.document(bytes)
            return Document(value: value, issues: reader.issues.sorted { $0.offset < $1.offset })
        } catch {
            throw JSONSyntaxError(kind: error.kind, offset: error.offset, pointer: reader.pointer(bytes))
        }
    }

    /// Reads a text whose issues are held against the parts that they are in. O(n).
    /// - Throws: what makes the text meaningless as a whole.
    public func parseCollectingIssues(_ bytes: [UInt8]) throws(JSONSyntaxError) -> Document {
        try parseCollectingIssues(bytes.span)
    }
}
