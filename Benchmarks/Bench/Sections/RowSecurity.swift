import LoadDriver

/// Row (f): what PostgreSQL's row-level security costs: pgbench with it, beside the same without.
struct RowSecurity {
    private static let tenants = 1_000_000
    private static let clients = 4

    static func run(_ context: Context) async throws {
        context.note("starting PostgreSQL for row security")
        let instance = try await PostgreSQLInstance(context)
        let capture = try await CommitCapture(context, instance)
        let server = try Server(context.server, data: context.data, database: instance.database.serverConninfo)
        try Fleet.makeRecords(context, server, .apart(first: tenants), clients: clients)
        server.stop()
        let script = try CommitScript(capture.statements, of: capture.sample, tenants: .apart(first: tenants))
        let file = "\(context.directory)/floor-security.sql"
        try script.text.write(toFile: file, atomically: true, encoding: .utf8)
        let pgbench = instance.pgbench(sessionOptions: capture.sessionOptions)
        var n = 0
        func run(_ walls: String) async throws -> LoadResult {
            for table in ["tenants", "records", "operations", "batches", "devices"] {
                try await instance.database.psql("ALTER TABLE rejoin.\(table) \(walls) ROW LEVEL SECURITY")
            }
            var variables = script.variables
            variables["n"] = "\(n)"
            n += 1_000_000
            return try pgbench.run(file, clients: clients, for: context.plan.run, variables: variables)
        }
        let turns = Turns(context: context, meter: CPUMeter(postmaster: instance.postmaster))
        let comparison = try await turns.compare(serverDriver: .children, reset: instance.reset) { _ in
            try await run("DISABLE")
        } server: { _ in
            try await run("ENABLE")
        }
        context.report.add(
            "(f) PostgreSQL: pgbench with row security, floor: without", "\(clients) clients", comparison,
            operations: Sample.operations)
        try await instance.cluster.remove()
    }
}
