import Foundation
import LoadDriver
import PostgreSQLCluster

/// Fills tables with rows that a server wrote once, copied with other ids and sequence numbers.
struct RecordFilling {
    let context: Context
    let instance: PostgreSQLInstance

    private static let seed = 900_002
    private static let seedRecords = 400

    /// Has a server write the rows to be copied.
    func seed() throws {
        let server = try Server(context.server, data: context.data, database: instance.database.serverConninfo)
        defer { server.stop() }
        let endpoint = Endpoint(
            port: server.port, token: try context.tokens.token("\(Self.seed)", Bench.device(0)))
        var creates = Batches.Shape(
            .create, device: Bench.device(0), firstRecord: Bench.firstRecord(client: 0),
            firstNumber: Bench.firstNumber(client: 0), at: context.at)
        creates.operations = Self.seedRecords
        creates.windows = 1
        creates.identifiers = .scattered
        try Client(endpoint, Batches(endpoint, creates)).step()
    }

    /// Makes a tenant with so many records, each created by one operation of the first device.
    func fill(_ tenant: Int, records: Int) async throws {
        let record = Identifiers.sql(.record, ":firstRecord + g")
        let copied = ["records": ["id", "sequence"], "operations": ["id", "ordinal", "record"]]
        for (table, own) in copied {
            let values =
                table == "records"
                ? "\(record), g + 1" : "\(Identifiers.sql(.operation, ":firstNumber + g")), g + 1, \(record)"
            try await instance.cluster.psql(
                """
                SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS columns FROM pg_attribute
                WHERE attrelid = 'rejoin.\(table)'::regclass AND attnum > 0 AND NOT attisdropped
                    AND attname NOT IN ('tenant', \(own.map { "'\($0)'" }.joined(separator: ", "))) \\gset
                INSERT INTO rejoin.\(table) (tenant, \(own.joined(separator: ", ")), :columns)
                SELECT :'tenant', \(values), :columns FROM generate_series(0, :records - 1) AS g JOIN (
                    SELECT *, row_number() OVER () - 1 AS place FROM rejoin.\(table) WHERE tenant = :'seed') AS seed
                    ON seed.place = g % :seedRecords
                """, database: instance.database.name, variables: variables(tenant, records), limit: .seconds(900))
        }
        try await instance.cluster.psql(
            """
            INSERT INTO rejoin.tenants SELECT (jsonb_populate_record(t, jsonb_build_object(
                'tenant', :'tenant', 'sequence', :records, 'operation_ordinal', :records))).*
            FROM rejoin.tenants AS t WHERE tenant = :'seed';
            INSERT INTO rejoin.devices SELECT (jsonb_populate_record(d, jsonb_build_object('tenant', :'tenant'))).*
            FROM rejoin.devices AS d WHERE tenant = :'seed';
            """, database: instance.database.name, variables: variables(tenant, records))
    }

    /// What autovacuum would have done by and by.
    func finish() async throws {
        try await instance.cluster.psql(
            "VACUUM (ANALYZE); CHECKPOINT;".replacing("; ", with: ";\n"), database: instance.database.name,
            limit: .seconds(900))
    }

    private func variables(_ tenant: Int, _ records: Int) -> [String: String] {
        [
            "tenant": "\(tenant)", "seed": "\(Self.seed)", "records": "\(records)",
            "seedRecords": "\(Self.seedRecords)",
            "firstRecord": "\(Bench.firstRecord(client: 0))",
            // Below those of the measured batches.
            "firstNumber": "\(Bench.firstNumber(client: 0) - 50_000_000)",
        ]
    }
}
