-- Rejoin on PostgreSQL, schema 9: lives of the data, so that data that was set back is noticed by what its readers ask.
--
-- A cursor names the life in which it was given out. Data that was set back begins another life, does not know the one that was
-- lost, or knows that it ended before the cursor.

-- Each start of the database, in order. The first is what was before lives were noted.
CREATE TABLE lives (
    number bigint NOT NULL PRIMARY KEY,
    id     bigint NOT NULL UNIQUE,  -- random, so that two copies of one database have no two lives of one id; 0 for the first
    place  text   NOT NULL          -- what tells this life's database from that of another (see note_life)
);
INSERT INTO lives (number, id, place) VALUES (0, 0, '');

-- The sequence at which a life's first commit found the tenant: where the lives before it ended.
CREATE TABLE life_beginnings (
    tenant   text COLLATE "C" NOT NULL,
    life     bigint NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (tenant, life)
);
ALTER TABLE life_beginnings ENABLE ROW LEVEL SECURITY;
ALTER TABLE life_beginnings FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_tenant ON life_beginnings
    USING (tenant = current_setting('rejoin.tenant', true));

-- The life of the tenant's last commit.
ALTER TABLE tenants ADD COLUMN life bigint NOT NULL DEFAULT 0;

-- The life that the database is in; a new one where it is not the database that the last one was noted in.
--
-- A standby that was promoted and a recovery to a point in time have another timeline; a file system that was put back, another
-- start; a restored dump, another database or another file of this table. A standby notes nothing and has the life that it
-- follows.
CREATE FUNCTION note_life(OUT number bigint, OUT id bigint, OUT is_follower boolean)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = rejoin
    AS $$
DECLARE
    here text;
    last lives;
BEGIN
    is_follower := pg_is_in_recovery();
    SELECT * INTO last FROM lives l ORDER BY l.number DESC LIMIT 1;
    IF NOT is_follower THEN
        here := concat_ws(' ', substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8),
            extract(epoch FROM pg_postmaster_start_time()), pg_relation_filenode('lives'),
            (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database()),
            (SELECT c.system_identifier FROM pg_catalog.pg_control_system() c));
        IF last.place <> here THEN
            -- One server at a time looks and notes.
            PERFORM pg_advisory_xact_lock(7238510395502);
            SELECT * INTO last FROM lives l ORDER BY l.number DESC LIMIT 1;
            IF last.place <> here THEN
                -- Readers do not wait for a standby because of this. Any commit that a standby has confirmed comes after it.
                SET LOCAL synchronous_commit = local;
                -- 60 bits of it are random.
                INSERT INTO lives VALUES (
                    last.number + 1, ('x0' || right(replace(gen_random_uuid()::text, '-', ''), 15))::bit(64)::bigint, here)
                RETURNING * INTO last;
            END IF;
        END IF;
    END IF;
    number := last.number;
    id := last.id;
END
$$;
REVOKE ALL ON FUNCTION note_life() FROM PUBLIC;

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
        'GRANT SELECT, INSERT ON batches, operation_groups, audit_entries, audit_sides, life_beginnings TO %I', server_role);
    EXECUTE format('GRANT SELECT, INSERT, DELETE ON one_time_codes TO %I', server_role);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON access_ends TO %I', server_role);
    EXECUTE format(
        'GRANT EXECUTE ON FUNCTION tenant_names(), set_tenant(text), set_on_nodes(text[]), note_life() TO %I', server_role);
END
$$;
