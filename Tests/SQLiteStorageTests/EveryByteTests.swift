import Foundation
import GRDB
import StorageConformance
import SyncStorage
import Testing

@testable import SQLiteStorage

extension StoredValue {
    fileprivate init(_ value: DatabaseValue) {
        switch value.storage {
        case .null: self = .null
        case .int64(let number): self = .integer(number)
        case .string(let text): self = .text(Array(text.utf8))
        case .blob(let data): self = .bytes(Array(data))
        case .double(let number): self = .integer(Int64(number))
        }
    }

    fileprivate var databaseValue: DatabaseValue {
        switch self {
        case .null: .null
        case .boolean(let truth): truth.databaseValue
        case .integer(let number): number.databaseValue
        // Cast to a text by the statement: it need not be UTF-8.
        case .text(let bytes), .bytes(let bytes): Data(bytes).databaseValue
        }
    }
}

@Suite("edge 43: an audit of which one byte was changed in the SQLite file")
struct EveryByteTests {
    @Test("is found out at the right entry: every byte of every column of every row", arguments: AuditTable.allCases)
    func everyByte(_ table: AuditTable) async throws {
        try await withTemporaryStore { store in
            try await AuditSample.put(in: store, of: "tenant")
            try await store.pool.writeWithoutTransaction { database in
                // What somebody with an editor of files could write. And nothing here has to survive a loss of power.
                try database.execute(sql: "PRAGMA ignore_check_constraints = ON; PRAGMA synchronous = OFF")
            }
            let cells = try await store.cells(of: table)
            var tried = 0
            var refused = 0
            for cell in cells {
                for value in cell.value.changes(.everyByte) {
                    guard try await store.put(value, in: cell, from: cell.value) else {
                        refused += 1
                        continue
                    }
                    tried += 1
                    let report = try await store.verifyAudit(of: "tenant")
                    #expect(
                        cell.isFound(report.fault, changedTo: value),
                        "\(table).\(cell.column) of \(cell.row): \(cell.value) became \(value): \(report)")
                    #expect(try await store.put(cell.value, in: cell, from: value))
                }
            }
            #expect(try await store.verifyAudit(of: "tenant").fault == nil, "all was put back")
            // What is refused would break a key, or is a NULL where there must be none.
            #expect(tried > refused && tried > 100, "\(table): \(tried) changes, \(refused) refused")
        }
    }
}

extension SQLiteStore {
    /// Every value of a table, by the catalogue, so that a column that comes later is tried by itself.
    fileprivate func cells(of table: AuditTable) async throws -> [AuditCell] {
        try await onReader { database in
            let columns = try database.columns(in: table.rawValue).map(\.name).filter(table.isOfAudit(column:))
            return try Row.fetchAll(database, sql: "SELECT * FROM \(table.rawValue)").flatMap { row in
                columns.map { column in
                    AuditCell(
                        table: table, row: table.key.map { row[$0] }, column: column,
                        value: StoredValue(row[column] as DatabaseValue))
                }
            }
        }
    }

    /// - Returns: false when the database refuses it.
    fileprivate func put(_ value: StoredValue, in cell: AuditCell, from old: StoredValue) async throws -> Bool {
        let table = cell.table
        let assignment = if case .text = value { "CAST(:value AS TEXT)" } else { ":value" }
        // The changed column is looked for by its old value, in case it is one of the key.
        let conditions = table.key.filter { $0 != cell.column }.map { "\($0) = :\($0)" }
        let found = if case .text = old { "CAST(:old AS TEXT)" } else { ":old" }
        let sql =
            "UPDATE \(table.rawValue) SET \(cell.column) = \(assignment) WHERE "
            + (conditions + ["\(cell.column) IS \(found)"]).joined(separator: " AND ")
        var arguments: [String: DatabaseValue] = ["value": value.databaseValue, "old": old.databaseValue]
        for (name, number) in zip(table.key, cell.row) where name != cell.column {
            arguments[name] = number.databaseValue
        }
        let values = StatementArguments(arguments)
        return try await pool.writeWithoutTransaction { database in
            do {
                let statement = try database.cachedStatement(sql: sql)
                try statement.execute(arguments: values)
                return database.changesCount == 1
            } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
                return false
            }
        }
    }
}
