import MergeCore
import SyncStorage
import SyncWire

/// Merges a record's operations and conflicts, each newest first, into one listing by the server's time.
struct HistoryMerge {
    private var operations: ArraySlice<OperationRow>
    private var conflicts: ArraySlice<ConflictView>

    init(operations: [OperationRow], conflicts: [ConflictView]) {
        self.operations = operations[...]
        self.conflicts = conflicts[...]
    }

    /// - Parameter limit: fewer than were read of each, so that it is known whether there is more.
    mutating func encoded(limit: Int, after token: HistoryToken) throws(StoreError) -> [UInt8] {
        var reached = token
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("history")
        writer.beginArray()
        for _ in 0..<limit {
            // A conflict is recorded with the operation that met it: at the same time the conflict is the later of the two.
            if let conflict = conflicts.first,
                conflict.row.openedAtMilliseconds >= operations.first?.recordedAtMilliseconds ?? .min
            {
                reached.conflict = conflict.row.id
                writer.beginObject()
                writer.member("type", "conflict")
                writer.key("conflict")
                conflict.write(to: &writer)
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
        writer.writeNext(operations.isEmpty && conflicts.isEmpty ? nil : reached.text)
        writer.endObject()
        return writer.bytes
    }
}
