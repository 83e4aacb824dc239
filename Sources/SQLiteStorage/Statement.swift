/// One statement of the engine: fixed text, values only through parameters.
struct Statement: Sendable, Hashable {
    /// What fault injection, tests and errors call it.
    let name: String
    let sql: String

    /// The text is a `StaticString`, so that nothing from outside can become part of it.
    init(_ name: String, _ sql: StaticString) {
        self.name = name
        self.sql = sql.description
    }

    /// Two fixed texts, where several statements share one.
    init(_ name: String, _ sql: StaticString, _ rest: StaticString) {
        self.name = name
        self.sql = sql.description + "\n" + rest.description
    }
}
