import MergeCore
import SyncWire

/// The parameters of a URI's query, decoded once (`application/x-www-form-urlencoded`).
struct QueryParameters: Sendable {
    private let values: [(name: String, value: String)]
    /// The names that may be asked for; nil where any may be, as in a form.
    private let declared: Set<String>?

    /// Reads the query of a route.
    /// - Parameter declared: the parameters that the route has. One that it does not have is refused by its name: a
    ///   misspelt `dryRun` would commit, and a misspelt condition would decide more than was meant.
    /// - Throws: `invalid_request` for another parameter, for percent signs that encode no UTF-8, and over the limits.
    init(_ query: String?, declared: Set<String>, limits: RequestLimits = RequestLimits()) throws(Problem) {
        self.declared = declared
        values = try Self.pairs(query, limits)
        guard let unknown = values.first(where: { !declared.contains($0.name) })?.name else { return }
        guard unknown != "tenant" else { throw .invalidQuery("The tenant comes from the token alone.") }
        let known = declared.sorted().map { "'\($0)'" }.joined(separator: ", ")
        throw .invalidQuery(
            "'\(unknown.prefix(64))' is no query parameter here; "
                + (known.isEmpty ? "there are none." : "there are \(known)."))
    }

    /// - Throws: `invalid_request` for percent signs that encode no UTF-8, and over the limits.
    init(_ query: String?, limits: RequestLimits = RequestLimits()) throws(Problem) {
        declared = nil
        values = try Self.pairs(query, limits)
    }

    init(_ pairs: EncodedPairs) {
        declared = nil
        values = pairs.pairs
    }

    private static func pairs(_ query: String?, _ limits: RequestLimits) throws(Problem) -> [(
        name: String, value: String
    )] {
        try EncodedPairs((query ?? "").utf8, within: .init(bytes: limits.queryBytes, pairs: limits.queryParameters))
            .pairs
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
