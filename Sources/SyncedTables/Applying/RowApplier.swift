import Causality
import DeviceReplica
import GRDB
import MergeCore
import Values

/// Writes what the server says into a table.
struct RowApplier {
    let table: MirroredTable
    let rules: ColumnRules
    let transaction: ReplicaTransaction

    /// What became of the row.
    enum Change: Sendable, Hashable { case inserted, updated, deleted }

    /// - Parameter isNew: whether the row is expected to be none yet.
    /// - Returns: nil where the row says it already.
    /// - Throws: ``MissingRow`` where other rows have to come or go first.
    func apply(_ record: ShownRecord, checksParents: Bool, isNew: Bool = false) throws -> Change? {
        let key = try table.shape.key.values(record.key.id)
        let isNew = isNew && !table.shape.key.isSingleton && !record.isDeleted
        let rows = isNew ? [] : try transaction.rows(table.statements.select, StatementArguments(key))
        guard rows.count <= 1 else {
            throw RowRefusal("The table has more than one row, and the collection has one record.")
        }
        let row = rows.first
        // A column's own collation may find a row of another record.
        if let row, !key.indices.allSatisfy({ row[$0] == key[$0] }) {
            if record.isDeleted { return nil }
            throw MissingRow("The table takes the key of another row for the same.")
        }
        do {
            return try record.isDeleted ? delete(key, row) : write(record, key, row, checksParents)
        } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_CONSTRAINT_FOREIGNKEY {
            throw MissingRow(
                record.isDeleted ? "Other rows refer to this one." : "It refers to a row that is not here.")
        }
    }

    private func write(
        _ record: ShownRecord, _ key: [DatabaseValue], _ row: Row?, _ checksParents: Bool
    ) throws -> Change? {
        let keyCount = table.shape.key.parts.count
        var values: [DatabaseValue] = []
        values.reserveCapacity(rules.columns.count)
        var isSame = row != nil
        for (index, column) in rules.columns.enumerated() {
            let stored: DatabaseValue = row.map { $0[keyCount + index] } ?? .null
            guard let column else {
                // The server says nothing of it.
                values.append(try row == nil ? standard(table.shape.columns[index]) : stored)
                continue
            }
            let value = record[column.field]
            if row != nil, try self.isSame(stored, as: value, column.coding) {
                values.append(stored)
            } else {
                values.append(try encoded(value, column.coding))
                isSame = false
            }
        }
        if isSame { return nil }
        if row == nil {
            try transaction.run(table.statements.insert, StatementArguments(key + values))
        } else {
            try transaction.run(table.statements.update, StatementArguments(values + key))
        }
        guard transaction.db.changesCount == 1 else { throw RowRefusal("Something in the database ignores the row.") }
        if checksParents, table.statements.orphan != nil, try table.shape.mayDefer || isDeferring() {
            try requireParents(key)
        }
        return row == nil ? .inserted : .updated
    }

    /// Whether the column holds what the field says: of an absent field nothing is said, as where a statement does not name a column.
    private func isSame(_ stored: DatabaseValue, as value: Value?, _ coding: ColumnCoding) throws -> Bool {
        guard value == nil || value == .null && coding.column.isRequired else {
            return coding.isSame(stored, as: value)
        }
        switch coding.column.standard {
        case .varying: return true
        case .value(let standard): return stored == standard
        }
    }

    private func encoded(_ value: Value?, _ coding: ColumnCoding) throws -> DatabaseValue {
        guard value == nil || value == .null && coding.column.isRequired else { return try coding.encoded(value) }
        return try standard(coding.column)
    }

    private func standard(_ column: ColumnShape) throws -> DatabaseValue {
        switch column.standard {
        case .value(let standard): return standard
        case .varying(let sql): return try transaction.row("SELECT (\(sql))")?[0] ?? .null
        }
    }

    private func delete(_ key: [DatabaseValue], _ row: Row?) throws -> Change? {
        guard row != nil else { return nil }
        // Whoever deleted the parent deleted its children as well, each by itself, or moved them. Those that are still here are
        // somebody's work, and must not go along.
        for child in table.children where try transaction.exists(child.sql, StatementArguments(key)) {
            throw MissingRow("Rows of '\(child.table)' refer to it.")
        }
        try transaction.run(table.statements.delete, StatementArguments(key))
        return .deleted
    }

    /// Whether references may be broken for the time being.
    private func isDeferring() throws -> Bool { try transaction.number("PRAGMA defer_foreign_keys") == 1 }

    private func requireParents(_ key: [DatabaseValue]) throws {
        if try lacksParents(key) { throw MissingRow("It refers to a row that is not here.") }
    }

    /// Whether the row refers to rows that are not there, where the database cares.
    func lacksParents(_ key: [DatabaseValue]) throws -> Bool {
        guard let orphan = table.statements.orphan, try transaction.number("PRAGMA foreign_keys") == 1 else {
            return false
        }
        return try transaction.exists(orphan, StatementArguments(key))
    }
}

/// Why a row is not written, or not sent.
struct RowRefusal: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
