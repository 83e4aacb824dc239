extension Commit {
    /// About how many bytes of rows the commit writes, which is what it costs the disk. O(rows).
    public var byteCount: Int {
        records.reduce(0) { $0 + $1.writtenBytes } + operations.reduce(0) { $0 + $1.writtenBytes }
            + batches.reduce(0) { $0 + $1.writtenBytes } + audit.reduce(0) { $0 + $1.writtenBytes }
            // Rows of the index are narrow, and stand in many of its orders.
            + (devices.count + conflictChanges.count + assignments.count) * rowBytes + conflicts.count * 4 * rowBytes
    }
}

/// What a row takes beside its texts: its keys, and its places in the indexes.
private let rowBytes = 256

extension RecordRow {
    fileprivate var writtenBytes: Int {
        rowBytes + clock.utf8.count + fields.utf8.count + (siblings?.utf8.count ?? 0) + state.utf8.count
    }
}

extension OperationRow {
    fileprivate var writtenBytes: Int { rowBytes + clock.utf8.count + result.utf8.count + content.utf8.count }
}

extension BatchRow {
    fileprivate var writtenBytes: Int { rowBytes + results.utf8.count }
}

extension AuditEntryRow {
    fileprivate var writtenBytes: Int {
        rowBytes + clockBefore.utf8.count + clockAfter.utf8.count + detail.utf8.count
            + sides.reduce(0) { $0 + rowBytes + $1.value.utf8.count }
    }
}
