import Causality
import MergeCore
import StrictJSON
import Values

extension Operation {
    /// An operation that a device is about to send; its fingerprint is worked out. O(its size).
    public init(
        id: OperationID, kind: OperationKind, record: RecordKey, clock: VersionVector, claimedMilliseconds: Int64?,
        fields: ObjectValue = ObjectValue([]), dependsOn: [OperationID] = []
    ) {
        var writer = JSONWriter()
        writer.write(.object(fields))
        let text = writer.takeText()
        self.init(
            id: id, kind: kind, record: record, clock: clock, claimedMilliseconds: claimedMilliseconds, fields: fields,
            dependsOn: dependsOn,
            fingerprint: Digest(
                kind: kind, record: record, claimedMilliseconds: claimedMilliseconds, fields: text, using: &writer))
    }

    /// The operation as a device sends it, in canonical form. O(its size).
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        if let claimedMilliseconds { writer.timeMember("at", milliseconds: claimedMilliseconds) }
        writer.key("clock")
        clock.write(to: &writer)
        writer.member("collection", record.collection)
        if !dependsOn.isEmpty { writer.member("dependsOn", .array(dependsOn.map { .string($0.name) })) }
        if kind == .create || kind == .update || !fields.isEmpty { writer.member("fields", .object(fields)) }
        writer.member("id", id.name)
        writer.member("kind", kind.rawValue)
        writer.member("record", record.id)
        writer.endObject()
    }
}

extension BatchItem {
    /// The item as it was sent.
    public func write(to writer: inout JSONWriter) {
        switch self {
        case .operation(let operation): operation.write(to: &writer)
        case .malformed(let malformed): writer.write(malformed.content)
        }
    }
}
