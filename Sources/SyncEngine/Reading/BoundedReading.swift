import Causality
import MergeCore
import SyncStorage

/// Rows of a listing, within a bound of bytes.
struct BoundedRows<Row: Sendable>: Sendable {
    var rows: [Row] = []
    /// Whether there are more behind them.
    var hasMore = false

    /// Reads rows until there are as many as wanted, or as many bytes as a page may have, in portions: however long the rows
    /// are, no more than one portion beyond the bound is ever in memory. There is at least one row, if there are any.
    /// - Parameters:
    ///   - byteCount: about what a row takes in the answer.
    ///   - read: so many rows behind the given one, or from the beginning.
    static func reading(
        _ limit: Int, byteLimit: Int, byteCount: (Row) -> Int,
        _ read: (_ last: Row?, _ limit: Int) async throws(StoreError) -> [Row]
    ) async throws(StoreError) -> BoundedRows {
        var page = BoundedRows()
        var bytes = 0
        var portion = 16
        while page.rows.count < limit {
            let wanted = min(portion, limit - page.rows.count)
            let found = try await read(page.rows.last, wanted + 1)
            for row in found.prefix(wanted) {
                let size = byteCount(row)
                guard page.rows.isEmpty || bytes + size <= byteLimit else {
                    page.hasMore = true
                    return page
                }
                page.rows.append(row)
                bytes += size
            }
            guard found.count > wanted else { return page }
            // The next portion is as many rows as fit if the others are like those so far.
            portion = max(1, min(limit, page.rows.count * max(byteLimit - bytes, 0) / max(bytes, 1)))
        }
        page.hasMore = true
        return page
    }
}

extension OperationRow {
    /// About what the operation takes in an answer.
    var byteCount: Int { 256 + content.utf8.count + result.utf8.count + clock.utf8.count }
}

extension ConflictHistory {
    /// About what the conflict takes in an answer.
    var byteCount: Int {
        entries.reduce(256) { sum, entry in
            sum + entry.clockBefore.utf8.count + entry.clockAfter.utf8.count + entry.detail.utf8.count
                + entry.sides.reduce(0) { $0 + 256 + $1.value.utf8.count }
        }
    }
}
