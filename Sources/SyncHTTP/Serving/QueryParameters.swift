import SyncWire

/// The parameters of a URI's query, decoded once (`application/x-www-form-urlencoded`).
struct QueryParameters: Sendable {
    private var values: [(name: String, value: String)] = []
    /// The names that may be asked for; nil where any may be, as in a form.
    private let declared: Set<String>?

    /// The query of a route.
    /// - Parameter declared: the parameters that the route has. One that it does not have is refused by its name: a misspelt
    ///   `dryRun` would commit, and a misspelt condition would decide more than was meant.
    /// - Throws: `invalid_request` for another parameter, and for percent signs that encode no UTF-8.
    init(_ query: String?, declared: Set<String>) throws(Problem) {
        self.declared = declared
        values = try Self.values(query)
        guard let unknown = values.first(where: { !declared.contains($0.name) })?.name else { return }
        guard unknown != "tenant" else { throw .invalidQuery("The tenant comes from the token alone.") }
        let known = declared.sorted().map { "'\($0)'" }.joined(separator: ", ")
        throw .invalidQuery(
            "'\(unknown.prefix(64))' is no query parameter here; "
                + (known.isEmpty ? "there are none." : "there are \(known)."))
    }

    /// - Throws: `invalid_request` for percent signs that encode no UTF-8.
    init(_ query: String?) throws(Problem) {
        declared = nil
        values = try Self.values(query)
    }

    private static func values(_ query: String?) throws(Problem) -> [(name: String, value: String)] {
        var values: [(name: String, value: String)] = []
        guard let query else { return values }
        for pair in query.utf8.split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(
                separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decoded(parts[0]), let value = parts.count > 1 ? decoded(parts[1]) : "" else {
                throw Problem(.invalidRequest, "The query is not valid percent-encoded UTF-8.")
            }
            values.append((name, value))
        }
        return values
    }

    /// - Returns: nil for what is no text. U+0000 cannot be stored in any engine's text, so nothing is found under it.
    private static func decoded(_ text: Substring.UTF8View) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(digit(_:)), let low = rest.popFirst().flatMap(digit(_:))
                else { return nil }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        return bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    func all(_ name: String) -> [String] {
        assert(declared?.contains(name) != false, "a route reads '\(name)' and does not declare it")
        return values.filter { $0.name == name }.map(\.value)
    }

    /// - Throws: `invalid_request` when the parameter is there more than once.
    func one(_ name: String) throws(Problem) -> String? {
        let found = all(name)
        guard found.count <= 1 else { throw .invalidQuery("'\(name)' is given once.") }
        return found.first
    }

    /// A whole number within bounds.
    func integer(_ name: String, in bounds: ClosedRange<Int>, default standard: Int) throws(Problem) -> Int {
        guard let text = try one(name) else { return standard }
        // `Int` reads a sign too.
        guard text.utf8.first.map({ $0 != UInt8(ascii: "+") }) == true, let number = Int(text), bounds.contains(number)
        else {
            throw .invalidQuery("'\(name)' is a whole number from \(bounds.lowerBound) to \(bounds.upperBound).")
        }
        return number
    }

    func boolean(_ name: String) throws(Problem) -> Bool {
        switch try one(name) {
        case nil, "false": false
        case "true": true
        default: throw .invalidQuery("'\(name)' is true or false.")
        }
    }

    /// One of the raw values of an enumeration.
    func choice<Choice>(_ name: String, _ type: Choice.Type) throws(Problem) -> Choice?
    where Choice: RawRepresentable<String> & CaseIterable {
        guard let text = try one(name) else { return nil }
        guard let choice = Choice(rawValue: text) else {
            throw .invalidQuery("'\(name)' is one of \(Choice.allCases.map(\.rawValue).joined(separator: ", ")).")
        }
        return choice
    }
}

extension Problem {
    static func invalidQuery(_ detail: String) -> Problem { Problem(.invalidRequest, detail) }
}
