import CLibPQ
import SyncStorage

/// What the server answered to one statement. The result owns libpq's memory for it.
final class QueryResult {
    private let handle: OpaquePointer
    private let statement: String

    init(owning handle: OpaquePointer, statement: String) {
        self.handle = handle
        self.statement = statement
    }

    deinit { PQclear(handle) }

    var rowCount: Int { Int(PQntuples(handle)) }

    /// How many rows the statement changed.
    var changedCount: Int { Int(String(cString: PQcmdTuples(handle))) ?? 0 }

    func first<Row>(_ read: (Columns) throws(StoreError) -> Row) throws(StoreError) -> Row? {
        rowCount > 0 ? try read(Columns(result: handle, row: 0, statement: statement)) : nil
    }

    func all<Row>(_ read: (Columns) throws(StoreError) -> Row) throws(StoreError) -> [Row] {
        var rows: [Row] = []
        rows.reserveCapacity(rowCount)
        try forEach { (columns: Columns) throws(StoreError) in rows.append(try read(columns)) }
        return rows
    }

    func forEach(_ visit: (Columns) throws(StoreError) -> Void) throws(StoreError) {
        for row in 0..<PQntuples(handle) {
            try visit(Columns(result: handle, row: row, statement: statement))
        }
    }
}

/// One row of a result in binary format, by the index of the column. It is valid while the result is.
struct Columns {
    fileprivate let result: OpaquePointer
    fileprivate let row: Int32
    fileprivate let statement: String

    /// The number in a column of eight bytes, which all integers of the statements are.
    func integer(_ column: Int32) -> Int64 {
        let bytes = UnsafeRawBufferPointer(bytes(at: column))
        return bytes.count == 8 ? Int64(bigEndian: bytes.loadUnaligned(as: Int64.self)) : 0
    }

    func optionalInteger(_ column: Int32) -> Int64? { isNull(column) ? nil : integer(column) }

    func boolean(_ column: Int32) -> Bool { bytes(at: column).first == 1 }

    /// - Throws: `damaged` when the bytes are no UTF-8, which a database in UTF8 does not give out.
    func text(_ column: Int32) throws(StoreError) -> String {
        guard let text = String(validating: bytes(at: column), as: UTF8.self) else {
            throw .damaged("a text that is no UTF-8 was found (\(statement))")
        }
        return text
    }

    func optionalText(_ column: Int32) throws(StoreError) -> String? {
        isNull(column) ? nil : try text(column)
    }

    func bytes(_ column: Int32) -> [UInt8] { Array(bytes(at: column)) }

    private func isNull(_ column: Int32) -> Bool { PQgetisnull(result, row, column) == 1 }

    private func bytes(at column: Int32) -> UnsafeBufferPointer<UInt8> {
        let count = Int(PQgetlength(result, row, column))
        guard count > 0, let start = PQgetvalue(result, row, column) else {
            return UnsafeBufferPointer(start: nil, count: 0)
        }
        return UnsafeBufferPointer(start: UnsafeRawPointer(start).assumingMemoryBound(to: UInt8.self), count: count)
    }
}
