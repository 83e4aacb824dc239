-- Rejoin on PostgreSQL, schema 7: what a transaction sets reaches every node that it touches.
--
-- Where the tables are distributed over the nodes of a Citus cluster (see citus.sql), the policies are asked on the node that has
-- the tenant. Of what a session sets only the command SET LOCAL goes there, and set_config does not. These functions change no
-- table. A later step that changes tables says here what it needs on distributed ones.

-- Names the tenant of a transaction. A function, because a command takes no parameters.
CREATE FUNCTION set_tenant(tenant text) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    EXECUTE format('SET LOCAL rejoin.tenant = %L', tenant);
END
$$;

-- Sends settings of the session to the nodes of a transaction, as they stand.
CREATE FUNCTION set_on_nodes(settings text[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    setting text;
BEGIN
    FOREACH setting IN ARRAY settings LOOP
        EXECUTE format('SET LOCAL %I = %L', setting, current_setting(setting));
    END LOOP;
END
$$;

-- What the server's role may do, in one place. `rejoin migrate --grant-to ROLE` calls it after every migration. The two functions
-- above do what everybody may, with the rights of whoever calls them; PUBLIC keeps them, so that a server whose role was granted
-- all it needs by an earlier schema goes on.
CREATE OR REPLACE FUNCTION grant_to_server(server_role text) RETURNS void
    LANGUAGE plpgsql SET search_path = rejoin
    AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA rejoin TO %I', server_role);
    EXECUTE format('GRANT SELECT ON schema_versions, store TO %I', server_role);
    EXECUTE format('GRANT UPDATE (key_check) ON store TO %I', server_role);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON tenants, records, operations, devices, conflicts TO %I', server_role);
    EXECUTE format('GRANT SELECT, INSERT ON batches, operation_groups, audit_entries, audit_sides TO %I', server_role);
    EXECUTE format('GRANT SELECT, INSERT, DELETE ON one_time_codes TO %I', server_role);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON access_ends TO %I', server_role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION tenant_names(), set_tenant(text), set_on_nodes(text[]) TO %I', server_role);
END
$$;
