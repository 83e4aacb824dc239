import Foundation
import HTTPTypes
import HummingbirdTesting
import MergeCore
import NIOCore
import StrictJSON
import SyncWire
import Values

/// An answer of the server, read as JSON where it is JSON.
struct Answer: Sendable {
    let status: Int
    let headers: HTTPFields
    let body: [UInt8]

    init(_ response: TestResponse) {
        status = Int(response.status.code)
        headers = response.headers
        body = Array(response.body.readableBytesView)
    }

    var text: String { String(decoding: body, as: UTF8.self) }
    /// The media type without parameters.
    var type: String? { headers[.contentType].map { String($0.prefix { $0 != ";" }) } }
    var json: Value? { try? JSONParser().parse(body) }
    /// The code of a problem document.
    var code: String? { json?["code"]?.text }
    /// The results as they were sent, letter by letter, without the records, which are told as they stand at the time.
    var resultsText: Substring? {
        guard let start = text.range(of: "\"results\":")?.upperBound else { return nil }
        return text[
            start..<(text.range(of: ",\"records\":", range: start..<text.endIndex)?.lowerBound ?? text.endIndex)]
    }
    var isReplayed: Bool? { header("Idempotency-Replayed").map { $0 == "true" } }

    func header(_ name: String) -> String? {
        HTTPField.Name(name).flatMap { headers[$0] }
    }

    /// The value at the end of a path of names and indices.
    subscript(path: Step...) -> Value? {
        path.reduce(json) { $0?[$1] }
    }

    /// The results' outcomes, in their order.
    var outcomes: [String] { self["results"]?.elements.map { $0["outcome"]?.text ?? "?" } ?? [] }
}

/// A name or an index on the way into a JSON value.
enum Step: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    case name(String)
    case index(Int)

    init(stringLiteral value: String) { self = .name(value) }
    init(integerLiteral value: Int) { self = .index(value) }
}

extension Value {
    private subscript(step step: Step) -> Value? {
        switch (step, self) {
        case (.name(let name), .object(let object)): object[.init(name)]
        case (.index(let index), .array(let elements)): elements.indices.contains(index) ? elements[index] : nil
        case (.name, _), (.index, _): nil
        }
    }

    subscript(path: Step...) -> Value? {
        path.reduce(self) { $0?[step: $1] }
    }

    var text: String? {
        if case .string(let text) = self { text.text } else { nil }
    }

    var number: Int64? {
        if case .integer(let number) = self { number } else { nil }
    }

    var elements: [Value] {
        if case .array(let elements) = self { elements } else { [] }
    }

    var memberNames: [String] {
        if case .object(let object) = self { object.members.map(\.name.text) } else { [] }
    }
}
