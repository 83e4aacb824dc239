import Causality
import Values

/// The name of one operation. Its author gives it: a random UUID, so that it is unique in the tenant.
public struct OperationID: Sendable, Hashable, Comparable {
    /// The name as it was sent.
    public let name: ExactString

    /// Takes the name as it is.
    public init(_ name: ExactString) { self.name = name }
    /// Takes the name as it is.
    public init(_ name: String) { self.name = ExactString(name) }

    /// Compares the names by their bytes.
    public static func < (left: OperationID, right: OperationID) -> Bool { left.name < right.name }
}

extension OperationID: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) { self.init(value) }
}

/// A record's name within its tenant.
public struct RecordKey: Sendable, Hashable, Comparable {
    /// The collection that the record is in.
    public let collection: ExactString
    /// The record's name in its collection.
    public let id: ExactString

    public init(collection: ExactString, id: ExactString) {
        self.collection = collection
        self.id = id
    }

    /// Compares the collections, then the ids, by their bytes.
    public static func < (left: RecordKey, right: RecordKey) -> Bool {
        left.collection == right.collection ? left.id < right.id : left.collection < right.collection
    }
}

/// What an operation asks for.
///
/// - `create`: a record whose author has not seen one under its id.
/// - `update`: other values in fields of a record.
/// - `delete`: that the record be hidden.
/// - `restore`: that deletes which the author has seen be undone.
public enum OperationKind: String, Sendable, Hashable, CaseIterable {
    case create, update, delete, restore
}

/// One create, update, delete or restore of one record, as its author sent it.
public struct Operation: Sendable, Hashable {
    /// The operation's name, under which its result is stored.
    public let id: OperationID
    /// What it asks for.
    public let kind: OperationKind
    /// The record that it is about.
    public let record: RecordKey
    /// The record's clock as the author saw it, with the author's own entry raised by one (rule C3).
    public let clock: VersionVector
    /// The author's time of the edit, uncorrected, in milliseconds since 1970-01-01T00:00:00Z; nil when it named none.
    public let claimedMilliseconds: Int64?
    /// What create, update and restore write, as it was sent. Empty for a delete.
    public let fields: ObjectValue
    /// The operations without which this one must not be taken.
    public let dependsOn: [OperationID]
    /// A digest of what the operation asks for: kind, record, fields and the author's time.
    ///
    /// Its clock and its device are not part of it. A device that had to register anew sends its pending operations
    /// under a new id and new counters, and they are still the same operations.
    public let fingerprint: Digest

    public init(
        id: OperationID, kind: OperationKind, record: RecordKey, clock: VersionVector, claimedMilliseconds: Int64?,
        fields: ObjectValue, dependsOn: [OperationID] = [], fingerprint: Digest
    ) {
        self.id = id
        self.kind = kind
        self.record = record
        self.clock = clock
        self.claimedMilliseconds = claimedMilliseconds
        self.fields = fields
        self.dependsOn = dependsOn
        self.fingerprint = fingerprint
    }
}
