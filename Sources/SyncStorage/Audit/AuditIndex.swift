import Causality
import MergeCore
import SyncWire

/// What the index over the audit holds after some entries: which conflicts are new, and which changed.
public struct AuditIndex: Sendable {
    public private(set) var opened: [Int64: ConflictRow] = [:]
    public private(set) var changed: [Int64: ConflictChange] = [:]
    public private(set) var assigned: [Int64: ConflictAssignment] = [:]

    public init() {}

    /// - Throws: `damaged` when the entry's detail cannot be read.
    public mutating func note(_ entry: AuditEntryRow) throws(StoreError) {
        switch AuditEntryRow.EntryType(rawValue: entry.type) {
        case .opened:
            guard let detail = try Value.stored(entry.detail, as: "audit detail").storedObject,
                let kind = detail["kind"]?.storedText, let unit = detail["unit"]?.storedText,
                let policy = detail["policy"]?.storedText, case .boolean(let awaits)? = detail["awaitsDecision"]
            else { throw .damaged("audit entry \(entry.position) has no readable detail") }
            opened[entry.conflict] = ConflictRow(
                id: entry.conflict, kind: kind.text,
                status: (awaits ? ConflictStatus.open : ConflictStatus.automatic).rawValue, version: entry.version,
                collection: entry.collection, record: entry.record, unit: unit.text, policy: policy.text,
                openedAtMilliseconds: entry.recordedAtMilliseconds)
        case .sidesChanged: change(entry, to: .open)
        case .superseded: change(entry, to: .superseded)
        case .resolved: change(entry, to: .resolved)
        case .commented: break
        case .assigned: try assign(entry)
        case nil: throw .damaged("audit entry \(entry.position) is of an unknown type")
        }
    }

    /// Notes an entry that was chained just now, whose detail is what the writer wrote.
    public mutating func note(chained entry: AuditEntryRow) {
        do {
            try note(entry)
        } catch {
            assertionFailure("a chained entry cannot be read: \(error)")
        }
    }

    private mutating func assign(_ entry: AuditEntryRow) throws(StoreError) {
        guard let name = try Value.stored(entry.detail, as: "audit detail").storedObject?["to"],
            name == .null || name.storedText != nil
        else { throw .damaged("audit entry \(entry.position) has no readable detail") }
        let assignee = name.storedText?.text ?? ""
        if opened[entry.conflict] != nil {
            opened[entry.conflict]?.assignee = assignee
        } else {
            assigned[entry.conflict] = ConflictAssignment(id: entry.conflict, assignee: assignee)
        }
    }

    private mutating func change(_ entry: AuditEntryRow, to status: ConflictStatus) {
        if opened[entry.conflict] != nil {
            opened[entry.conflict]?.version = entry.version
            opened[entry.conflict]?.status = status.rawValue
        } else {
            changed[entry.conflict] = ConflictChange(id: entry.conflict, version: entry.version, status: status)
        }
    }
}
