import Causality
import PostgreSQLCluster
import SyncStorage
import Testing

@testable import PostgreSQLStorage

@Suite("a database of PostgreSQL with an earlier schema")
struct MigrationTests {
    /// All that the schema consists of, who may do what with it included.
    private static let catalogue = """
        SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' '
            || coalesce(column_default, '') || ' ' || coalesce(collation_name, '')
        FROM information_schema.columns WHERE table_schema = 'rejoin' UNION ALL
        SELECT indexdef FROM pg_indexes WHERE schemaname = 'rejoin' UNION ALL
        SELECT 'policy ' || p::text FROM pg_policies p WHERE schemaname = 'rejoin' UNION ALL
        SELECT 'constraint ' || conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'rejoin'::regnamespace UNION ALL
        SELECT pg_get_functiondef(oid) || coalesce(proacl::text, '') FROM pg_proc
        WHERE pronamespace = 'rejoin'::regnamespace UNION ALL
        SELECT 'table ' || relname || ' ' || coalesce(relacl::text, '') || ' ' || relrowsecurity || relforcerowsecurity
            || ' ' || coalesce(reloptions::text, '')
        FROM pg_class WHERE relnamespace = 'rejoin'::regnamespace AND relkind = 'r'
        ORDER BY 1
        """

    /// The answer to a batch, as schemas 1 to 3 kept it.
    private static let oldAnswer = #"""
        {"batch":"k","serverTime":"2026-11-20T22:00:00.041Z","cursor":"A","results":[{"id":"o","outcome":"applied",\#
        "relation":"newer","sequence":3,"conflicts":[],"replayed":false}]}
        """#

    @Test(
        "ends in the catalogue of a new one, its data and its server's rights stay", arguments: 1..<Migration.supported)
    func migrated(_ version: Int) async throws {
        let database = try await PostgreSQLCluster.shared().makeDatabase()
        let steps = Migration.all.prefix(version).map { migration in
            "\(migration.sql)\nINSERT INTO rejoin.schema_versions (version) VALUES (\(migration.version));"
        }
        try await database.psql(
            """
            \(Statements.createSchema.sql); \(Statements.createVersions.sql); SET search_path = rejoin;
            \(steps.joined(separator: "\n"))
            INSERT INTO store VALUES (true, 'of old', '\\x01', '\\x02');
            SELECT grant_to_server('\(PostgreSQLCluster.serverRole)') \\g /dev/null
            BEGIN; SELECT set_config('rejoin.tenant', 'acme', true) \\g /dev/null
            INSERT INTO tenants (tenant, sequence, operation_ordinal, audit_position, audit_hash, audit_recorded_at,
                purge_floor) VALUES ('acme', 7, 0, 0, '', 0, 3);
            INSERT INTO batches VALUES ('acme', 'ipad', 'k', repeat('f', 64), '\(version < 4 ? Self.oldAnswer : "[]")', 1);
            COMMIT;
            """, user: PostgreSQLCluster.ownerRole)
        let versions = try await PostgreSQLStore.migrate(
            Conninfo(database.ownerConninfo), grantingTo: PostgreSQLCluster.serverRole)
        #expect(versions == (version, Migration.supported))

        let store = try await PostgreSQLStore.open(Conninfo(database.serverConninfo))
        #expect(store.identity.lineage == "of old")
        #expect(try await store.head(of: "acme") == TenantHead(sequence: 7, purgeFloor: 3))
        let recall = try await store.recall("acme", BatchKey(device: "ipad", key: "k"), recordBytes: .max)
        #expect(recall?.outcomes.map(\.result.sequence) == (version < 4 ? [3] : []))
        let code = try #require(OneTimeCode(id: "code", expiresAtMilliseconds: 2))
        #expect(try await store.spend("acme", code, nowMilliseconds: 1))
        await store.close()

        try await TestDatabase.with { fresh in
            let found = try await database.psql(Self.catalogue)
            #expect(found.split(separator: "\n").count > 120)
            #expect(try await found == fresh.database.psql(Self.catalogue))
        }
        try await database.drop()
    }
}
