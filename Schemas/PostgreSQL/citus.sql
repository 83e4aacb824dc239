-- Distributes Rejoin's tables over the nodes of a Citus cluster, by tenant. Run once, on the coordinator, by the role that owns
-- the schema, after 'rejoin migrate' and before the first tenant:
--
--     psql "$OWNER_URL" -f citus.sql
--
-- Every key and index begins with the tenant and no statement joins tenants, so each transaction of the server is one of a
-- single node: all tables of a tenant lie together. The order of set-up is in docs/postgresql.md, "Citus".
--
-- All of it happens or nothing: it is one transaction, and looks first whether it can be done.

\set ON_ERROR_STOP on

BEGIN;
SET LOCAL search_path = rejoin;
-- One connection to each node, so that the steps of this transaction see one another.
SET LOCAL citus.multi_shard_modify_mode = 'sequential';

DO $$
DECLARE
    found text;
    has_rows boolean;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
        RAISE EXCEPTION 'Citus is not in this database: CREATE EXTENSION citus on every node, before the roles and the schema';
    END IF;
    IF to_regprocedure('rejoin.set_on_nodes(text[])') IS NULL THEN
        RAISE EXCEPTION 'the schema is not there, or is an early one: run ''rejoin migrate'' first';
    END IF;
    IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'tenants'::regclass) THEN
        RAISE EXCEPTION 'Rejoin''s tables are distributed already';
    END IF;
    -- Citus copies what a table has, and cannot where there is row-level security. The owner sees no rows either, unless the
    -- policies are not forced on it for as long as it takes to look; nobody else sees this, nor that the tables are locked.
    FOR found IN
        SELECT relname FROM pg_class
        WHERE relnamespace = 'rejoin'::regnamespace AND relkind = 'r' AND relforcerowsecurity ORDER BY relname
    LOOP
        EXECUTE format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY', found);
        EXECUTE format('SELECT EXISTS (SELECT FROM %I)', found) INTO has_rows;
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', found);
        IF has_rows THEN
            RAISE EXCEPTION 'table % has rows: tables are distributed before the first tenant. Nothing was changed', found;
        END IF;
    END LOOP;
END
$$;

-- What a transaction names and sets (SET LOCAL) has to reach the node where the policies are. Servers see to it themselves; this is
-- for people.
DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I SET citus.propagate_set_commands = ''local''', current_database());
END
$$;

-- A few rows each, the same on every node.
SELECT create_reference_table('schema_versions');
SELECT create_reference_table('store');
SELECT create_reference_table('lives');

-- A tenant and all that is its own, on one node.
SELECT create_distributed_table('tenants', 'tenant');
SELECT create_distributed_table('records', 'tenant', colocate_with => 'tenants');
SELECT create_distributed_table('operations', 'tenant', colocate_with => 'tenants');
SELECT create_distributed_table('operation_groups', 'tenant', colocate_with => 'tenants');
SELECT create_distributed_table('batches', 'tenant', colocate_with => 'tenants');
SELECT create_distributed_table('devices', 'tenant', colocate_with => 'tenants');
SELECT create_distributed_table('audit_entries', 'tenant', colocate_with => 'tenants');
SELECT create_distributed_table('audit_sides', 'tenant', colocate_with => 'tenants');
SELECT create_distributed_table('conflicts', 'tenant', colocate_with => 'tenants');
SELECT create_distributed_table('one_time_codes', 'tenant', colocate_with => 'tenants');
SELECT create_distributed_table('access_ends', 'tenant', colocate_with => 'tenants');
SELECT create_distributed_table('life_beginnings', 'tenant', colocate_with => 'tenants');
SELECT create_distributed_table('members', 'tenant', colocate_with => 'tenants');
SELECT create_distributed_table('review_sessions', 'tenant', colocate_with => 'tenants');
SELECT create_distributed_table('administration', 'tenant', colocate_with => 'tenants');

-- A schema that is newer than this script would leave some of its tables behind.
DO $$
DECLARE
    missing text;
BEGIN
    -- Where the coordinator has a part of the tables, its name ends with a number.
    SELECT string_agg(relname, ', ') INTO missing FROM pg_class c
    WHERE relnamespace = 'rejoin'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
        AND relname !~ '_[0-9]{6,}$' AND NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = c.oid);
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'this script is of an earlier version than the schema: it does not distribute %. Nothing was changed', missing;
    END IF;
END
$$;
COMMIT;
