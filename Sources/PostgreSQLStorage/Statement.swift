/// One statement of the PostgreSQL engine. Its text is fixed, and values come in only through parameters.
struct Statement: Sendable, Hashable {
    /// The name under which fault injection, tests and errors know it, and under which each session prepares it.
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

    static func == (left: Statement, right: Statement) -> Bool { left.name == right.name }

    func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

/// A statement with its values, ready to be sent.
struct Request {
    let statement: Statement
    let parameters: Parameters

    init(_ statement: Statement, _ bind: (inout Parameters) -> Void = { _ in }) {
        var parameters = Parameters()
        bind(&parameters)
        self.statement = statement
        self.parameters = parameters
    }
}
