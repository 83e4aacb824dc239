import Causality

/// The rows that a sync has changed in the app's tables, by the ids of their records.
public struct SyncedChanges: Sendable, Hashable {
    /// What came.
    public private(set) var inserted: [ExactString: Set<ExactString>] = [:]
    /// What was changed.
    public private(set) var updated: [ExactString: Set<ExactString>] = [:]
    /// What went.
    public private(set) var deleted: [ExactString: Set<ExactString>] = [:]

    init(_ changes: [(ExactString, ExactString, RowApplier.Change)]) {
        for (collection, id, change) in changes {
            let wasInserted = inserted[collection]?.remove(id) != nil
            updated[collection]?.remove(id)
            deleted[collection]?.remove(id)
            switch change {
            case .inserted: inserted[collection, default: []].insert(id)
            case .updated where wasInserted: inserted[collection, default: []].insert(id)
            case .updated: updated[collection, default: []].insert(id)
            case .deleted: deleted[collection, default: []].insert(id)
            }
        }
    }
}
