extension PostgreSQLCluster {
    /// Runs SQL through psql, which reads it from its standard input: nothing needs quoting.
    /// - Parameters:
    ///   - sql: statements, each in a transaction of its own unless they say otherwise, and psql's own commands.
    ///   - variables: for `:'name'` (a literal) and `:"name"` (an identifier) in it.
    ///   - limit: how long it may take; a paused server never answers.
    /// - Returns: the rows, a line each, with `|` between the columns.
    /// - Throws: `refused`, with the SQLSTATE, at the first statement that fails.
    @discardableResult
    public func psql(
        _ sql: String, database: String = "postgres", user: String = superuser, variables: [String: String] = [:],
        limit: Duration = patience
    ) async throws(PostgreSQLClusterError) -> String {
        let conninfo = conninfo(database: database, user: user)
        return try await psql(sql, conninfo: conninfo, variables: variables, limit: limit)
    }

    /// Runs SQL through psql over any connection: over TLS, say, or to the first of several hosts that takes it.
    @discardableResult
    public func psql(
        _ sql: String, conninfo: String, variables: [String: String] = [:], limit: Duration = patience
    ) async throws(PostgreSQLClusterError) -> String {
        try await offPool { () throws(PostgreSQLClusterError) in
            try self.runPSQL(sql, conninfo, variables: variables, limit: limit)
        }
    }

    /// Runs psql. The caller is on a thread that may block.
    func runPSQL(
        _ sql: String, _ conninfo: String, variables: [String: String] = [:], limit: Duration = patience
    ) throws(PostgreSQLClusterError) -> String {
        let settings = ["ON_ERROR_STOP=1", "VERBOSITY=verbose"] + variables.map { "\($0.key)=\($0.value)" }
        let arguments = ["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--no-password", "--file=-"]
        do throws(PostgreSQLClusterError) {
            let output = try Subprocess.run(
                [installation.program("psql")] + arguments + settings.map { "--set=\($0)" } + ["--dbname=\(conninfo)"],
                input: Array(sql.utf8), limit: limit)
            return output.hasSuffix("\n") ? String(output.dropLast()) : output
        } catch {
            guard case .failed(_, _, let errors) = error else { throw error }
            throw .refused(sql: sql, errors: errors)
        }
    }
}
