import Foundation
import LoadDriver
import PostgreSQLCluster

/// A PostgreSQL of its own, set as in production, with the schema.
struct PostgreSQLInstance {
    /// What differs from PostgreSQL's defaults, or from what is good for tests: every commit reaches the disk.
    static let settings = [
        "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "shared_buffers": "512MB",
        "max_wal_size": "4GB",
    ]

    let cluster: PostgreSQLCluster
    let database: PostgreSQLCluster.Database
    /// Its first process.
    let postmaster: pid_t

    /// - Parameter settings: over those of every instance.
    init(_ context: Context, settings: [String: String] = [:]) async throws {
        cluster = try await PostgreSQLCluster(
            .init(settings: Self.settings.merging(settings) { $1 }, place: .within(context.directory)))
        let lines = try String(contentsOfFile: "\(cluster.dataDirectory)/postmaster.pid", encoding: .utf8)
        guard let postmaster = lines.split(separator: "\n").first.flatMap({ pid_t($0) }) else {
            throw BenchError("PostgreSQL's process is not known")
        }
        self.postmaster = postmaster
        database = try await Self.makeDatabase(cluster, "bench", program: context.server, data: context.data)
    }

    /// Makes another database with the schema.
    /// - Parameters:
    ///   - program: the build of `rejoin` whose schema it is.
    ///   - data: a data directory.
    func makeDatabase(_ name: String, program: String, data: String) async throws -> PostgreSQLCluster.Database {
        try await Self.makeDatabase(cluster, name, program: program, data: data)
    }

    private static func makeDatabase(
        _ cluster: PostgreSQLCluster, _ name: String, program: String, data: String
    ) async throws -> PostgreSQLCluster.Database {
        let database = try await cluster.makeDatabase(name)
        try Program.run(
            program,
            [
                "migrate", "--data", data, "--database", database.ownerConninfo, "--grant-to",
                PostgreSQLCluster.serverRole,
            ])
        return database
    }

    func pgbench(sessionOptions: String) -> PGBench {
        PGBench(
            program: "\(cluster.programs)/pgbench", conninfo: database.serverConninfo, sessionOptions: sessionOptions)
    }

    /// Forgets what devices sent, and puts the tables in order.
    func reset() async throws {
        try await cluster.psql(
            """
            TRUNCATE rejoin.operations, rejoin.operation_groups, rejoin.batches;
            VACUUM rejoin.records;
            VACUUM rejoin.tenants;
            CHECKPOINT;
            """, database: database.name, limit: .seconds(300))
    }

    /// Copies tenants: their rows of `tenants`, `devices` and `records`.
    /// - Parameter offset: added to the tenants' names, which are numbers.
    func copyTenants(_ range: ClosedRange<Int>, by offset: Int) async throws {
        for table in ["tenants", "devices", "records"] {
            try await database.psql(
                """
                SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS columns FROM pg_attribute
                WHERE attrelid = :'table'::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'tenant' \\gset
                INSERT INTO :table (tenant, :columns)
                SELECT (tenant::bigint + :offset)::text, :columns FROM :table
                WHERE tenant ~ '^[0-9]+$' AND tenant::bigint BETWEEN :first AND :last
                """,
                variables: [
                    "table": "rejoin.\(table)", "offset": "\(offset)", "first": "\(range.lowerBound)",
                    "last": "\(range.upperBound)",
                ])
        }
    }
}
