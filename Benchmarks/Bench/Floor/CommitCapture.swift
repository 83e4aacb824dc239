import Foundation
import LoadDriver
import PostgreSQLCluster

/// Has a server make one commit and takes its statements from PostgreSQL's log.
///
/// So the floor cannot drift from the engine: it is made anew, from what the engine sends, in every run.
struct CommitCapture {
    let sample: Sample
    let statements: [CapturedStatement]
    /// For `PGOPTIONS`: what the server sets in each of its sessions.
    let sessionOptions: String

    private static let tenant = "900000"

    init(_ context: Context, _ ground: PostgreSQLGround) async throws {
        let database = ground.database
        try await database.psql(
            "ALTER ROLE :\"role\" SET log_statement = 'all'", variables: ["role": PostgreSQLCluster.serverRole])
        let server = try Server(context.server, data: context.data, database: database.serverConninfo)
        defer { server.stop() }
        let endpoint = Endpoint(port: server.port, token: try context.tokens.token(Self.tenant, Bench.device(0)))
        let firstRecord = Bench.firstRecord(client: 0)
        func shape(_ kind: Batches.Kind, firstNumber: Int, counter: Int) -> Batches.Shape {
            var shape = Batches.Shape(
                kind, device: Bench.device(0), firstRecord: firstRecord, firstNumber: firstNumber, at: context.at)
            shape.operations = Sample.operations
            shape.windows = 1
            shape.counter = counter
            return shape
        }
        try Client(endpoint, Batches(endpoint, shape(.create, firstNumber: 700_000_000_000, counter: 0))).step()
        // A counter that no flag and no count of the other columns is.
        let updates = try Client(endpoint, Batches(endpoint, shape(.update, firstNumber: 710_000_000_000, counter: 1)))
        for _ in 2...6 { try updates.step() }
        let (sequence, ordinal) = (5_000_000_000, 6_000_000_000)
        try await database.psql(
            "UPDATE rejoin.tenants SET sequence = :sequence, operation_ordinal = :ordinal WHERE tenant = :'tenant'",
            variables: ["sequence": "\(sequence)", "ordinal": "\(ordinal)", "tenant": Self.tenant])
        let before = try Data(contentsOf: URL(filePath: ground.cluster.logFile))
        try Client(endpoint, Batches(endpoint, shape(.update, firstNumber: 720_000_000_000, counter: 6))).step()
        let log = try Data(contentsOf: URL(filePath: ground.cluster.logFile))
        try await database.psql(
            "ALTER ROLE :\"role\" RESET log_statement", variables: ["role": PostgreSQLCluster.serverRole])

        let sent = try StatementLog.statements(in: String(decoding: log.dropFirst(before.count), as: UTF8.self))
        // Beside the commit, the server keeps its house.
        guard let writer = sent.first(where: { $0.statement.sql.contains("INSERT INTO batches") })?.process else {
            throw BenchError("no commit is in PostgreSQL's log")
        }
        let statementsOfWriter = sent.filter { $0.process == writer }.map(\.statement)
        guard let begin = statementsOfWriter.firstIndex(where: { $0.sql.hasPrefix("BEGIN") }),
            let end = statementsOfWriter.firstIndex(where: { $0.sql.hasPrefix("COMMIT") }), begin < end
        else { throw BenchError("no whole transaction is in PostgreSQL's log") }
        statements = Array(statementsOfWriter[begin...end])
        sample = Sample(
            tenant: Self.tenant, device: Bench.device(0), firstRecord: firstRecord, firstOperation: 720_000_000_000,
            batch: 720_000_000_000, sequence: sequence, ordinal: ordinal, counter: 7)
        let early = try StatementLog.statements(in: String(decoding: before, as: UTF8.self))
        sessionOptions = try await Self.options(early.map(\.statement), database)
    }

    /// Runs what the server configures its sessions with, and asks what has changed by it.
    private static func options(
        _ statements: [CapturedStatement], _ database: PostgreSQLCluster.Database
    ) async throws -> String {
        guard let configure = statements.first(where: { $0.sql.contains("plan_cache_mode") }) else {
            throw BenchError("the server does not configure its sessions any more")
        }
        let values = configure.parameters.map { $0.map { "'\($0.replacing("'", with: "''"))'" } ?? "NULL" }
        let changed = try await database.psql(
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
}
