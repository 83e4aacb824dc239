import MergeCore
import StrictJSON
import SyncStorage
import SyncWire

/// Merges a record's operations and conflicts, each newest first, into one listing by the server's time.
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

    /// Whether it is not known what comes next: the one that is listed next may be among those that were not read.
    private var isAtEnd: Bool {
        (operations.isEmpty && (moreOperations || conflicts.isEmpty))
            || (conflicts.isEmpty && (moreConflicts || operations.isEmpty))
    }

    /// - Parameter limit: as many as were read of each at most.
    mutating func encoded(limit: Int, after token: HistoryToken) throws(StoreError) -> [UInt8] {
        var reached = token
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("history")
        writer.beginArray()
        for count in 0..<limit {
            guard !isAtEnd, count == 0 || writer.bytes.count < byteLimit else { break }
            // A conflict is recorded with the operation that met it: at the same time the conflict is the later of the two.
            if let conflict = conflicts.first,
                conflict.conflict.openedAtMilliseconds >= operations.first?.recordedAtMilliseconds ?? .min
            {
                reached.conflict = conflict.conflict.id
                writer.beginObject()
                writer.member("type", "conflict")
                writer.key("conflict")
                try ConflictView(conflict).write(to: &writer)
                writer.endObject()
                conflicts.removeFirst()
            } else if let operation = operations.popFirst() {
                reached.operation = operation.ordinal
                writer.beginObject()
                writer.member("type", "operation")
                writer.key("operation")
                try operation.write(to: &writer)
                writer.endObject()
            }
        }
        writer.endArray()
        let isWhole = operations.isEmpty && conflicts.isEmpty && !moreOperations && !moreConflicts
        writer.writeNext(isWhole ? nil : reached.text)
        writer.endObject()
        return writer.bytes
    }
}
