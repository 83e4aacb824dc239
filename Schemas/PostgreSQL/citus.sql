-- Distributes Rejoin's tables over the nodes of a Citus cluster, by tenant. Run once by the owner's role on the coordinator,
-- after 'rejoin migrate' and before there is much data:
--
--     psql "$OWNER_URL" -f citus.sql
--
-- Every key and index begins with the tenant and no statement joins tenants, so each transaction of the server is one of a
-- single node: all tables of a tenant lie together. The server needs no setting for it but the one below.
--
-- Not part of the tests: Citus is not among the packages that they may install.

SET search_path = rejoin;

-- The tenant that a transaction names (set_config('rejoin.tenant', …, true)) has to reach the node where the policies are.
DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I SET citus.propagate_set_commands = ''local''', current_database());
END
$$;

-- One row each, the same on every node.
SELECT create_reference_table('schema_versions');
SELECT create_reference_table('store');

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
