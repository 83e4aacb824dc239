import Foundation
import PostgreSQLCluster
import PostgreSQLStorage

/// What stands in for Citus, which the tests cannot have: an extension of that name, and the functions and tables of
/// Citus that `citus.sql` and `rejoin doctor` use. A table that is distributed becomes one of four partitions by the hash
/// of the tenant, so that a plan shows which it touches. There is one node, so nothing shows here of what gets lost on
/// the way to another.
enum CitusStandIn {
    static let partitions = 4

    /// The text of `Schemas/PostgreSQL/citus.sql`.
    static var distribution: String {
        get throws {
            let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent()
            return try String(
                contentsOf: root.appending(path: "Schemas/PostgreSQL/citus.sql"), encoding: .utf8)
        }
    }

    /// Lets the owner set what belongs to Citus, in every database of the cluster. It happens once, as two at a time would
    /// get in each other's way.
    private static let permission = Task {
        try await PostgreSQLCluster.shared().psql(
            "GRANT SET ON PARAMETER citus.propagate_set_commands TO \(PostgreSQLCluster.ownerRole)")
    }

    /// Makes a database in which Citus seems to be, and nothing is distributed.
    static func make() async throws -> TestDatabase {
        _ = try await permission.value
        let test = try await TestDatabase.make()
        try await test.database.psql(script)
        return test
    }

    /// Makes a database whose tables are distributed.
    static func makeDistributed() async throws -> TestDatabase {
        let test = try await make()
        try await test.database.psql(try distribution, user: PostgreSQLCluster.ownerRole)
        return test
    }

    private static let template = Task { try await make().database.name }
    private static let distributedTemplate = Task { try await makeDistributed().database.name }

    /// Makes a copy of a database in which nothing is distributed, which takes less time.
    static func copy() async throws -> TestDatabase { try await copy(of: template) }

    /// Makes a copy of a database whose tables are distributed.
    static func copyDistributed() async throws -> TestDatabase { try await copy(of: distributedTemplate) }

    private static func copy(of template: Task<String, any Error>) async throws -> TestDatabase {
        let name = try await template.value
        return TestDatabase(database: try await PostgreSQLCluster.shared().makeDatabase(template: name))
    }

    private static let script = """
        SET allow_system_table_mods = on;
        INSERT INTO pg_catalog.pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
        VALUES (99990, 'citus', 10, 11, false, '13.2-1');

        CREATE TABLE pg_catalog.pg_dist_partition (
            logicalrelid regclass PRIMARY KEY, partmethod "char" NOT NULL, partkey text, colocationid integer NOT NULL);
        GRANT SELECT, INSERT ON pg_catalog.pg_dist_partition TO PUBLIC;
        -- An answer stands for the error of a node that gives none of its own.
        CREATE TABLE pg_catalog.pg_dist_node (nodename text, nodeport integer, answer text);
        GRANT SELECT ON pg_catalog.pg_dist_node TO PUBLIC;
        INSERT INTO pg_catalog.pg_dist_node VALUES ('one', 5432, NULL), ('two', 5432, NULL);

        CREATE FUNCTION pg_catalog.citus_version() RETURNS text LANGUAGE sql
            AS $f$ SELECT 'Citus 13.2.2 on somewhere, compiled by something' $f$;
        CREATE FUNCTION pg_catalog.column_to_column_name(table_name regclass, column_var text) RETURNS text LANGUAGE sql
            AS $f$ SELECT column_var $f$;
        CREATE FUNCTION pg_catalog.run_command_on_workers(
            command text, OUT nodename text, OUT nodeport integer, OUT success boolean, OUT result text) RETURNS SETOF record
            LANGUAGE plpgsql AS $f$
        BEGIN
            FOR nodename, nodeport, result IN SELECT * FROM pg_dist_node ORDER BY 1 LOOP
                success := result IS NULL;
                IF success THEN EXECUTE command INTO result; END IF;
                RETURN NEXT;
            END LOOP;
        END
        $f$;
        CREATE FUNCTION pg_catalog.create_reference_table(table_name regclass) RETURNS void LANGUAGE sql
            AS $f$ INSERT INTO pg_dist_partition VALUES (table_name, 'n', NULL, 0) $f$;

        CREATE FUNCTION pg_catalog.create_distributed_table(
            table_name regclass, distribution_column text, colocate_with text DEFAULT 'default') RETURNS void
            LANGUAGE plpgsql AS $f$
        DECLARE
            name text := (SELECT relname FROM pg_class WHERE oid = table_name);
            former text := name || '_former';
            step text;
        BEGIN
            EXECUTE format('ALTER TABLE %I RENAME TO %I', name, former);
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL) PARTITION BY HASH (%I)', name, former,
                distribution_column);
            FOR number IN 0..\(partitions - 1) LOOP
                EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS \(partitions), REMAINDER %s)',
                    name || '_' || number, name, number);
            END LOOP;
            FOR step IN
                SELECT format('CREATE POLICY %I ON %I FOR %s TO %s USING (%s)', policyname, name, cmd,
                    array_to_string(roles, ', '), qual)
                FROM pg_policies WHERE schemaname = 'rejoin' AND tablename = former UNION ALL
                SELECT format('GRANT %s ON %I TO %s', privilege_type, name, grantee::regrole)
                FROM pg_class c, aclexplode(c.relacl) WHERE c.oid = table_name AND grantee <> relowner
            LOOP
                EXECUTE step;
            END LOOP;
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
            EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
            EXECUTE format('DROP TABLE %I', former);
            INSERT INTO pg_dist_partition VALUES (name::regclass, 'h', distribution_column, CASE
                WHEN colocate_with = 'default' THEN (SELECT 1 + max(colocationid) FROM pg_dist_partition)
                ELSE (SELECT colocationid FROM pg_dist_partition WHERE logicalrelid = colocate_with::regclass) END);
        END
        $f$;
        """
}
