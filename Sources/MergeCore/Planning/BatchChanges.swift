import Causality

/// On whose behalf entries are written into the audit.
struct AuditAuthor {
    let batch: ExactString
    let device: DeviceID
    let atMilliseconds: Int64
}

/// What one batch, or one act of a reviewer, would change. Apart from the ledger until it is known to stand.
struct BatchChanges {
    var records: [RecordKey: StoredRecord] = [:]
    var operations: [OperationID: KnownOperation] = [:]
    var dots: [RecordDot: KnownOperation] = [:]
    private(set) var audit: [AuditEntry] = []
    private(set) var sequence: Int64
    private(set) var auditPosition: Int64
    private(set) var auditMilliseconds: Int64

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
