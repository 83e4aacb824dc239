import Causality
import GRDB
import MergeCore
import Values

/// A table that is synced, with its number in `rejoin_tables`.
struct MirroredTable: Sendable {
    let number: Int64
    let shape: TableShape
    let statements: RowStatements
    /// Finds rows of other synced tables that would go, or change, with a row of this one.
    let children: [(table: String, sql: String)]

    init(
        _ number: Int64, _ shape: TableShape, among all: [TableShape], _ deferring: [(String, TableShape.Parent)]
    ) {
        self.number = number
        self.shape = shape
        statements = RowStatements(shape)
        let changing = all.flatMap { child in child.parents.filter(\.changesChildren).map { (child.name, $0) } }
        children = (changing + deferring).filter { $0.1.table.lowercased() == shape.name.lowercased() }.map {
            ($0.0, RowStatements.child($0.0, $0.1, of: shape))
        }
    }

    /// What a page of keys ends with, as the parameters of the next one.
    func cursor(_ note: DatabaseValue) -> [DatabaseValue] { (try? shape.key.values(note: note)) ?? [] }
}

/// How a table's columns are read and written under what the server declares now.
struct ColumnRules: Sendable {
    /// One column's rules.
    struct Column: Sendable {
        let bit: Int64
        let coding: ColumnCoding
        let unit: UnitKey
        let family: MergePolicy.Family

        var field: ExactString { coding.column.field }
    }

    /// In the order of the table's columns. A column whose field the server does not declare is nil: nothing of it is sent, and
    /// nothing comes.
    let columns: [Column?]

    init(_ table: TableShape, _ rules: CollectionRules) {
        columns = table.columns.enumerated().map { index, column in
            guard let rule = rules.rule(of: column.field) else { return nil }
            return Column(
                bit: Triggers.bit(index), coding: ColumnCoding(column, declared: rules.fields == nil ? nil : rule.type),
                unit: rules.unit(of: column.field), family: rules.policy(of: rules.unit(of: column.field)).family)
        }
    }

    /// The columns that nothing is sent of.
    func unknown(_ table: TableShape) -> [String] {
        zip(columns, table.columns).filter { $0.0 == nil }.map(\.1.name)
    }
}
