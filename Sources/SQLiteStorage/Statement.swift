/// One statement of the SQLite engine. Its text is fixed, and values come in only through parameters.
struct Statement: Sendable, Hashable {
    /// The name under which fault injection, tests and errors know it.
    let name: String
    let sql: String

    /// The text is a `StaticString`, so that nothing from outside can become part of it.
    init(_ name: String, _ sql: StaticString) {
        self.name = name
        self.sql = sql.description
    }

    /// Takes several fixed texts, one below the other, for statements that share some.
    init(_ name: String, _ first: StaticString, _ others: StaticString...) {
        self.name = name
        sql = ([first] + others).map(\.description).joined(separator: "\n")
    }

    /// Counts the rows that a statement gives, instead of giving them.
    init(counting statement: Statement) {
        name = "count, to " + statement.name
        sql = "SELECT count(*) FROM (\n" + statement.sql + "\n) counted"
    }
}
