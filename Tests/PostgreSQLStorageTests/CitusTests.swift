import Causality
import MergeCore
import PostgreSQLCluster
import StorageConformance
import SyncStorage
import Synchronization
import Testing

@testable import PostgreSQLStorage

@Suite("a database in which Citus is")
struct CitusTests {
    @Test("keeps the laws of storage, with the statements that are meant for it", arguments: StorageLaw.all)
    func laws(_ law: StorageLaw) async throws {
        let databases = Mutex<[String: TestDatabase]>([:])
        let factory = StoreFactory(
            make: { probe in
                let test = try await CitusStandIn.copy()
                let store = try await test.open(probe: probe)
                databases.withLock { $0[store.location] = test }
                return store
            },
            reopen: { store in
                let location = try #require(store as? PostgreSQLStore).location
                await store.close()
                return try await #require(databases.withLock { $0[location] }).open()
            })
        await #expect(throws: Never.self) { try await law.check(factory) }
        for test in databases.withLock({ Array($0.values) }) { try await test.database.drop() }
    }

    /// What a session has set, as it is in a transaction of a tenant.
    private static func settings(_ test: TestDatabase, _ names: String) async throws -> String? {
        let store = try await test.open()
        let statement = Statement(
            "settings", "SELECT string_agg(current_setting(name), ' ') FROM unnest($1::text[]) AS name")
        let settings = try await store.threads.run(probe: nil) { (session: Session) throws(StoreError) in
            let begin = session.begin(Statements.begin, naming: "acme's \\ \"own\"")
            let results = try session.exchange(
                begin + [
                    Request(statement) { $0.texts(names.split(separator: " ")) { String($0) } },
                    Request(Statements.commit),
                ])
            return try results[begin.count].first { (row: Columns) throws(StoreError) in try row.text(0) }
        }
        await store.close()
        return settings
    }

