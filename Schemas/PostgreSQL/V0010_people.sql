-- Rejoin on PostgreSQL, schema 10: who belongs to a tenant, who is signed in, and what was changed by whom.

-- Whom an issuer that knows no tenants speaks for: the tenants of its users, and what they may do there.
CREATE TABLE members (
    tenant   text COLLATE "C" NOT NULL,
    "user"   text COLLATE "C" NOT NULL,
    roles    text   NOT NULL,  -- names with a space between them, sorted
    added_at bigint NOT NULL,
    PRIMARY KEY (tenant, "user")
);

-- The one question that is asked before a tenant is known. The condition holds of all rows: without it the planner, on tables that
-- are still empty, takes this index for as good a way to a tenant's members as the key.
CREATE INDEX members_by_user ON members ("user", tenant) WHERE added_at >= 0;

ALTER TABLE members ENABLE ROW LEVEL SECURITY;
ALTER TABLE members FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_tenant ON members
    USING (tenant = current_setting('rejoin.tenant', true));
CREATE POLICY memberships_for_the_owner ON members FOR SELECT TO CURRENT_USER USING (true);

-- A user's tenants, and nothing of their other members.
CREATE FUNCTION memberships(of_user text, at_most bigint) RETURNS TABLE (tenant text, roles text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = rejoin SET enable_seqscan = off
    AS $$ SELECT m.tenant, m.roles FROM members m WHERE m."user" = of_user COLLATE "C" AND m.added_at >= 0
        ORDER BY m.tenant LIMIT at_most $$;
REVOKE ALL ON FUNCTION memberships(text, bigint) FROM PUBLIC;

-- The sessions of reviewers' browsers. A session is good by its cookie; this is for seeing and ending them.
CREATE TABLE review_sessions (
    tenant     text COLLATE "C" NOT NULL,
    session    text COLLATE "C" NOT NULL,
    "user"     text COLLATE "C" NOT NULL,
    began_at   bigint NOT NULL,
    expires_at bigint NOT NULL,
    way        text   NOT NULL,  -- link, provider
    browser    text   NOT NULL,  -- as it calls itself
    PRIMARY KEY (tenant, session)
);

-- The newest first, of everybody or of one.
CREATE INDEX review_sessions_by_time ON review_sessions (tenant, began_at, session);
CREATE INDEX review_sessions_by_user ON review_sessions (tenant, "user", began_at, session);
-- What may be forgotten, the oldest first.
CREATE INDEX review_sessions_by_expiry ON review_sessions (tenant, expires_at, session);

ALTER TABLE review_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE review_sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_tenant ON review_sessions
    USING (tenant = current_setting('rejoin.tenant', true));

-- What was changed of people, devices and access, and by whom. Append-only: the server's role may insert and read.
CREATE TABLE administration (
    tenant      text COLLATE "C" NOT NULL,
    ordinal     bigint NOT NULL,
    recorded_at bigint NOT NULL,
    actor       text   NOT NULL,  -- a user; empty for a command on the server's machine
    act         text   NOT NULL,
    subject     text   NOT NULL,  -- the user, device or session that it was about; empty for all
    detail      text   NOT NULL,
    PRIMARY KEY (tenant, ordinal)
);
ALTER TABLE administration ENABLE ROW LEVEL SECURITY;
ALTER TABLE administration FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_tenant ON administration
    USING (tenant = current_setting('rejoin.tenant', true));

-- What the server's role may do, in one place. `rejoin migrate --grant-to ROLE` calls it after every migration.
CREATE OR REPLACE FUNCTION grant_to_server(server_role text) RETURNS void
    LANGUAGE plpgsql SET search_path = rejoin
    AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA rejoin TO %I', server_role);
    EXECUTE format('GRANT SELECT ON schema_versions, store, lives TO %I', server_role);
    EXECUTE format('GRANT UPDATE (key_check) ON store TO %I', server_role);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON tenants, records, operations, devices, conflicts TO %I', server_role);
    EXECUTE format(
        'GRANT SELECT, INSERT ON batches, operation_groups, audit_entries, audit_sides, life_beginnings, administration TO %I',
        server_role);
    EXECUTE format('GRANT SELECT, INSERT, DELETE ON one_time_codes, review_sessions TO %I', server_role);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON access_ends, members TO %I', server_role);
    EXECUTE format(
        'GRANT EXECUTE ON FUNCTION tenant_names(), memberships(text, bigint), set_tenant(text), set_on_nodes(text[]), note_life()'
            ' TO %I', server_role);
END
$$;
