import Causality
import Values

/// One entry of a tenant's audit. The audit only grows, and an entry is written in the transaction of the data that it
/// is about.
public struct AuditEntry: Sendable, Hashable {
    /// What an entry records about its conflict.
    public enum Content: Sendable, Hashable {
        /// Two or more values met: the conflict begins.
        case opened(ConflictOpening)
        /// Sides joined an open conflict, or a write that had seen some of them took them away. `dropped` has the
        /// events of those.
        case sidesChanged(unit: UnitKey, joined: [ConflictSide], dropped: [Dot])
        /// A later write that had seen the sides ended the conflict.
        case superseded(by: Event)
        /// A reviewer ended the conflict.
        case resolved(ConflictResolution)
        /// A reviewer left a comment.
        case commented(by: ExactString, text: ExactString)
        /// A reviewer made the conflict somebody's task. `to` is nil where it is nobody's.
        case assigned(by: ExactString, to: ExactString?)
    }

    /// The number of the entry. A tenant's entries are counted from 1 without gaps.
    public let position: Int64
    /// The conflict that the entry belongs to.
    public let conflict: ConflictID
    /// The conflict's version after this entry; 1 when it is opened. It counts the entries that changed its sides or its
    /// status: a comment and an assignment leave it as it is.
    public let version: Int64
    /// The record in which the values met.
    public let record: RecordKey
    /// The key of the batch that caused the entry; for a reviewer's decision the id of its operation, and empty for a
    /// comment.
    public let batch: ExactString
    /// The device that sent the batch, or the reviewer's replica.
    public let device: DeviceID
    /// Server time. It is never before that of the entry in front of it, so the order of positions is an order of time.
    public let recordedAtMilliseconds: Int64
    /// The record's clock before the batch's operation was merged.
    public let clockBefore: VersionVector
    /// The record's clock after it.
    public let clockAfter: VersionVector
    /// What the entry records.
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
    /// The number of the side that was chosen, counted from 0 in the order in which the sides joined. nil for a value
    /// that no side has.
    public let side: Int?
    /// The value that was chosen; nil when the record is to be absent.
    public let value: Value?
    /// What the reviewer wrote about the decision.
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
    /// The conflict's name.
    public let id: ConflictID
    /// The conflict's version, as its latest entry says it.
    public let version: Int64

    public init(id: ConflictID, version: Int64) {
        self.id = id
        self.version = version
    }
}