    @Test("lets the database choose plans, and names the tenant in any spelling")
    func planning() async throws {
        let distributed = try await CitusStandIn.copyDistributed()
        #expect(
            try await Self.settings(
                distributed, "plan_cache_mode citus.propagate_set_commands rejoin.tenant lock_timeout")
                == "auto local acme's \\ \"own\" 10s")
        try await distributed.database.drop()
        let plain = try await TestDatabase.with { test in
            try await Self.settings(test, "plan_cache_mode rejoin.tenant lock_timeout")
        }
        #expect(plain == "force_generic_plan acme's \\ \"own\" 10s")
    }

    private static func names(in statement: Statement) -> Set<String> {
        Set(statement.sql.matches(of: #/(?:set_config\(|ARRAY\[|, ?|\n *)'([a-z_.]+)'/#).map { String($0.1) })
    }

    @Test("sets all that a session has set anew in each transaction, which goes to its node")
    func everySetting() {
        // What only the coordinator needs to know.
        let ofCoordinator: Set = ["search_path", "plan_cache_mode", "citus.propagate_set_commands"]
        let ofSession = Self.names(in: Statements.configure).subtracting([
            "off", "on", "auto", "local", "citus", "rejoin",
        ])
        #expect(ofSession.subtracting(ofCoordinator) == Self.names(in: Statements.setOnNodes))
        #expect(ofSession.isSuperset(of: ofCoordinator))
    }

    @Test("has its tables distributed by one script, after which the migration has nothing to say")
    func distribution() async throws {
        let test = try await CitusStandIn.make()
        func undistributed() async throws -> [String] {
            try await PostgreSQLStore.migrate(Conninfo(test.database.ownerConninfo), grantingTo: nil)
                .undistributedTables
        }
        #expect(try await undistributed().count == 18)
        try await test.database.psql(try CitusStandIn.distribution, user: PostgreSQLCluster.ownerRole)
        #expect(try await undistributed() == [])
        let again = await #expect(throws: PostgreSQLClusterError.self) {
            try await test.database.psql(try CitusStandIn.distribution, user: PostgreSQLCluster.ownerRole)
        }
        #expect(again?.description.contains("distributed already") == true)
        try await test.database.drop()
    }

    private static let catalogue = """
        SELECT relname, relkind, relforcerowsecurity FROM pg_class
        WHERE relnamespace = 'rejoin'::regnamespace ORDER BY relname;
        SELECT count(*) FROM pg_dist_partition
        """

    @Test("has them left as they were where one has rows, and is told which")
    func refusal() async throws {
        let test = try await CitusStandIn.make()
        let store = try await test.open()
        _ = try await store.register(
            "acme", DeviceRow(device: "d", user: "u", registeredAtMilliseconds: 1, lastSeenAtMilliseconds: 1))
        await store.close()
        for (emptied, named) in [("", "devices"), ("DELETE FROM rejoin.devices", "tenants")] {
            try await test.database.psql(emptied)
            let before = try await test.database.psql(Self.catalogue)
            let refused = await #expect(throws: PostgreSQLClusterError.self) {
                try await test.database.psql(try CitusStandIn.distribution, user: PostgreSQLCluster.ownerRole)
            }
            #expect(
                refused?.description.contains(
                    "table \(named) has rows: tables are distributed before the first tenant. Nothing was changed")
                    == true,
                "\(String(describing: refused))")
            #expect(try await test.database.psql(Self.catalogue) == before)
        }
        try await test.database.drop()
    }

    @Test("is refused by the script where Citus or the schema is not")
    func notReady() async throws {
        try await TestDatabase.with { test in
            let refused = await #expect(throws: PostgreSQLClusterError.self) {
                try await test.database.psql(try CitusStandIn.distribution, user: PostgreSQLCluster.ownerRole)
            }
            #expect(refused?.description.contains("Citus is not in this database") == true)
        }
        let test = try await CitusStandIn.make()
        try await test.database.psql("DROP FUNCTION rejoin.set_on_nodes")
        let refused = await #expect(throws: PostgreSQLClusterError.self) {
            try await test.database.psql(try CitusStandIn.distribution, user: PostgreSQLCluster.ownerRole)
        }
        #expect(refused?.description.contains("run 'rejoin migrate' first") == true)
        try await test.database.drop()
    }

    @Test("is examined with its nodes")
    func examination() async throws {
        let test = try await CitusStandIn.make()
        func examine() async throws -> PostgreSQLStore.Findings {
            try await PostgreSQLStore.examine(Conninfo(test.database.serverConninfo))
        }
        let before = try await examine()
        #expect(before.warnings.last == "no table is distributed; run citus.sql before the first tenant")
        try await test.database.psql(try CitusStandIn.distribution, user: PostgreSQLCluster.ownerRole)
        let after = try await examine()
        #expect(after.summary.hasSuffix(", Citus 13.2.2, 15 tables distributed by tenant, 2 workers"), "\(after)")
        #expect(after.faults == [])
        #expect(after.warnings.allSatisfy { $0.hasPrefix("fsync is off") }, "\(after)")

        // Each change stays while the next is made.
        for (change, fault) in [
            (
                "UPDATE pg_dist_node SET answer = 'connection refused' WHERE nodename = 'two'",
                "worker two:5432 does not answer: connection refused"
            ),
            (
                "UPDATE pg_dist_partition SET colocationid = 7 WHERE logicalrelid = 'rejoin.devices'::regclass",
                "not on the nodes of their tenants: devices"
            ),
            (
                "UPDATE pg_dist_partition SET partkey = 'id' WHERE logicalrelid = 'rejoin.conflicts'::regclass",
                "not distributed by tenant: conflicts"
            ),
            (
                "DELETE FROM pg_dist_partition WHERE logicalrelid = 'rejoin.batches'::regclass",
                "not distributed: batches"
            ),
        ] {
            try await test.database.psql("SET allow_system_table_mods = on; \(change)")
            #expect(try await examine().faults.contains(fault), "\(change)")
        }
        // Where the role may not ask, that is said and nothing fails.
        try await test.database.psql("REVOKE EXECUTE ON FUNCTION run_command_on_workers FROM PUBLIC")
        #expect(
            try await examine().warnings.contains(
                "the workers could not be asked: permission denied for function run_command_on_workers"))
        // Nothing arrives where the function does nothing.
        try await test.database.psql(
            "CREATE OR REPLACE FUNCTION rejoin.set_tenant(tenant text) RETURNS void LANGUAGE sql AS ''")
        #expect(try await examine().faults.contains { $0.hasPrefix("what a transaction sets does not reach its node") })
        try await test.database.drop()
    }
}
