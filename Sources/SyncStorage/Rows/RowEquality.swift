import Causality

// Rows are equal when their columns are, byte by byte. Swift's `==` on `String` takes canonically equivalent texts for one:
// by it, a name that was altered from its composed to its decomposed spelling would pass for what was written.

extension RecordRow {
    private var texts: [ExactString?] {
        [ExactString(clock), ExactString(fields), siblings.map { ExactString($0) }, ExactString(state)]
    }

    public static func == (left: RecordRow, right: RecordRow) -> Bool {
        left.key == right.key && left.sequence == right.sequence && left.isDeleted == right.isDeleted
            && left.isPurged == right.isPurged && left.stampMilliseconds == right.stampMilliseconds
            && left.openConflicts == right.openConflicts && left.changedAtMilliseconds == right.changedAtMilliseconds
            && left.texts == right.texts
    }
}

extension OperationRow {
    private var texts: [ExactString] { [ExactString(clock), ExactString(result), ExactString(content)] }

    public static func == (left: OperationRow, right: OperationRow) -> Bool {
        left.id == right.id && left.device == right.device && left.ordinal == right.ordinal && left.user == right.user
            && left.batch == right.batch && left.record == right.record && left.counter == right.counter
            && left.fingerprint == right.fingerprint && left.outcome == right.outcome
            && left.stampMilliseconds == right.stampMilliseconds
            && left.recordedAtMilliseconds == right.recordedAtMilliseconds && left.texts == right.texts
    }
}

extension BatchRow {
    public static func == (left: BatchRow, right: BatchRow) -> Bool {
        left.key == right.key && left.fingerprint == right.fingerprint
            && ExactString(left.results) == ExactString(right.results)
            && left.recordedAtMilliseconds == right.recordedAtMilliseconds
    }
}

extension AuditEntryRow {
    private var texts: [ExactString] {
        [type, collection, record, batch, device, clockBefore, clockAfter, detail].map { ExactString($0) }
    }

    public static func == (left: AuditEntryRow, right: AuditEntryRow) -> Bool {
        left.position == right.position && left.conflict == right.conflict && left.version == right.version
            && left.recordedAtMilliseconds == right.recordedAtMilliseconds && left.texts == right.texts
            && left.clocksFrom == right.clocksFrom && left.sides == right.sides && left.hash == right.hash
    }
}

extension AuditSideRow {
    private var texts: [ExactString] { [role, value, device, user, operation].map { ExactString($0) } }

    public static func == (left: AuditSideRow, right: AuditSideRow) -> Bool {
        left.won == right.won && left.present == right.present && left.valueFrom == right.valueFrom
            && left.counter == right.counter
            && left.stampMilliseconds == right.stampMilliseconds
            && left.claimedAtMilliseconds == right.claimedAtMilliseconds && left.texts == right.texts
    }
}

extension ConflictRow {
    private var texts: [ExactString] {
        [kind, status, collection, record, unit, policy, assignee].map { ExactString($0) }
    }

    public static func == (left: ConflictRow, right: ConflictRow) -> Bool {
        left.id == right.id && left.version == right.version
            && left.openedAtMilliseconds == right.openedAtMilliseconds && left.texts == right.texts
    }
}
