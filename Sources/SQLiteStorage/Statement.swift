/// One statement of the SQLite engine: fixed text, values only through parameters.
struct Statement: Sendable, Hashable {
    /// What fault injection, tests and errors call it.
    let name: String
    let sql: String

    /// The text is a `StaticString`, so that nothing from outside can become part of it.
    init(_ name: String, _ sql: StaticString) {
        self.name = name
        self.sql = sql.description
    }

    /// Several fixed texts, one below the other, where statements share some.
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
