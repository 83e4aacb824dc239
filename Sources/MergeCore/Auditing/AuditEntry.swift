import Causality

/// One entry of a tenant's audit: append-only, written in the transaction of the data it is about.
public struct AuditEntry: Sendable, Hashable {
    public enum Content: Sendable, Hashable {
        case opened(ConflictOpening)
        case sidesChanged(unit: UnitKey, joined: [ConflictSide], dropped: [Dot])
        case superseded(by: Event)
    }

    /// Counts the tenant's entries from 1 without gaps.
    public let position: Int64
    public let conflict: ConflictID
    /// The conflict's version after this entry; 1 when it is opened.
    public let version: Int64
    public let record: RecordKey
    /// The key of the batch that caused the entry, and the device that sent it.
    public let batch: ExactString
    public let device: DeviceID
    public let recordedAtMilliseconds: Int64
    public let clockBefore: VersionVector
    public let clockAfter: VersionVector
    public let content: Content

    public init(
        position: Int64, conflict: ConflictID, version: Int64, record: RecordKey, batch: ExactString, device: DeviceID,
        recordedAtMilliseconds: Int64, clockBefore: VersionVector, clockAfter: VersionVector, content: Content
    ) {
        self.position = position
        self.conflict = conflict
        self.version = version
        self.record = record
        self.batch = batch
        self.device = device
        self.recordedAtMilliseconds = recordedAtMilliseconds
        self.clockBefore = clockBefore
        self.clockAfter = clockAfter
        self.content = content
    }
}

/// A conflict that waits for a decision, as its record remembers it.
public struct OpenConflict: Sendable, Hashable {
    public let id: ConflictID
    public let version: Int64

    public init(id: ConflictID, version: Int64) {
        self.id = id
        self.version = version
    }
}
