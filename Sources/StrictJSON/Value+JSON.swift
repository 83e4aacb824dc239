import Values

extension Value {
    /// Reads a JSON text that is taken whole or not at all. O(n).
    /// - Throws: the syntax error if there is one, else the first issue.
    public init(json text: String, limits: JSONLimits = .standard) throws(JSONSyntaxError) {
        self = try JSONParser(limits: limits).parse(text)
    }

    /// The value's one text. Equal values have equal texts (see ``JSONWriter``). O(n).
    public var canonicalText: String {
        var writer = JSONWriter()
        writer.write(self)
        return writer.text
    }

    /// `canonicalText` in UTF-8. O(n).
    public var canonicalBytes: [UInt8] {
        var writer = JSONWriter()
        writer.write(self)
        return writer.bytes
    }
}
