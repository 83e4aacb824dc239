import Causality
import EngineHarness
import MergeCore
import StrictJSON
import SyncWire
import Synchronization
import Values

/// Ids that are new in this process.
enum Fresh {
    private static let count = Atomic<Int>(0)

    static func id(_ prefix: String = "op") -> String {
        "\(prefix)-\(count.add(1, ordering: .relaxed).newValue)"
    }
}

/// An operation as a client writes it.
struct Draft: Sendable {
    var id = Fresh.id()
    var kind = "update"
    var collection = "notes"
    var record: String
    var clock: Value
    var at: Int64? = TestClock.start
    var fields: Value?
    var dependsOn: [String] = []

    static func create(
        _ record: String, by device: String, _ fields: Value, in collection: String = "notes",
        at: Int64? = TestClock.start
    ) -> Draft {
        Draft(
            kind: "create", collection: collection, record: record,
            clock: .object([(ExactString(device), .integer(1))]), at: at,
            fields: fields)
    }

    static func update(
        _ record: String, _ clock: Value, _ fields: Value, in collection: String = "notes",
        at: Int64? = TestClock.start
    ) -> Draft {
        Draft(kind: "update", collection: collection, record: record, clock: clock, at: at, fields: fields)
    }

    static func delete(
        _ record: String, _ clock: Value, in collection: String = "notes", at: Int64? = TestClock.start
    ) -> Draft {
        Draft(kind: "delete", collection: collection, record: record, clock: clock, at: at)
    }

    static func restore(
        _ record: String, _ clock: Value, _ fields: Value? = nil, in collection: String = "notes",
        at: Int64? = TestClock.start
    ) -> Draft {
        Draft(kind: "restore", collection: collection, record: record, clock: clock, at: at, fields: fields)
    }

    var value: Value {
        var members: [(ExactString, Value)] = [
            ("id", .string(id)), ("kind", .string(kind)), ("collection", .string(collection)),
            ("record", .string(record)), ("clock", clock),
        ]
        if let at { members.append(("at", .string(Timestamp(milliseconds: at).text))) }
        if let fields { members.append(("fields", fields)) }
        if !dependsOn.isEmpty { members.append(("dependsOn", .array(dependsOn.map { .string($0) }))) }
        return .object(members)
    }
}

/// The body of a batch.
func batchBody(_ drafts: [Draft], atomic: Bool? = nil, sentAt: Int64? = nil) -> String {
    var members: [(ExactString, Value)] = [("operations", .array(drafts.map(\.value)))]
    if let atomic { members.append(("atomic", .boolean(atomic))) }
    if let sentAt { members.append(("sentAt", .string(Timestamp(milliseconds: sentAt).text))) }
    return Value.object(members).canonicalText
}
