import Causality
import GRDB
import MergeCore
import StrictJSON
import SyncWire
import Values

/// An edit that the server has not confirmed.
public struct PendingEdit: Sendable, Hashable {
    /// Its operation's id.
    public let id: OperationID
    /// What it does.
    public let kind: OperationKind
    /// The record that it is about.
    public let record: RecordKey
    /// What it writes, in the form that goes over the wire.
    public let fields: ObjectValue
    /// The time of the edit, in server milliseconds since 1970 as far as it is known.
    public let editedAtMilliseconds: Int64
    /// Whether it was sent, and its fate is unknown.
    public let isSent: Bool
}

/// An edit that the server refused for good.
public struct ParkedEdit: Sendable, Hashable {
    /// Its operation's id.
    public let id: OperationID
    /// What it was to do.
    public let kind: OperationKind
    /// The record that it is about.
    public let record: RecordKey
    /// What it was to write, in the form that goes over the wire.
    public let fields: ObjectValue
    /// The time of the edit, in server milliseconds since 1970.
    public let editedAtMilliseconds: Int64
    /// When it was refused.
    public let parkedAtMilliseconds: Int64
    /// The code of the refusal, as in `docs/protocol.md`.
    public let code: String
    /// The reason, for people.
    public let detail: String
    /// Where in the operation, as an RFC 6901 pointer; empty for the whole of it.
    public let pointer: String
    /// The record's fields as the edit met them; nil where the record was not known.
    public let met: ObjectValue?
}

/// A change of the server that could not be applied here.
public struct SetAsideChange: Sendable, Hashable {
    /// The record that it is about.
    public let record: RecordKey
    /// Why the app's hook refused it.
    public let reason: String
    /// Since when, in server milliseconds since 1970.
    public let sinceMilliseconds: Int64
    /// How often it was tried.
    public let tries: Int
}

/// A conflict that an edit of this device met.
public struct MetConflict: Sendable, Hashable {
    /// It grows with every conflict.
    public let position: Int64
    /// The conflict's id at the server, for reviewers.
    public let conflict: String
    /// The edit's operation.
    public let operation: OperationID
    /// The record that it is on.
    public let record: RecordKey
    /// The field, the group, or `$record`.
    public let unit: String
    /// The policy that it was decided by.
    public let policy: String
    /// `automatic`, `open`, `resolved` or `superseded`, when the edit met it.
    public let status: String
    /// Whose value showed then: `stored` or `incoming`, which is this device's.
    public let winner: String
    /// What was written here.
    public let own: ObjectValue
    /// What shows after the merge; nil where it is not known.
    public let shown: ObjectValue?
    /// When it was heard of, in server milliseconds since 1970.
    public let atMilliseconds: Int64
}

extension ReplicaTransaction {
    /// The records of a collection that are not deleted. O(n).
    func shown(_ collection: ExactString) throws -> [ShownRecord] {
        let rules = try rules(of: collection)
        var pending: Set<RecordKey> = []
        for row in try rows(Statements.selectPendingKeys, [collection.text]) {
            pending.insert(RecordKey(collection: ExactString(row[0] as String), id: ExactString(row[1] as String)))
        }
        var shown: [ShownRecord] = []
        for row in try rows(Statements.selectRecords, [collection.text]) {
            let base = try RecordBase(row: row)
            let operations = pending.remove(base.key) == nil ? [] : try operations(of: base.key)
            if let record = ShownRecord(base, under: operations, by: rules), !record.isDeleted { shown.append(record) }
        }
        for key in pending {
            if let record = ShownRecord(nil, under: try operations(of: key), by: rules), !record.isDeleted {
                shown.append(record)
            }
        }
        return shown.sorted { $0.key < $1.key }
    }

    package func pendingEdits() throws -> [PendingEdit] {
        var edits: [PendingEdit] = []
        try forEachUnsettled { operation in
            edits.append(
                PendingEdit(
                    id: operation.id, kind: operation.kind, record: operation.key, fields: operation.fields,
                    editedAtMilliseconds: operation.editedAtMilliseconds, isSent: operation.sent != nil))
        }
        return edits
    }

    func parkedEdits() throws -> [ParkedEdit] { try rows(Statements.selectParked).map(ParkedEdit.init(row:)) }

    func setAsideChanges() throws -> [SetAsideChange] {
        try rows(Statements.selectSetAside).map { row in
            SetAsideChange(
                record: RecordKey(
                    collection: ExactString(row["collection"] as String), id: ExactString(row["record"] as String)),
                reason: row["reason"], sinceMilliseconds: row["since"], tries: row["tries"])
        }
    }

    func metConflicts(after position: Int64) throws -> [MetConflict] {
        try rows(Statements.selectConflicts, [position]).map { row in
            let shown: String? = row["shown"]
            return MetConflict(
                position: row["position"], conflict: row["conflict"],
                operation: OperationID(row["operation"] as String),
                record: RecordKey(
                    collection: ExactString(row["collection"] as String), id: ExactString(row["record"] as String)),
                unit: row["unit"], policy: row["policy"], status: row["status"], winner: row["winner"],
                own: try ObjectValue(jsonText: row["own"]), shown: try shown.map { try ObjectValue(jsonText: $0) },
                atMilliseconds: row["at"])
        }
    }

    /// Makes an edit of one that was parked, under a new id. With other fields it has seen what shows now; as it was, it has seen what
    /// its author had.
    func retryParked(
        _ id: OperationID, fields: [ExactString: Value]?, as kind: OperationKind?
    ) throws -> OperationID? {
        guard let row = try row(Statements.selectParkedByID, [id.name.text]) else { return nil }
        let parked = try ParkedEdit(row: row)
        try replica.options.mirror?.capture(parked.record, self)
        try run(Statements.deleteParked, [id.name.text])
        let known = try base(parked.record)?.clock ?? VersionVector()
        let context = try fields == nil ? VersionVector(jsonText: row["context"]).intersection(known) : known
        let kind = kind ?? parked.kind
        let again = PendingOperation(
            position: try nextPosition(), id: OperationID(Replica.randomDevice().name), kind: kind, key: parked.record,
            fields: fields.map { ObjectValue($0.map { .init(name: $0.key, value: $0.value) }) } ?? parked.fields,
            context: kind == .create ? VersionVector() : context, editedAtMilliseconds: try tick(),
            isInServerTime: try knowsServerTime(), dependsOn: [], transaction: try nextEdit(), isAtomic: false)
        try wantEdited(again.key)
        try insert(again)
        try showAgain(parked.record)
        return again.id
    }
}

extension ReplicaTransaction {
    /// Lets a parked edit go.
    func discardParked(_ id: OperationID) throws {
        try run(Statements.deleteParked, [id.name.text])
        try forgetLeaving()
    }
}

extension ParkedEdit {
    fileprivate init(row: Row) throws {
        guard let kind = OperationKind(rawValue: row["kind"]) else {
            throw ReplicaError.damaged("a parked operation is of no kind that is known")
        }
        let met: String? = row["met"]
        self.init(
            id: OperationID(row["id"] as String), kind: kind,
            record: RecordKey(
                collection: ExactString(row["collection"] as String), id: ExactString(row["record"] as String)),
            fields: try ObjectValue(jsonText: row["fields"]), editedAtMilliseconds: row["edited_at"],
            parkedAtMilliseconds: row["parked_at"], code: row["code"], detail: row["detail"], pointer: row["pointer"],
            met: try met.map { try ObjectValue(jsonText: $0) })
    }
}
