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
    /// Whether the form holds all of the value. Only a beginning is written out of arrays and objects.
    let isWhole: Bool

    /// The beginnings of arrays and objects are this many times as long as what is shown of them, so that they can be
    /// compared.
    private static let writtenPerShown = 4

    /// Writes a value.
    /// - Parameters:
    ///   - value: the value; nil for none.
    ///   - allowance: how much of the value will be shown.
    init(_ value: PageValue?, within allowance: Allowance = Allowance(values: 1)) {
        var isWhole = true
        func json(_ value: PageValue) -> Form {
            let written = JSONText.pretty(value, upTo: Self.writtenPerShown * allowance.perValue)
            isWhole = written.isWhole
            return .json(written.text)
        }
        form =
            switch value {
            case nil: .absent
            case .null?: .null
            case .bool(let bool)?: .scalar(bool ? "true" : "false")
            case .number(let number)?: .scalar(number)
            case .string(let string)?: .text(string)
            case .array?: value.map(json) ?? .absent
            case .object?: value?.redactedHash.map { .redacted($0) } ?? value.map(json) ?? .absent
            }
        self.isWhole = isWhole
    }

    /// What the template `value` reads.
    /// - Parameters:
    ///   - marked: the same text with its differences marked.
    ///   - allowance: how much of it is shown.
    ///   - rest: where all of it is.
    func fragment(
        marked: MarkedText? = nil, within allowance: Allowance = Allowance(values: 1), rest: Rest = .nowhere
    ) -> Fragment {
        func content(_ text: String) -> Fragment.Node {
            .fragment(
                (marked ?? MarkedText(text)).fragment(within: allowance.perValue, rest: rest, isCut: !isWhole))
        }
        return switch form {
        case .absent: ["isAbsent": true]
        case .null: ["isNull": true]
        case .redacted(let hash): ["isRedacted": true, "fingerprint": .text(Self.fingerprint(hash))]
        case .scalar(let text): ["isScalar": true, "content": content(text)]
        case .text(""): ["isEmptyText": true]
        case .text(let text): ["isText": true, "content": content(text)]
        case .json(let text): ["isJSON": true, "content": content(text)]
        }
    }

    /// The bytes of the page that a line of a list takes at most.
    private static let briefCost = 600

    /// The value in a line of a list.
    static func brief(_ value: PageValue?, maximumScalars: Int = 90) -> Fragment {
        switch value {
        case nil, .null?, .string("")?: return ValueText(value).fragment()
        case .bool?, .number?:
            guard case .scalar(let scalar) = ValueText(value).form else { return ["isAbsent": true] }
            return brief(scalar, "isScalar", maximumScalars)
        case .string(let string)?: return brief(string, "isText", maximumScalars)
        case .array(let elements)?:
            return brief(JSONText.compact(.array(elements), upTo: 4 * briefCost).text, "isJSON", maximumScalars)
        case .object(let members)?:
            let object = PageValue.object(members)
            guard object.redactedHash == nil else { return ValueText(value).fragment() }
            return brief(JSONText.compact(object, upTo: 4 * briefCost).text, "isJSON", maximumScalars)
        }
    }

    private static func brief(_ text: String, _ kind: String, _ maximumScalars: Int) -> Fragment {
        let beginning = text.prefix(scalars: maximumScalars).prefix(cost: briefCost)
        let isCut = beginning.utf8.count < text.utf8.count
        var fragment: Fragment = [
            "content": .fragment(MarkedText(beginning.withoutLines + (isCut ? "…" : "")).fragment())
        ]
        fragment[kind] = true
        return fragment
    }

    /// The beginning of a hash, enough to tell two apart.
    private static func fingerprint(_ hash: String) -> String {
        let start = hash.prefix(8)
        return start.prefix(4) + "·" + start.suffix(4)
    }
}
