import Causality
import MergeCore
import PostgreSQLCluster
import StorageConformance
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

    /// Operations as schemas 1 to 5 kept them: one, one that could not be read, and one under the first's id.
    private static let operations = #"""
        INSERT INTO operations (tenant, id, device, ordinal, "user", batch, collection, record, counter, clock,
            fingerprint, outcome, result, content, stamp, recorded_at)
        VALUES ('acme', 'o', 'ipad', 1, 'ada', 'k', 'jobs', 'r', 1, '{"ipad":1}', repeat('e', 64), 'applied',
                '{"outcome":"applied","relation":"newer","sequence":3}', '{"fields":{},"kind":"create"}', 5, 6),
            ('acme', '0199b7f0-7d4e-7000-9000-000000000001', 'ipad', 2, 'ada', 'k', NULL, NULL, NULL, '{}', '',
                'rejected', '{"outcome":"rejected"}', '{"kind":"none"}', NULL, 6),
            ('acme', 'o', 'phone', 3, 'bob', 'l', 'jobs', 'r', 1, '{"ipad":1,"phone":1}', repeat('d', 64), 'applied',
                '{"outcome":"applied","relation":"newer","sequence":4}', '{"fields":{},"kind":"update"}', 7, 8);
        """#

    private static let first = OperationRow(
        id: "o", device: "ipad", ordinal: 1, user: "ada", batch: "k", record: RecordKey("jobs", "r"), counter: 1,
        clock: #"{"ipad":1}"#, fingerprint: Digest(hex: String(repeating: "e", count: 64)), outcome: .applied,
        result: #"{"outcome":"applied","relation":"newer","sequence":3}"#, content: #"{"fields":{},"kind":"create"}"#,
        stampMilliseconds: 5, recordedAtMilliseconds: 6)

    @Test(
        "ends in the catalogue of a new one, its data and its server's rights stay", arguments: 1..<Migration.supported)
    func migrated(_ version: Int) async throws {
        let database = try await PostgreSQLCluster.shared().makeDatabase()
        // From schema 6 on, rows were moved by the server.
        let steps = Migration.all.prefix(min(version, 5)).map { migration in
            "\(migration.sql)\nINSERT INTO rejoin.schema_versions (version) VALUES (\(migration.version));"
        }
        try await database.psql(
            """
            \(Statements.createSchema.sql); \(Statements.createVersions.sql); SET search_path = rejoin;
            \(steps.joined(separator: "\n"))
            INSERT INTO store VALUES (true, 'of old', '\\x01', '\\x02');
            SELECT grant_to_server('\(PostgreSQLCluster.serverRole)') \\g /dev/null
            BEGIN; SET LOCAL rejoin.tenant = 'acme';
            INSERT INTO tenants (tenant, sequence, operation_ordinal, audit_position, audit_hash, audit_recorded_at,
                purge_floor) VALUES ('acme', 7, 0, 0, '', 0, 3);
            INSERT INTO batches VALUES ('acme', 'ipad', 'k', repeat('f', 64),
                '\(version < 4 ? Self.oldAnswer : #"["o"]"#)', 1);
            \(Self.operations)
            COMMIT;
            """, user: PostgreSQLCluster.ownerRole)
        if version > 5 {
            try await PostgreSQLStore.onOneSession(Conninfo(database.ownerConninfo), .init()) {
                (session: Session) throws(StoreError) in try session.migrate(to: version)
            }
        }
        let change = try await PostgreSQLStore.migrate(
            Conninfo(database.ownerConninfo), grantingTo: PostgreSQLCluster.serverRole)
        #expect(change.from == version && change.to == Migration.supported)

        let store = try await PostgreSQLStore.open(Conninfo(database.serverConninfo))
        #expect(store.identity.lineage == "of old")
        #expect(try await store.head(of: "acme") == TenantHead(sequence: 7, purgeFloor: 3))
        let recall = try await store.recall("acme", BatchKey(device: "ipad", key: "k"), recordBytes: .max)
        #expect(recall?.outcomes.map(\.result.sequence) == [3])
        #expect(recall?.batch.fingerprint.hex == String(repeating: "f", count: 64))
        #expect(try await store.operations("acme", id: "o").map(\.device) == ["ipad", "phone"])
        let history = try await store.operations("acme", OperationQuery(.record(RecordKey("jobs", "r")), limit: 10))
        #expect(history.map(\.ordinal) == [3, 1])
        #expect(history.last == Self.first)
        let rejected = try await store.operations("acme", OperationQuery(.rejected("ipad"), limit: 10))
        #expect(rejected.map(\.content) == [#"{"kind":"none"}"#])
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
