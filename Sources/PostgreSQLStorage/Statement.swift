/// Whether the tables of a database are on one node, or may be distributed over several by Citus.
enum Topology: Sendable {
    case oneNode, citus
}

/// One statement of the PostgreSQL engine. Its text is fixed, and values come in only through parameters.
struct Statement: Sendable, Hashable {
    /// The name under which fault injection, tests and errors know it, and under which each session prepares it.
    let name: String
    let sql: String
    /// The text on Citus, where it needs another one.
    private let sqlOnCitus: String?

    /// The text is a `StaticString`, so that nothing from outside can become part of it.
    init(_ name: String, _ sql: StaticString) {
        self.name = name
        self.sql = sql.description
        sqlOnCitus = nil
    }

    /// Takes several fixed texts, one below the other, for statements that share some.
    init(_ name: String, _ first: StaticString, _ others: StaticString...) {
        self.name = name
        sql = ([first] + others).map(\.description).joined(separator: "\n")
        sqlOnCitus = nil
    }

    /// Inserts many rows of a tenant, one array a column.
    ///
    /// Citus would gather rows that come from arrays alone on the coordinator and copy them, which row-level security
    /// forbids. Joined to the tenant's row they go to its node. Elsewhere this would look for that row each time for nothing
    /// (8 µs). The row is there: every transaction that writes has made or locked it before.
    /// - Parameters:
    ///   - target: where the rows go: `INSERT INTO table (tenant, …)`.
    ///   - rows: where they come from: `unnest(…)`, without the tenant.
    ///   - others: what follows.
    init(_ name: String, insert target: StaticString, rows: StaticString, _ others: StaticString...) {
        let end = others.map { "\n\($0)" }.joined()
        self.name = name
        sql = "\(target)\nSELECT $1::text, * FROM \(rows)\(end)"
        sqlOnCitus = "\(target)\nSELECT t.tenant, r.* FROM tenants t, \(rows) r\nWHERE t.tenant = $1::text\(end)"
    }

    /// Counts the rows that a statement gives, instead of giving them.
    init(counting statement: Statement) {
        name = "count, to " + statement.name
        sql = "SELECT count(*) FROM (\n" + statement.sql + "\n) counted"
        sqlOnCitus = nil
    }

    func sql(on topology: Topology) -> String {
        switch topology {
        case .oneNode: sql
        case .citus: sqlOnCitus ?? sql
        }
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
