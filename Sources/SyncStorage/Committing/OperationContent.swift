import Causality
import MergeCore
import StrictJSON
import SyncWire
import Values

// What is kept of an operation: what was sent, in canonical form, with the values of redacted fields hashed.

extension BatchItem {
    /// Writes what was sent, in canonical form: the members by name.
    /// - Parameters:
    ///   - fields: the canonical text of an operation's fields; nil where it is not at hand.
    ///   - writer: takes the text.
    ///   - redactor: hashes the values of redacted fields.
    ///   - schema: says which fields are redacted.
    func writeContent(
        fields: String?, to writer: inout JSONWriter, redactor: Redactor, schema: Schema
    ) {
        switch self {
        case .operation(let operation):
            writer.beginObject()
            if let claimed = operation.claimedMilliseconds {
                writer.key("at")
                writer.timestamp(milliseconds: claimed)
            }
            if !operation.dependsOn.isEmpty {
                writer.key("dependsOn")
                writer.beginArray()
                for dependency in operation.dependsOn { writer.string(dependency.name) }
                writer.endArray()
            }
            if operation.kind != .delete {
                writer.key("fields")
                if let fields, !schema.redacts(operation) {
                    writer.raw(canonicalText: fields)
                } else {
                    writer.write(.object(redacted(operation.fields, operation.record, redactor, schema)))
                }
            }
            writer.member("kind", operation.kind.rawValue)
            writer.endObject()
        case .malformed(let malformed): writer.write(content(of: malformed, redactor: redactor, schema: schema))
        }
    }

    private func content(of malformed: MalformedOperation, redactor: Redactor, schema: Schema) -> Value {
        guard case .object(let object) = malformed.content else { return malformed.content }
        let collections = schema.collections(meantBy: object)
        return .object(
            object.members.map { member in
                guard member.name == "fields" else { return (member.name, member.value) }
                return (
                    member.name,
                    collections.reduce(member.value) { value, collection in
                        redactor.redacted(fields: value, collection: collection.name, rules: collection.rules)
                    }
                )
            })
    }

    private func redacted(
        _ fields: ObjectValue, _ record: RecordKey, _ redactor: Redactor, _ schema: Schema
    ) -> ObjectValue {
        guard let rules = schema.rules(for: record.collection) else { return fields }
        return redactor.redacted(fields, collection: record.collection, rules: rules)
    }
}

extension Schema {
    /// Whether one of the operation's fields must not be kept.
    fileprivate func redacts(_ operation: Operation) -> Bool {
        guard let rules = rules(for: operation.record.collection), rules.fields != nil else { return false }
        return operation.fields.members.contains { rules.isRedacted($0.name) }
    }

    /// The collections that an operation which could not be read may have meant: the one that it names, or any where it
    /// names none of them.
    fileprivate func collections(meantBy operation: ObjectValue) -> [(name: ExactString, rules: CollectionRules)] {
        if case .string(let name)? = operation["collection"], let rules = rules(for: name) { return [(name, rules)] }
        return collections.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}

extension Redactor {
    /// Hashes what is redacted in the member `fields` of an operation that could not be read. A member that is no
    /// object may hold the value of any field.
    fileprivate func redacted(fields value: Value, collection: ExactString, rules: CollectionRules) -> Value {
        if case .object(let fields) = value {
            return .object(redacted(fields, collection: collection, rules: rules))
        }
        guard let field = rules.fields?.keys.sorted().first(where: { rules.isRedacted($0) }) else { return value }
        return redacted(value, unit: .field(field), collection: collection, rules: rules)
    }
}
