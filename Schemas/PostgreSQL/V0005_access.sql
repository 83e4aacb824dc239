-- Rejoin on PostgreSQL, schema 5: access that ended before its time, and which key the servers on this data derive theirs from.

-- A reviewer's session that was signed out ('session'), the sessions of a user that began before a time ('sessions'), the tokens
-- of a user that were issued before a time ('tokens'). An empty name stands for everybody.
CREATE TABLE access_ends (
    tenant      text COLLATE "C" NOT NULL,
    kind        text COLLATE "C" NOT NULL CHECK (kind IN ('session', 'sessions', 'tokens')),
    name        text COLLATE "C" NOT NULL,
    ends_before bigint NOT NULL,
    expires_at  bigint NOT NULL,  -- when it says nothing any more
    PRIMARY KEY (tenant, kind, name)
);

-- What may be forgotten, the oldest first.
CREATE INDEX access_ends_by_expiry ON access_ends (tenant, expires_at, kind, name);

ALTER TABLE access_ends ENABLE ROW LEVEL SECURITY;
ALTER TABLE access_ends FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_tenant ON access_ends
    USING (tenant = current_setting('rejoin.tenant', true));

-- What is derived from the key of the servers, of which nothing leads back to it: servers with different keys would refuse each
-- other's cursors and sessions, and find that out here. (`cursor_key` is empty in data made from here on: what signs lies beside
-- the data, never in it.)
ALTER TABLE store ADD COLUMN key_check bytea;

-- What the server's role may do, in one place. `rejoin migrate --grant-to ROLE` calls it after every migration.
CREATE OR REPLACE FUNCTION grant_to_server(server_role text) RETURNS void
    LANGUAGE plpgsql SET search_path = rejoin
    AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA rejoin TO %I', server_role);
    EXECUTE format('GRANT SELECT ON schema_versions, store TO %I', server_role);
    EXECUTE format('GRANT UPDATE (key_check) ON store TO %I', server_role);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON tenants, records, operations, devices, conflicts TO %I', server_role);
    EXECUTE format('GRANT SELECT, INSERT ON batches, audit_entries, audit_sides TO %I', server_role);
    EXECUTE format('GRANT SELECT, INSERT, DELETE ON one_time_codes TO %I', server_role);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON access_ends TO %I', server_role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION tenant_names() TO %I', server_role);
END
$$;
