import Causality
import Values

/// One entry of a tenant's audit: append-only, written in the transaction of the data it is about.
public struct AuditEntry: Sendable, Hashable {
    public enum Content: Sendable, Hashable {
        case opened(ConflictOpening)
        case sidesChanged(unit: UnitKey, joined: [ConflictSide], dropped: [Dot])
        case superseded(by: Event)
        case resolved(ConflictResolution)
        case commented(by: ExactString, text: ExactString)
        /// To nobody: nil.
        case assigned(by: ExactString, to: ExactString?)
    }

    /// Counts the tenant's entries from 1 without gaps.
    public let position: Int64
    public let conflict: ConflictID
    /// The conflict's version after this entry; 1 when it is opened. It counts the entries that changed its sides or its
    /// status: a comment and an assignment leave it as it is.
    public let version: Int64
    public let record: RecordKey
    /// The key of the batch that caused the entry, and the device that sent it.
    public let batch: ExactString
    public let device: DeviceID
    /// Server time. Never before that of the entry in front of it, so that the order of positions is an order of time.
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

/// What a reviewer decided.
public struct ConflictResolution: Sendable, Hashable {
    /// The event that the decision became in the record.
    public let event: Event
    /// The unit that was decided.
    public let unit: UnitKey
    /// The number of the side that was chosen, counted from 0 in the order in which the sides joined; nil for a value that
    /// no side has.
    public let side: Int?
    /// nil: that the record be absent.
    public let value: Value?
    public let note: ExactString?

    public init(event: Event, unit: UnitKey, side: Int?, value: Value?, note: ExactString?) {
        self.event = event
        self.unit = unit
        self.side = side
        self.value = value
        self.note = note
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
