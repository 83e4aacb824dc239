import Causality
import MergeCore
import StrictJSON
import Values

/// An operation with its result and its content, as they are kept.
public struct WireOperation: WireDocument, Hashable {
    /// The name that its author gave it.
    public let id: OperationID
    /// The device that authored it; a reviewer's is `reviewer:<user>`.
    public let device: DeviceID
    /// The user on whose behalf it was sent.
    public let user: ExactString
    /// The idempotency key of its batch.
    public let batch: ExactString
    /// nil where a rejected operation named none that could be read.
    public let record: RecordKey?
    /// Canonical JSON.
    public let clock: String
    /// Of the event that it became; nil where it became none.
    public let counter: Int64?
    /// What the server did with it.
    public let result: OperationResult
    /// The corrected time of the edit, in milliseconds since 1970; nil for an operation that could not be read.
    public let stampMilliseconds: Int64?
    /// When it was recorded, in server milliseconds since 1970.
    public let recordedAtMilliseconds: Int64
    /// Canonical JSON: what it wrote.
    public let content: String

    public init(
        id: OperationID, device: DeviceID, user: ExactString, batch: ExactString, record: RecordKey?, clock: String,
        counter: Int64?, result: OperationResult, stampMilliseconds: Int64?, recordedAtMilliseconds: Int64,
        content: String
    ) {
        self.id = id
        self.device = device
        self.user = user
        self.batch = batch
        self.record = record
        self.clock = clock
        self.counter = counter
        self.result = result
        self.stampMilliseconds = stampMilliseconds
        self.recordedAtMilliseconds = recordedAtMilliseconds
        self.content = content
    }

    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", id.name)
        writer.member("device", device.name)
        writer.member("user", user)
        writer.member("batch", batch)
        if let record {
            writer.member("collection", record.collection)
            writer.member("record", record.id)
        }
        writer.key("clock")
        writer.raw(canonicalText: clock)
        if let counter { writer.member("counter", counter) }
        result.writeMembers(to: &writer, index: 0)
        if let stampMilliseconds { writer.timeMember("stamp", milliseconds: stampMilliseconds) }
        writer.timeMember("recordedAt", milliseconds: recordedAtMilliseconds)
        writer.key("content")
        writer.raw(canonicalText: content)
        writer.endObject()
    }

    public init(reading members: DocumentMembers) throws(WireError) {
        id = OperationID(try members.text("id"))
        device = DeviceID(try members.text("device"))
        user = try members.text("user")
        batch = try members.text("batch")
        record =
            if let collection = try members.optionalText("collection") {
                RecordKey(collection: collection, id: try members.text("record"))
            } else { nil }
        clock = try members.canonicalText("clock")
        counter = try members.optionalInteger("counter")
        result = try OperationResult(reading: members)
        stampMilliseconds = try members.optionalTime("stamp")
        recordedAtMilliseconds = try members.time("recordedAt")
        content = try members.canonicalText("content")
    }
}

/// A page of operations.
public struct OperationsPage: WireDocument, Hashable {
    /// The operations, the newest first.
    public let operations: [WireOperation]
    /// Where the next page begins; nil after the last.
    public let next: String?

    public init(operations: [WireOperation], next: String?) {
        self.operations = operations
        self.next = next
    }

    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.documents("operations", operations)
        writer.writeNext(next)
        writer.endObject()
    }

    public init(reading members: DocumentMembers) throws(WireError) {
        operations = try members.documents("operations")
        next = try members.optionalText("next")?.text
    }
}

/// A page of what happened to a record, newest first.
public struct HistoryPage: WireDocument, Hashable {
    /// Something that happened to the record: an `operation` on it, or a `conflict` that one of them met.
    public enum Entry: Sendable, Hashable {
        case operation(WireOperation)
        case conflict(WireConflict)
    }

    /// Operations and conflicts in one row, the newest first.
    public let entries: [Entry]
    /// Where the next page begins; nil after the last.
    public let next: String?

    public init(entries: [Entry], next: String?) {
        self.entries = entries
        self.next = next
    }

    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.documents("history", entries)
        writer.writeNext(next)
        writer.endObject()
    }

    public init(reading members: DocumentMembers) throws(WireError) {
        entries = try members.documents("history")
        next = try members.optionalText("next")?.text
    }
}

extension HistoryPage.Entry: WireDocument {
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        switch self {
        case .operation(let operation):
            writer.member("type", "operation")
            writer.key("operation")
            operation.write(to: &writer)
        case .conflict(let conflict):
            writer.member("type", "conflict")
            writer.key("conflict")
            conflict.write(to: &writer)
        }
        writer.endObject()
    }

    public init(reading members: DocumentMembers) throws(WireError) {
        switch try members.text("type") {
        case "operation": self = .operation(try WireOperation(reading: try members.members("operation")))
        case "conflict": self = .conflict(try WireConflict(reading: try members.members("conflict")))
        case _: throw WireError("'type' is no word that is known.", at: members.pointer(to: "type"))
        }
    }
}
