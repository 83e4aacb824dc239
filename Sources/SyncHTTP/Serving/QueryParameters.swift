import Foundation
import SyncWire

/// The parameters of a URI's query, decoded once (`application/x-www-form-urlencoded`).
struct QueryParameters: Sendable {
    private var values: [(name: String, value: String)] = []

    /// - Throws: `invalid_request` for percent signs that encode no UTF-8.
    init(_ query: String?) throws(Problem) {
        guard let query else { return }
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(parts[0]), let value = Self.decoded(parts.count > 1 ? parts[1] : "") else {
                throw Problem(.invalidRequest, "The query is not valid percent-encoded UTF-8.")
            }
            values.append((name, value))
        }
    }

    private static func decoded(_ text: Substring) -> String? {
        let decoded = String(text).replacing("+", with: " ").removingPercentEncoding
        // U+0000 cannot be stored in any engine's text, so nothing is found under it.
        return decoded?.utf8.contains(0) == true ? nil : decoded
    }

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
