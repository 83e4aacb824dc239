/// The statements on the rows of one table.
struct RowStatements: Sendable, Hashable {
    /// The columns of one row, the key's first.
    let select: String
    let insert: String
    let update: String
    let delete: String
    /// Keys behind one, a page in the key's order.
    let firstKeys: String
    let nextKeys: String
    /// Finds a row that has no key.
    let keyless: String?
    /// Whether there is a row of the key, which may be none that is good for an id.
    let exists: String
    /// Finds the row where it refers to one that is not there; nil where it refers to none.
    let orphan: String?
    /// Whether the table's condition lets the row go; nil where all go.
    let isPushed: String?

    init(_ table: TableShape) {
        let (name, key) = ("main.\(table.name.quoted)", table.key)
        let columns = table.columns.map(\.name.quoted)
        let listed = key.parts.map(\.name.quoted) + columns
        // Of a table with one row nobody says which it is; a second one would be told by the count.
        select =
            "SELECT \((listed.isEmpty ? ["1"] : listed).joined(separator: ", ")) FROM \(name) WHERE \(key.conditionSQL) LIMIT 2"
        insert =
            listed.isEmpty
            ? "INSERT OR ABORT INTO \(name) DEFAULT VALUES"
            : "INSERT OR ABORT INTO \(name) (\(listed.joined(separator: ", "))) VALUES "
                + "(\(listed.map { _ in "?" }.joined(separator: ", ")))"
        update =
            "UPDATE OR ABORT \(name) SET \(columns.map { "\($0) = ?" }.joined(separator: ", ")) WHERE \(key.conditionSQL)"
        delete = "DELETE FROM \(name) WHERE \(key.conditionSQL)"
        let order = key.isSingleton ? "1" : key.columnsSQL
        let keys = "SELECT \(key.isSingleton ? "1" : key.columnsSQL), \(key.noteSQL(of: "")) FROM \(name)"
        let hasKey = key.parts.map { "\($0.name.quoted) IS NOT NULL" }.joined(separator: " AND ")
        firstKeys = "\(keys) WHERE \(key.isSingleton ? "1" : hasKey) ORDER BY \(order) LIMIT 500"
        keyless = key.isSingleton ? nil : "SELECT \(key.noteSQL(of: "")) FROM \(name) WHERE NOT (\(hasKey)) LIMIT 1"
        nextKeys =
            key.isSingleton
            ? "\(keys) WHERE 0"
            : "\(keys) WHERE \(hasKey) AND (\(key.columnsSQL)) > (\(key.parts.map { _ in "?" }.joined(separator: ", "))) "
                + "ORDER BY \(order) LIMIT 500"
        exists =
            "SELECT 1 FROM \(name) WHERE "
            + (key.isSingleton ? "1" : key.parts.map { "\($0.name.quoted) IS ?" }.joined(separator: " AND "))
        orphan = Self.orphan(table, name)
        isPushed =
            if case .where(let condition) = table.push {
                "SELECT (\(condition)) FROM \(name) WHERE \(key.conditionSQL)"
            } else { nil }
    }

    private static func orphan(_ table: TableShape, _ name: String) -> String? {
        let missing = table.parents.map { parent in
            let isSet = parent.columns.map { "\(name).\($0.quoted) IS NOT NULL" }
            let isSame = zip(parent.columns, parent.keys).map { "rejoin_parent.\($1.quoted) = \(name).\($0.quoted)" }
            return "(\(isSet.joined(separator: " AND ")) AND NOT EXISTS "
                + "(SELECT 1 FROM main.\(parent.table.quoted) AS rejoin_parent WHERE \(isSame.joined(separator: " AND "))))"
        }
        guard !missing.isEmpty else { return nil }
        return
            "SELECT 1 FROM \(name) WHERE \(table.key.conditionSQL) AND (\(missing.joined(separator: " OR "))) LIMIT 1"
    }

    /// Finds a row of another table that would go, or change, with a row of this one.
    static func child(_ child: String, _ parent: TableShape.Parent, of table: TableShape) -> String {
        let isSame = zip(parent.columns, parent.keys).map { "rejoin_child.\($0.quoted) = rejoin_gone.\($1.quoted)" }
        let isOther =
            child == table.name && !table.key.isSingleton
            ? " AND ("
                + table.key.parts.map { "rejoin_child.\($0.name.quoted) IS NOT rejoin_gone.\($0.name.quoted)" }.joined(
                    separator: " OR ") + ")"
            : ""
        let condition =
            table.key.isSingleton
            ? "1" : table.key.parts.map { "rejoin_gone.\($0.name.quoted) = ?" }.joined(separator: " AND ")
        return "SELECT 1 FROM main.\(table.name.quoted) AS rejoin_gone, main.\(child.quoted) AS rejoin_child "
            + "WHERE \(condition) AND \(isSame.joined(separator: " AND "))\(isOther) LIMIT 1"
    }
}
