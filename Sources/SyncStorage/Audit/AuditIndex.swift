import Causality
import MergeCore
import SyncWire
import Values

/// What the index over the audit holds after some entries: which conflicts are new, and which changed.
public struct AuditIndex: Sendable {
    /// The conflicts that the entries opened, as they stand after them, by id.
    public private(set) var opened: [Int64: ConflictRow] = [:]
    /// The changes of conflicts that were opened before, by id.
    public private(set) var changed: [Int64: ConflictChange] = [:]
    /// The assignments of conflicts that were opened before, by id.
    public private(set) var assigned: [Int64: ConflictAssignment] = [:]

    /// Begins before the first entry.
    public init() {}

    // MARK: Noting

    /// Notes an entry as it was decided, for the commit that writes it.
    public mutating func note(_ entry: AuditEntry) {
        let conflict = entry.conflict.position
        switch entry.content {
        case .opened(let opening):
            let status: ConflictStatus = opening.awaitsDecision ? .open : .automatic
            opened[conflict] = ConflictRow(
                id: conflict, kind: opening.kind.rawValue, status: status.rawValue, version: entry.version,
                collection: entry.record.collection.text, record: entry.record.id.text, unit: opening.unit.name.text,
                policy: opening.policy, openedAtMilliseconds: entry.recordedAtMilliseconds)
        case .sidesChanged: change(conflict, to: .open, at: entry.version)
        case .superseded: change(conflict, to: .superseded, at: entry.version)
        case .resolved: change(conflict, to: .resolved, at: entry.version)
        case .commented: break
        case .assigned(_, let assignee): assign(conflict, to: assignee?.text ?? "")
        }
    }

    /// Notes an entry as it is stored. The verification uses this, because it may trust nothing but the columns under
    /// the hash.
    /// - Throws: `damaged` when the entry's detail cannot be read.
    public mutating func note(stored entry: AuditEntryRow) throws(StoreError) {
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
        case .sidesChanged: change(entry.conflict, to: .open, at: entry.version)
        case .superseded: change(entry.conflict, to: .superseded, at: entry.version)
        case .resolved: change(entry.conflict, to: .resolved, at: entry.version)
        case .commented: break
        case .assigned:
            guard let name = try Value.stored(entry.detail, as: "audit detail").storedObject?["to"],
                name == .null || name.storedText != nil
            else { throw .damaged("audit entry \(entry.position) has no readable detail") }
            assign(entry.conflict, to: name.storedText?.text ?? "")
        case nil: throw .damaged("audit entry \(entry.position) is of an unknown type")
        }
    }

    // MARK: Parts

    private mutating func assign(_ conflict: Int64, to assignee: String) {
        if opened[conflict] != nil {
            opened[conflict]?.assignee = assignee
        } else {
            assigned[conflict] = ConflictAssignment(id: conflict, assignee: assignee)
        }
    }

    private mutating func change(_ conflict: Int64, to status: ConflictStatus, at version: Int64) {
        if opened[conflict] != nil {
            opened[conflict]?.version = version
            opened[conflict]?.status = status.rawValue
        } else {
            changed[conflict] = ConflictChange(id: conflict, version: version, status: status)
        }
    }
}
