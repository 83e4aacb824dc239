import Causality
import MergeCore
import SyncStorage
import SyncWire

extension OperationRow {
    /// An operation as it is kept: its result, and its content with redacted fields hashed.
    init(
        _ operation: DecidedOperation, batch: ExactString, ordinal: Int64, redactor: Redactor, schema: Schema,
        recordedAtMilliseconds: Int64
    ) {
        self.init(
            id: operation.known.id, device: operation.known.device, ordinal: ordinal, user: operation.known.user,
            batch: batch, record: operation.known.record, counter: operation.dot?.counter,
            clock: operation.known.clock.canonicalText, fingerprint: operation.known.fingerprint,
            outcome: operation.known.result.outcome, result: operation.known.result.storedText,
            content: operation.submission.content(redactor: redactor, schema: schema).canonicalText,
            stampMilliseconds: operation.stampMilliseconds, recordedAtMilliseconds: recordedAtMilliseconds)
    }
}

extension Submission {
    fileprivate func content(redactor: Redactor, schema: Schema) -> Value {
        switch self {
        case .operation(let operation):
            var members: [(ExactString, Value)] = [("kind", .string(operation.kind.rawValue))]
            if let claimed = operation.claimedMilliseconds {
                members.append(("at", .string(Timestamp(milliseconds: claimed).text)))
            }
            if operation.kind != .delete {
                members.append(("fields", .object(redacted(operation.fields, operation.record, redactor, schema))))
            }
            if !operation.dependsOn.isEmpty {
                members.append(("dependsOn", .array(operation.dependsOn.map { .string($0.name) })))
            }
            return .object(members)
        case .malformed(let malformed):
            guard case .object(let object) = malformed.content, case .object(let fields)? = object["fields"],
                let record = malformed.record
            else { return malformed.content }
            return .object(
                object.members.map { member in
                    member.name == "fields"
                        ? (member.name, .object(redacted(fields, record, redactor, schema)))
                        : (member.name, member.value)
                })
        }
    }

    private func redacted(
        _ fields: ObjectValue, _ record: RecordKey, _ redactor: Redactor, _ schema: Schema
    ) -> ObjectValue {
        guard let rules = schema.rules(for: record.collection) else { return fields }
        return redactor.redacted(fields, collection: record.collection, rules: rules)
    }
}
