-- Rejoin on PostgreSQL, schema 2: codes that count once, such as those of links that sign a reviewer in.

-- What was spent, until it is long expired. That a code is here is what makes the next one who brings it come too late.
CREATE TABLE one_time_codes (
    tenant     text COLLATE "C" NOT NULL,
    code       text COLLATE "C" NOT NULL,
    expires_at bigint NOT NULL,
    PRIMARY KEY (tenant, code)
);

-- What may be forgotten, the oldest first.
CREATE INDEX one_time_codes_by_expiry ON one_time_codes (tenant, expires_at, code);

ALTER TABLE one_time_codes ENABLE ROW LEVEL SECURITY;
ALTER TABLE one_time_codes FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_tenant ON one_time_codes
    USING (tenant = current_setting('rejoin.tenant', true));

-- What the server's role may do, in one place. `rejoin migrate --grant-to ROLE` calls it after every migration. A code is
-- inserted and deleted, never changed.
CREATE OR REPLACE FUNCTION grant_to_server(server_role text) RETURNS void
    LANGUAGE plpgsql SET search_path = rejoin
    AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA rejoin TO %I', server_role);
    EXECUTE format('GRANT SELECT ON schema_versions, store TO %I', server_role);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON tenants, records, operations, devices, conflicts TO %I', server_role);
    EXECUTE format('GRANT SELECT, INSERT ON batches, audit_entries, audit_sides TO %I', server_role);
    EXECUTE format('GRANT SELECT, INSERT, DELETE ON one_time_codes TO %I', server_role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION tenant_names() TO %I', server_role);
END
$$;
