/// How a value reads on the page.
struct ValueText {
    enum Form: Hashable {
        case absent
        case redacted(String)
        case null
        /// Numbers and yes or no, in their JSON form.
        case scalar(String)
        case text(String)
        case json(String)
    }

    let form: Form

    init(_ value: PageValue?) {
        form =
            switch value {
            case nil: .absent
            case .null?: .null
            case .bool(let bool)?: .scalar(bool ? "true" : "false")
            case .number(let number)?: .scalar(number)
            case .string(let string)?: .text(string)
            case .array?: .json(value.map(JSONText.pretty(_:)) ?? "")
            case .object?:
                value?.redactedHash.map { .redacted($0) } ?? .json(value.map(JSONText.pretty(_:)) ?? "")
            }
    }

    /// Read by the template `value`.
    /// - Parameter marked: the same text with its differences marked.
    func fragment(marked: MarkedText? = nil) -> Fragment {
        switch form {
        case .absent: ["isAbsent": true]
        case .null: ["isNull": true]
        case .redacted(let hash): ["isRedacted": true, "fingerprint": .text(Self.fingerprint(hash))]
        case .scalar(let text): ["isScalar": true, "content": .fragment(MarkedText(text).fragment)]
        case .text(""): ["isEmptyText": true]
        case .text(let text): ["isText": true, "content": .fragment((marked ?? MarkedText(text)).fragment)]
        case .json(let text): ["isJSON": true, "content": .fragment((marked ?? MarkedText(text)).fragment)]
        }
    }

    /// In a line of a list.
    static func brief(_ value: PageValue?, maximumScalars: Int = 90) -> Fragment {
        let text = ValueText(value)
        switch text.form {
        case .absent, .null, .redacted, .text(""): return text.fragment()
        case .scalar(let scalar): return brief(scalar, "isScalar", maximumScalars)
        case .text(let string): return brief(string, "isText", maximumScalars)
        case .json: return brief(value.map { JSONText.compact($0) } ?? "", "isJSON", maximumScalars)
        }
    }

    private static func brief(_ text: String, _ kind: String, _ maximumScalars: Int) -> Fragment {
        let beginning = text.prefix(scalars: maximumScalars)
        let isCut = !text.unicodeScalars.dropFirst(maximumScalars).isEmpty
        var fragment: Fragment = [
            "content": .fragment(MarkedText(beginning.withoutLines + (isCut ? "…" : "")).fragment)
        ]
        fragment[kind] = true
        return fragment
    }

    /// Enough of a hash to tell two apart.
    private static func fingerprint(_ hash: String) -> String {
        let start = hash.prefix(8)
        return start.prefix(4) + "·" + start.suffix(4)
    }
}
