import MergeCore
import SyncWire

/// The parameters of a URI's query, decoded once (`application/x-www-form-urlencoded`).
struct QueryParameters: Sendable {
    private let values: [(name: String, value: String)]

    /// - Throws: `invalid_request` for percent signs that encode no UTF-8, and over the limits.
    init(_ query: String?, limits: Limits = Limits()) throws(Problem) {
        self.init(
            try EncodedPairs(
                (query ?? "").utf8, within: .init(bytes: limits.queryBytes, pairs: limits.queryParameters)))
    }

    init(_ pairs: EncodedPairs) { values = pairs.pairs }

    func all(_ name: String) -> [String] {
        values.filter { $0.name == name }.map(\.value)
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
        guard let number = Int(text), bounds.contains(number) else {
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
