import Mustache

/// What a template reads: names with texts, flags, lists and other fragments, and nothing else.
///
/// A template that asks for a name gets this fragment's or nothing. (The library would go on looking in the fragments
/// around, so that a value that is missing inside would be taken from outside.)
struct Fragment: MustacheParent, ExpressibleByDictionaryLiteral {
    enum Node {
        case text(String)
        case flag(Bool)
        case list([Fragment])
        case fragment(Fragment)
    }

    private var nodes: [String: Node]

    init(dictionaryLiteral elements: (String, Node?)...) {
        nodes = [:]
        for (name, node) in elements { nodes[name] = node }
    }

    subscript(name: String) -> Node? {
        get { nodes[name] }
        set { nodes[name] = newValue }
    }

    func child(named name: String) -> Any? {
        switch nodes[name] {
        case .text(let text): text
        case .flag(let flag): flag
        case .list(let list): list
        case .fragment(let fragment): fragment
        case nil: Absent()
        }
    }

    private struct Absent: MustacheCustomRenderable {
        let renderText = ""
        let isNull = true
    }
}

extension Fragment.Node: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral {
    init(stringLiteral value: String) {
        self = .text(value)
    }

    init(booleanLiteral value: Bool) {
        self = .flag(value)
    }

    static func number(_ number: some BinaryInteger) -> Fragment.Node { .text(String(number)) }
}
