import Foundation
import PostgreSQLCluster

/// A server whose statements PostgreSQL logs. Not for measuring.
final class LoggedServer {
    let server: Server
    private let instance: PostgreSQLInstance

    init(_ context: Context, _ instance: PostgreSQLInstance) async throws {
        self.instance = instance
        try await instance.database.psql(
            "ALTER ROLE :\"role\" SET log_statement = 'all'", variables: ["role": PostgreSQLCluster.serverRole])
        server = try Server(context.server, data: context.data, database: instance.database.serverConninfo)
    }

    /// The transaction in which a statement with a certain text is sent meanwhile, from BEGIN to COMMIT.
    func transaction(with text: String, during body: () throws -> Void) throws -> [CapturedStatement] {
        let before = try log().count
        try body()
        let sent = try StatementLog.statements(in: String(decoding: log().dropFirst(before), as: UTF8.self))
        // Beside it, the server keeps its house on other connections.
        guard let found = sent.firstIndex(where: { $0.statement.sql.contains(text) }) else {
            throw BenchError("nothing with '\(text)' is in PostgreSQL's log")
        }
        let process = sent[found].process
        let earlier = sent[..<found].filter { $0.process == process }.map(\.statement)
        let later = sent[found...].filter { $0.process == process }.map(\.statement)
        guard let begin = earlier.lastIndex(where: { $0.sql.hasPrefix("BEGIN") }),
            let end = later.firstIndex(where: { $0.sql.hasPrefix("COMMIT") })
        else { throw BenchError("no whole transaction is in PostgreSQL's log") }
        return Array(earlier[begin...] + later[...end])
    }

    /// Ends it. - Returns: for `PGOPTIONS`, what it set in each of its sessions.
    func finish() async throws -> String {
        server.stop()
        try await instance.database.psql(
            "ALTER ROLE :\"role\" RESET log_statement", variables: ["role": PostgreSQLCluster.serverRole])
        let sent = try StatementLog.statements(in: String(decoding: log(), as: UTF8.self))
        guard let configure = sent.map(\.statement).first(where: { $0.sql.contains("plan_cache_mode") }) else {
            throw BenchError("the server does not configure its sessions any more")
        }
        // Does the same, and asks what has changed by it.
        let values = configure.parameters.map { $0.map { "'\($0.replacing("'", with: "''"))'" } ?? "NULL" }
        let changed = try await instance.database.psql(
            """
            PREPARE configure AS \(configure.sql);
            EXECUTE configure(\(values.joined(separator: ", ")));
            SELECT name || '=' || setting FROM pg_settings WHERE source = 'session' ORDER BY name;
            """, user: PostgreSQLCluster.serverRole)
        // psql sets some of its own.
        let own = ["application_name", "client_encoding"]
        return changed.split(separator: "\n")
            .filter { line in line.firstMatch(of: /^[a-z_.]+=[^|]*$/) != nil && !own.contains { line.hasPrefix($0) } }
            .map { "-c \($0.replacing(" ", with: "\\ "))" }
            .joined(separator: " ")
    }

    private func log() throws -> Data { try Data(contentsOf: URL(filePath: instance.cluster.logFile)) }
}
