import MergeCore
import SyncStorage
import SyncWire

/// Merges a record's operations and conflicts, each the newest first, into one listing by the server's time.
struct HistoryMerge {
    private var operations: ArraySlice<OperationRow>
    private var conflicts: ArraySlice<ConflictHistory>
    private let moreOperations: Bool
    private let moreConflicts: Bool
    private let byteLimit: Int

    init(operations: BoundedRows<OperationRow>, conflicts: BoundedRows<ConflictHistory>, byteLimit: Int) {
        self.operations = operations.rows[...]
        self.conflicts = conflicts.rows[...]
        moreOperations = operations.hasMore
        moreConflicts = conflicts.hasMore
        self.byteLimit = byteLimit
    }

    /// Whether it is not known what comes next, because the next one may be among those that were not read.
    private var isAtEnd: Bool {
        (operations.isEmpty && (moreOperations || conflicts.isEmpty))
            || (conflicts.isEmpty && (moreConflicts || operations.isEmpty))
    }

    /// - Parameter limit: as many as were read of each at most.
    /// - Throws: `damaged` for an operation or a conflict that cannot be read.
    mutating func page(limit: Int, after token: HistoryToken) throws(StoreError) -> HistoryPage {
        var reached = token
        var entries: [HistoryPage.Entry] = []
        var bytes = 0
        for count in 0..<limit {
            guard !isAtEnd, count == 0 || bytes < byteLimit else { break }
            // A conflict is recorded with the operation that met it: at the same time the conflict is the later of the two.
            if let conflict = conflicts.first,
                conflict.conflict.openedAtMilliseconds >= operations.first?.recordedAtMilliseconds ?? .min
            {
                reached.conflict = conflict.conflict.id
                entries.append(.conflict(try ConflictView(conflict).document))
                bytes += conflict.byteCount
                conflicts.removeFirst()
            } else if let operation = operations.popFirst() {
                reached.operation = operation.ordinal
                entries.append(.operation(try WireOperation(operation)))
                bytes += operation.byteCount
            }
        }
        let isWhole = operations.isEmpty && conflicts.isEmpty && !moreOperations && !moreConflicts
        return HistoryPage(entries: entries, next: isWhole ? nil : reached.text)
    }
}
