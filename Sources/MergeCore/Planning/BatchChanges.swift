import Causality

/// On whose behalf entries are written into the audit.
struct AuditAuthor {
    let batch: ExactString
    let device: DeviceID
    let atMilliseconds: Int64
}

/// What one batch, or one command of a reviewer, would change. It is kept apart from the decider until it is known to
/// stand.
struct BatchChanges {
    var records: [RecordKey: StoredRecord] = [:]
    var operations: [OperationID: KnownOperation] = [:]
    var dots: [RecordDot: KnownOperation] = [:]
    private(set) var audit: [AuditEntry] = []
    private(set) var sequence: Int64
    private(set) var auditPosition: Int64
    private(set) var auditMilliseconds: Int64
    /// The bytes of the values on the sides of conflicts, each value once.
    private(set) var auditBytes = 0
    private var auditedValues: Set<AuditedValue> = []

    init(after plan: Plan) {
        sequence = plan.sequence
        auditPosition = plan.auditPosition
        auditMilliseconds = plan.auditMilliseconds
    }

    /// The position of the entry that is appended next, and so the id of the conflict that it may open.
    var nextPosition: Int64 { auditPosition + 1 }

    /// Takes a changed record. Records get their places in the feed in the order in which they were first touched.
    mutating func take(_ record: inout StoredRecord) {
        if records[record.key] == nil {
            sequence += 1
            record.sequence = sequence
        }
        records[record.key] = record
    }

    /// Whether the audit takes what these notes would add; if it does, the notes are counted. What a batch records of
    /// values is bounded, because a small write can meet a large value again and again. The first notes of a batch are
    /// always taken.
    mutating func admits(_ notes: [ConflictNote], on record: RecordKey, limits: Limits) -> Bool {
        guard !notes.isEmpty else { return true }
        var bytes = auditBytes
        var values: [AuditedValue] = []
        for note in notes {
            for side in note.sides {
                guard let value = side.value else { continue }
                let audited = AuditedValue(record: record, unit: note.unit, dot: side.event.dot)
                guard !auditedValues.contains(audited) else { continue }
                values.append(audited)
                bytes += value.weight
            }
        }
        guard auditBytes == 0 || bytes <= limits.auditBytesPerBatch else { return false }
        auditBytes = bytes
        auditedValues.formUnion(values)
        return true
    }

    /// Appends an entry to the audit.
    mutating func append(
        _ content: AuditEntry.Content, to conflict: (id: ConflictID, version: Int64, record: RecordKey),
        clocks: (before: VersionVector, after: VersionVector), by author: AuditAuthor
    ) {
        auditPosition += 1
        auditMilliseconds = max(auditMilliseconds, author.atMilliseconds)
        audit.append(
            AuditEntry(
                position: auditPosition, conflict: conflict.id, version: conflict.version, record: conflict.record,
                batch: author.batch, device: author.device, recordedAtMilliseconds: auditMilliseconds,
                clockBefore: clocks.before, clockAfter: clocks.after, content: content))
    }
}

/// The value of one event in one unit, which conflicts of one commit share.
private struct AuditedValue: Hashable {
    let record: RecordKey
    let unit: UnitKey
    let dot: Dot
}

extension ConflictNote {
    fileprivate var unit: UnitKey {
        switch self {
        case .opened(let opening): opening.unit
        case .sidesChanged(_, let unit, _, _), .superseded(_, let unit, _): unit
        }
    }

    /// The sides that it adds.
    fileprivate var sides: [ConflictSide] {
        switch self {
        case .opened(let opening): opening.sides
        case .sidesChanged(_, _, let joined, _): joined
        case .superseded: []
        }
    }
}
