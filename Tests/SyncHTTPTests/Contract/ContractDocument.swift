import MergeCore
import SyncHTTP
import SyncWire
import Values
import Yams

/// The OpenAPI document as a value.
struct ContractDocument: Sendable {
    struct Operation: Sendable {
        /// The method as in the document, in lower case.
        let method: String
        let path: String
        let content: Value
    }

    let root: Value

    init() throws {
        let text = String(decoding: OpenAPIDocument.bytes, as: UTF8.self)
        guard let node = try Yams.compose(yaml: text) else { throw Unreadable() }
        root = Self.value(node)
    }

    struct Unreadable: Error {}

    private static func value(_ node: Node) -> Value {
        switch node {
        case .mapping(let mapping):
            return .object(mapping.map { (.init($0.key.string ?? ""), value($0.value)) })
        case .sequence(let sequence): return .array(sequence.map(value(_:)))
        case .scalar(let scalar):
            guard scalar.style == .plain else { return .string(scalar.string) }
            if node.null != nil { return .null }
            if let flag = node.bool { return .boolean(flag) }
            if let number = node.int { return .integer(Int64(number)) }
            return .string(scalar.string)
        case .alias: return .null
        }
    }

    var operations: [Operation] {
        (root["paths"]?.memberNames ?? []).flatMap { path in
            let item = root["paths", .name(path)]
            return (item?.memberNames ?? []).compactMap { method in
                item?[.name(method)].map { Operation(method: method, path: path, content: $0) }
            }
        }
    }

    /// The value itself, or what its `$ref` names.
    func resolved(_ value: Value) -> Value {
        guard let reference = value["$ref"]?.text else { return value }
        let target = reference.split(separator: "/").dropFirst().reduce(Optional(root)) { $0?[.name(String($1))] }
        return target.map(resolved(_:)) ?? .null
    }
}
