import Causality
import DeviceReplica
import GRDB
import MergeCore
import Values

/// Makes an edit of what was changed in a row: what its author meant, as far as the policies of its columns tell.
struct RowEdits {
    let table: MirroredTable
    let rules: ColumnRules
    let transaction: ReplicaTransaction

    /// Makes the edit. A note of which nothing has come makes none.
    /// - Returns: why it cannot be made now; nil where it was.
    func make(of note: Note) throws -> String? {
        do {
            let key = try table.shape.key.values(note: note.key)
            let id = try table.shape.key.id(key)
            return try make(RecordKey(collection: table.shape.collection, id: id), key, note)
        } catch let error as KeyShape.Unfit {
            let values = table.shape.key.storedValues(note: note.key)
            return try transaction.exists(table.statements.exists, StatementArguments(values)) ? "\(error)" : nil
        } catch let error as ColumnCoding.Unfit {
            return "\(error)"
        } catch let error as EditRefusal {
            return "\(error)"
        } catch let error as RowRefusal {
            return "\(error)"
        } catch let error as DatabaseError where !error.isOfTheWholeDatabase {
            // The table's condition cannot be asked of this row.
            return "\(error)"
        }
    }

    private func make(_ key: RecordKey, _ values: [DatabaseValue], _ note: Note) throws -> String? {
        let rows = try transaction.rows(table.statements.select, StatementArguments(values))
        guard rows.count <= 1 else {
            throw RowRefusal("The table has more than one row, and the collection has one record.")
        }
        // A column's own collation may find another row than the one that was noted.
        let row = rows.first.flatMap { row in values.indices.allSatisfy { row[$0] == values[$0] } ? row : nil }
        let shown = try transaction.shown(key)
        guard let row else {
            guard let shown, !shown.isDeleted else { return nil }
            try edit(note).delete(key.collection, key.id)
            return nil
        }
        if let condition = table.statements.isPushed,
            try transaction.row(condition, StatementArguments(values)).map({ ($0[0] as Bool?) != true }) ?? true
        {
            return NoteStatements.heldByCondition
        }
        try write(row, over: shown, key, note)
        return nil
    }

    private func write(_ row: Row, over shown: ShownRecord?, _ key: RecordKey, _ note: Note) throws {
        guard let shown, !shown.isDeleted else {
            if let shown, !note.isUnseen { return try remake(row, over: shown, key, note) }
            return try edit(note).adopt(key, try changes(row, of: nil, in: Triggers.allColumns))
        }
        let changed = try changes(row, of: shown, in: note.columns)
        guard !changed.isEmpty else { return }
        if note.isUnseen {
            try edit(note).updateUnseen(key, changed)
        } else {
            try edit(note).update(key.collection, key.id, changed)
        }
    }

    /// A row under the key of a deleted one: nothing of what that one held comes back but what the row has.
    private func remake(_ row: Row, over shown: ShownRecord, _ key: RecordKey, _ note: Note) throws {
        var fields = try changes(row, of: shown, in: Triggers.allColumns)
        var kept: Set<ExactString> = []
        for case (let index, let column?) in rules.columns.enumerated() where fields[column.field] == nil {
            switch column.family {
            case .counter, .set: kept.insert(column.field)
            case .register, .extremum, .other:
                // What a deleted record holds now is not known for certain, so that every value is named.
                let value = try column.coding.decoded(stored(row, index), instead: shown[column.field])
                if value != .null { fields[column.field] = value }
            }
        }
        try edit(note).remake(key, fields, keeping: kept)
    }

    private func stored(_ row: Row, _ index: Int) -> DatabaseValue { row[table.shape.key.parts.count + index] }

    private func edit(_ note: Note) throws -> EditTransaction {
        let age = try transaction.number(NoteStatements.age, [note.atMilliseconds])
        return try EditTransaction(transaction, ageMilliseconds: max(0, age))
    }

    // MARK: Changes

    /// What the row says otherwise than what shows. O(n) in what is compared.
    private func changes(_ row: Row, of shown: ShownRecord?, in bits: Int64) throws -> [ExactString: Value] {
        var changes: [ExactString: Value] = [:]
        for case (let index, let column?) in rules.columns.enumerated() where column.bit & bits != 0 {
            if let change = try change(column, to: stored(row, index), from: shown?[column.field]) {
                changes[column.field] = change
            }
        }
        try complete(&changes, row, shown)
        return changes
    }

    /// A group wins or loses together, so that it is named whole.
    private func complete(_ changes: inout [ExactString: Value], _ row: Row, _ shown: ShownRecord?) throws {
        let groups = Set(
            rules.columns.compactMap { column -> UnitKey? in
                guard let column, changes[column.field] != nil, case .group = column.unit else { return nil }
                return column.unit
            })
        guard !groups.isEmpty else { return }
        for case (let index, let column?) in rules.columns.enumerated()
        where groups.contains(column.unit) && changes[column.field] == nil {
            changes[column.field] = try column.coding.decoded(stored(row, index), instead: shown?[column.field])
        }
    }

    private func change(_ column: ColumnRules.Column, to stored: DatabaseValue, from shown: Value?) throws -> Value? {
        // Where a column has a value of its own for what nobody says, NULL has to be said.
        let isSaid = shown == nil && stored.isNull && column.coding.column.standard != .value(.null)
        if !isSaid, column.coding.isSame(stored, as: shown) { return nil }
        let value = try column.coding.decoded(stored, instead: shown)
        switch column.family {
        case .counter:
            return try difference(column, value, shown).map { FieldChange.increment($0).value }
        case .set:
            guard case .array(let here) = value else { return value }
            var there: [Value] = []
            if case .array(let elements)? = shown { there = elements }
            let (adding, removing) = (Set(here).subtracting(there), Set(there).subtracting(here))
            guard !adding.isEmpty || !removing.isEmpty else { return nil }
            return FieldChange.elements(
                adding: adding.sorted { $0.precedes($1) }, removing: removing.sorted { $0.precedes($1) }
            ).value
        case .register, .extremum, .other: return value
        }
    }

    private func difference(_ column: ColumnRules.Column, _ value: Value, _ shown: Value?) throws -> Int64? {
        var total: Int64 = 0
        if case .integer(let number)? = shown { total = number }
        var now: Int64 = 0
        switch value {
        case .integer(let number): now = number
        case .null: break
        case _: throw RowRefusal("Column '\(column.coding.column.name)': a counter holds whole numbers.")
        }
        let (difference, overflows) = now.subtractingReportingOverflow(total)
        guard !overflows else {
            throw RowRefusal("Column '\(column.coding.column.name)': the difference is too large.")
        }
        return difference == 0 ? nil : difference
    }
}
