import Causality
import MergeCore
import PostgreSQLCluster
import StorageConformance
import SyncStorage
import Testing

@testable import PostgreSQLStorage

/// Row-level security: what a statement that forgot its condition would see.
@Suite("row-level security between tenants")
struct RowLevelSecurityTests {
    private static let tables = [
        "tenants", "records", "operations", "operation_groups", "batches", "devices", "audit_entries", "audit_sides",
        "conflicts",
        "one_time_codes", "access_ends",
    ]

    /// `insufficient_privilege`, for a missing right as for a policy.
    private static let insufficientPrivilege = "42501"

    /// Two tenants with rows in every table.
    private static func withTwoTenants(_ body: (TestDatabase) async throws -> Void) async throws {
        try await TestDatabase.with { test in
            let store = try await test.open()
            for tenant in ["acme", "globex"] {
                let committer = Committer(store, TenantID(tenant))
                let record = RecordKey("c", "r")
                let code = try #require(OneTimeCode(id: "code", expiresAtMilliseconds: 2))
                #expect(try await store.spend(TenantID(tenant), code, nowMilliseconds: 1))
                try await store.end(
                    TenantID(tenant), .session("s", expiresAtMilliseconds: 2), nowMilliseconds: 1)
                for device in ["d", "e"] {
                    try await committer.commit(
                        Batch(
                            "b", from: DeviceID(device),
                            [
                                Operation(
                                    .create, OperationID("o-\(device)"), on: record, clock: [DeviceID(device): 1],
                                    ["n": .string(ExactString(device))])
                            ]))
                }
            }
            await store.close()
            try await body(test)
        }
    }

    private static func counts(
        _ test: TestDatabase, user: String, settingTenant tenant: String?
    ) async throws -> [String: Int] {
        var counts: [String: Int] = [:]
        for table in tables {
            let set = tenant.map { "SET LOCAL rejoin.tenant = '\($0)';\n" } ?? ""
            let output = try await test.database.psql(
                "BEGIN;\n\(set)SELECT 'rows ' || count(*) FROM rejoin.\(table);\nROLLBACK;", user: user)
            let line = try #require(output.split(separator: "\n").first { $0.contains("rows ") })
            counts[table] = Int(line.drop { !$0.isNumber })
        }
        return counts
    }

    @Test("a query in a transaction that named no tenant sees nothing, and the same with one sees its rows only")
    func queries()
        async throws
    {
        try await Self.withTwoTenants { test in
            let all = try await Self.counts(test, user: PostgreSQLCluster.superuser, settingTenant: nil)
            for table in Self.tables { #expect(all[table] ?? 0 >= 2, "\(table) has rows of both tenants") }
            let none = try await Self.counts(test, user: PostgreSQLCluster.serverRole, settingTenant: nil)
            #expect(none == Dictionary(uniqueKeysWithValues: Self.tables.map { ($0, 0) }))
            let own = try await Self.counts(test, user: PostgreSQLCluster.serverRole, settingTenant: "acme")
            for table in Self.tables { #expect((own[table] ?? 0) * 2 == all[table], "\(table)") }
        }
    }

    @Test("the owner's role is behind it too, but for the names of tenants")
    func owner() async throws {
        try await Self.withTwoTenants { test in
            let seen = try await Self.counts(test, user: PostgreSQLCluster.ownerRole, settingTenant: nil)
            for table in Self.tables where table != "tenants" { #expect(seen[table] == 0, "\(table)") }
        }
    }

    @Test("a row of another tenant cannot be written")
    func foreignRow() async throws {
        try await Self.withTwoTenants { test in
            let refused = await #expect(throws: PostgreSQLClusterError.self) {
                try await test.database.psql(
                    """
                    BEGIN; SET LOCAL rejoin.tenant = 'acme';
                    INSERT INTO rejoin.batches VALUES ('globex', 'd', 'forged', '', '{}', 0); COMMIT;
                    """, user: PostgreSQLCluster.serverRole)
            }
            #expect(refused?.sqlState == Self.insufficientPrivilege)
            #expect(refused?.description.contains("violates row-level security policy") == true)
            let forged = try await test.database.psql("SELECT count(*) FROM rejoin.batches WHERE key = 'forged'")
            #expect(forged.contains("0"))
        }
    }

    @Test(
        "the server's role may not",
        arguments: [
            "UPDATE rejoin.audit_entries SET detail = '{}'", "DELETE FROM rejoin.audit_entries",
            "UPDATE rejoin.audit_sides SET value = '1'", "DELETE FROM rejoin.audit_sides",
            "UPDATE rejoin.batches SET results = ''", "DELETE FROM rejoin.operations", "DELETE FROM rejoin.tenants",
            "UPDATE rejoin.one_time_codes SET code = 'x'", "TRUNCATE rejoin.audit_entries",
            "ALTER TABLE rejoin.records DISABLE ROW LEVEL SECURITY",
            "UPDATE rejoin.store SET lineage = 'x'", "UPDATE rejoin.store SET cursor_key = 'x'",
            "UPDATE rejoin.store SET redaction_key = 'x'", "DELETE FROM rejoin.store",
            "SELECT rejoin.grant_to_server('rejoin_server')",
        ])
    func serverRole(_ statement: String) async throws {
        try await Self.withTwoTenants { test in
            let refused = await #expect(throws: PostgreSQLClusterError.self) {
                try await test.database.psql(
                    "SELECT set_config('rejoin.tenant', 'acme', false); \(statement);",
                    user: PostgreSQLCluster.serverRole)
            }
            #expect(refused?.sqlState == Self.insufficientPrivilege, "\(String(describing: refused))")
        }
    }

    @Test("every table with a tenant is behind it, and every key and index begins with the tenant")
    func everyTable() async throws {
        try await TestDatabase.with { test in
            let open = try await test.database.psql(
                """
                SELECT 'open ' || c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                WHERE c.relnamespace = 'rejoin'::regnamespace AND c.relkind = 'r' AND a.attname = 'tenant'
                    AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
                        SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polcmd = '*'));
                SELECT 'index ' || i.indexrelid::regclass FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
                WHERE c.relnamespace = 'rejoin'::regnamespace AND c.relname NOT IN ('store', 'schema_versions', 'lives')
                    -- A user's tenants are looked for before one is known.
                    AND i.indexrelid <> 'rejoin.members_by_user'::regclass
                    AND (SELECT attname FROM pg_attribute WHERE attrelid = c.oid AND attnum = i.indkey[0]) <> 'tenant';
                """)
            #expect(!open.contains("open ") && !open.contains("index "), "\(open)")
        }
    }
}
