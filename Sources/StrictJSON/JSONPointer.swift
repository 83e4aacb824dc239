/// A place in a JSON text (RFC 6901): `/operations/3/fields/a~1b`.
public struct JSONPointer: Sendable, Hashable {
    /// The string representation, as in RFC 6901 section 5.
    public let text: String

    /// The place of the whole text.
    public static let root = JSONPointer(text: "")

    private init(text: String) {
        self.text = text
    }

    /// Reads the string representation. O(n).
    /// - Returns: nil where a token does not begin with a slash, or a `~` stands without its 0 or 1.
    public init?(_ text: String) {
        guard text.isEmpty || text.utf8.first == UInt8(ascii: "/") else { return nil }
        var isEscaped = false
        for byte in text.utf8 {
            if isEscaped, byte != UInt8(ascii: "0"), byte != UInt8(ascii: "1") { return nil }
            isEscaped = byte == UInt8(ascii: "~")
        }
        guard !isEscaped else { return nil }
        self.init(text: text)
    }

    /// The place of a member. `~` and `/` in its name are escaped (RFC 6901 section 3). O(n).
    public func appending(name: String) -> JSONPointer {
        var longer = text + "/"
        for scalar in name.unicodeScalars {
            switch scalar {
            case "~": longer += "~0"
            case "/": longer += "~1"
            default: longer.unicodeScalars.append(scalar)
            }
        }
        return JSONPointer(text: longer)
    }

    /// The place of an element. O(n).
    public func appending(index: Int) -> JSONPointer {
        JSONPointer(text: text + "/" + String(index))
    }

    /// The names and indices on the way, unescaped. O(n).
    public var tokens: [String] {
        var tokens: [String] = []
        var isEscaped = false
        for scalar in text.unicodeScalars {
            // `text` begins with a slash unless it is empty, so a token is open wherever one is written to.
            if isEscaped {
                tokens[tokens.count - 1].unicodeScalars.append(scalar == "0" ? "~" : "/")
                isEscaped = false
            } else if scalar == "/" {
                tokens.append("")
            } else if scalar == "~" {
                isEscaped = true
            } else {
                tokens[tokens.count - 1].unicodeScalars.append(scalar)
            }
        }
        return tokens
    }

    /// The index of the element, of the root's array `name`, that the place is or is in; nil when it is elsewhere. For
    /// `/operations/3/clock`, `elementIndex(in: "operations")` is 3. O(n).
    public func elementIndex(in name: String) -> Int? {
        let tokens = tokens
        guard tokens.count >= 2, tokens[0].utf8.elementsEqual(name.utf8) else { return nil }
        return Int(tokens[1])
    }

    // Swift compares strings by canonical equivalence; two names that differ only so are two places.
    public static func == (left: JSONPointer, right: JSONPointer) -> Bool {
        left.text.utf8.elementsEqual(right.text.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(text)
    }
}

extension JSONPointer: CustomStringConvertible {
    public var description: String { text }
}
