import Yams

/// What is wrong in a YAML file, and where.
struct YAMLReadingError: Error {
    let message: String

    init(_ place: String, _ message: String) { self.message = "\(place): \(message)" }
}

/// The members of a YAML mapping, of which only some names are allowed.
struct YAMLMembers {
    let place: String
    private var nodes: [String: Node] = [:]

    init(_ node: Node?, at place: String, allowing names: [String]) throws(YAMLReadingError) {
        self.place = place
        guard let mapping = node?.mapping else {
            if node?.null != nil { return }
            throw YAMLReadingError(place, "this is a mapping with \(names.joined(separator: ", "))")
        }
        for (key, value) in mapping {
            guard let name = key.string, names.contains(name) else {
                throw YAMLReadingError(
                    place, "'\(key.string ?? "?")' is unknown here; known: \(names.joined(separator: ", "))")
            }
            nodes[name] = value
        }
    }

    func has(_ name: String) -> Bool { nodes[name] != nil }

    func text(_ name: String) throws(YAMLReadingError) -> String? {
        guard let node = nodes[name] else { return nil }
        guard let text = node.scalar?.string else { throw YAMLReadingError("\(place).\(name)", "this is one word") }
        return text
    }

    func choice<Choice>(_ name: String, _ type: Choice.Type) throws(YAMLReadingError) -> Choice?
    where Choice: RawRepresentable<String> & CaseIterable {
        guard let text = try text(name) else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw YAMLReadingError("\(place).\(name)", "'\(text)' is none of \(known)")
        }
        return choice
    }

    func list(_ name: String) throws(YAMLReadingError) -> [String] {
        guard let node = nodes[name] else { return [] }
        return try Self.texts(node, at: "\(place).\(name)")
    }

    static func texts(_ node: Node, at place: String) throws(YAMLReadingError) -> [String] {
        guard let sequence = node.sequence else { throw YAMLReadingError(place, "this is a list") }
        var texts: [String] = []
        for element in sequence {
            guard let text = element.scalar?.string else { throw YAMLReadingError(place, "this is a list of names") }
            texts.append(text)
        }
        return texts
    }

    func members(_ name: String) throws(YAMLReadingError) -> [(String, Node)] {
        guard let node = nodes[name], node.null == nil else { return [] }
        guard let mapping = node.mapping else { throw YAMLReadingError("\(place).\(name)", "this is a mapping") }
        var members: [(String, Node)] = []
        for (key, value) in mapping {
            guard let name = key.string else { throw YAMLReadingError(place, "names are texts") }
            members.append((name, value))
        }
        return members
    }
}

extension YAMLMembers {
    /// What stands under the name; nil where nothing does.
    func node(_ name: String) -> Node? { nodes[name] }

    /// A text that has to be there.
    func needed(_ name: String, _ meaning: String) throws(YAMLReadingError) -> String {
        guard let text = try text(name), !text.isEmpty else {
            throw YAMLReadingError(place, "'\(name)' is missing: \(meaning)")
        }
        return text
    }

    /// One text or several.
    func textOrList(_ name: String) throws(YAMLReadingError) -> [String] {
        guard let node = nodes[name] else { return [] }
        if let text = node.scalar?.string { return [text] }
        return try Self.texts(node, at: "\(place).\(name)")
    }

    func truth(_ name: String) throws(YAMLReadingError) -> Bool? {
        switch try text(name) {
        case nil: nil
        case "true"?: true
        case "false"?: false
        case _?: throw YAMLReadingError("\(place).\(name)", "this is true or false")
        }
    }

    func integer(_ name: String, in bounds: ClosedRange<Int>) throws(YAMLReadingError) -> Int? {
        guard let text = try text(name) else { return nil }
        guard let number = Int(text), bounds.contains(number) else {
            throw YAMLReadingError(
                "\(place).\(name)", "this is a whole number from \(bounds.lowerBound) to \(bounds.upperBound)")
        }
        return number
    }

    func elements(_ name: String) throws(YAMLReadingError) -> [Node] {
        guard let node = nodes[name] else { return [] }
        guard let sequence = node.sequence else { throw YAMLReadingError("\(place).\(name)", "this is a list") }
        return Array(sequence)
    }
}
