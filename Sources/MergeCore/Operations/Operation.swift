import Causality
import Values

/// The name of one operation, given by its author; random (a UUID), so that it is unique in the tenant.
public struct OperationID: Sendable, Hashable, Comparable {
    public let name: ExactString

    public init(_ name: ExactString) { self.name = name }
    public init(_ name: String) { self.name = ExactString(name) }

    public static func < (left: OperationID, right: OperationID) -> Bool { left.name < right.name }
}

extension OperationID: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) { self.init(value) }
}

/// A record's name within its tenant.
public struct RecordKey: Sendable, Hashable, Comparable {
    public let collection: ExactString
    public let id: ExactString

    public init(collection: ExactString, id: ExactString) {
        self.collection = collection
        self.id = id
    }

    public static func < (left: RecordKey, right: RecordKey) -> Bool {
        left.collection == right.collection ? left.id < right.id : left.collection < right.collection
    }
}

public enum OperationKind: String, Sendable, Hashable, CaseIterable {
    case create, update, delete, restore
}

/// One create, update, delete or restore of one record, as its author sent it.
public struct Operation: Sendable, Hashable {
    public let id: OperationID
    public let kind: OperationKind
    public let record: RecordKey
    public let clock: VersionVector
    /// The author's time of the edit, uncorrected, in milliseconds since 1970.
    public let claimedMilliseconds: Int64?
    /// What create, update and restore write, as it was sent. Empty for a delete.
    public let fields: ObjectValue
    public let dependsOn: [OperationID]
    /// Tells what the operation asks for: kind, record, fields and the author's time. Not its clock and not its device, because a
    /// device that had to register anew sends its pending operations under a new id and new counters, and they are still the
    /// same operations.
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
