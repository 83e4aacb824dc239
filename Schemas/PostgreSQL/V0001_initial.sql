-- Rejoin on PostgreSQL, schema 1. Run by the owner's role, in one transaction, with search_path = rejoin.
--
-- Every key and index begins with the tenant: no statement of one tenant reads a row of another, and the tables distribute by
-- tenant (see citus.sql). Texts compare by bytes (COLLATE "C"), which is the order of Unicode scalars: NFC and NFD are two
-- names. Times are integers, milliseconds since 1970-01-01T00:00:00Z. JSON is text in canonical form: the server never looks
-- inside it in SQL, text keeps the spelling of numbers, and is cheaper to write than jsonb.

-- The life of this data set. One row.
CREATE TABLE store (
    only_row      boolean NOT NULL PRIMARY KEY CHECK (only_row),
    lineage       text    NOT NULL,  -- a new one after a restore from backup; cursors carry it
    cursor_key    bytea   NOT NULL,  -- authenticates cursors
    redaction_key bytea   NOT NULL   -- salts the hashes that stand for redacted values
);

-- The serial state of a tenant: what the next commit builds on. Its row's lock is the tenant's lane.
CREATE TABLE tenants (
    tenant            text COLLATE "C" NOT NULL PRIMARY KEY CHECK (tenant <> ''),
    sequence          bigint NOT NULL,  -- last number given in the change feed
    operation_ordinal bigint NOT NULL,  -- last number given to a stored operation
    audit_position    bigint NOT NULL,  -- last position in the audit
    audit_hash        bytea  NOT NULL,  -- hash of that entry; empty before the first
    audit_recorded_at bigint NOT NULL,  -- when it was recorded; no later entry is recorded before it
    purge_floor       bigint NOT NULL   -- a cursor below it may have missed a purged record
) WITH (fillfactor = 40);  -- updated by every commit: room for the new version on the same page, without touching the index

CREATE TABLE records (
    tenant         text COLLATE "C" NOT NULL,
    collection     text COLLATE "C" NOT NULL,
    id             text COLLATE "C" NOT NULL,
    sequence       bigint  NOT NULL,  -- of the last change
    deleted        boolean NOT NULL,
    purged         boolean NOT NULL,  -- only the clock is left of it
    clock          text    NOT NULL,  -- version vector, {"device": counter}
    stamp          bigint  NOT NULL,  -- the greatest stamp merged
    fields         text    NOT NULL,  -- what shows, kept for a deleted record too: a delete may still lose
    siblings       text,              -- values beside the visible ones where a decision is awaited
    state          text    NOT NULL,  -- the merge's own state (see RecordCodec)
    open_conflicts bigint  NOT NULL,
    changed_at     bigint  NOT NULL,
    PRIMARY KEY (tenant, collection, id)
);

-- The change feed: one range scan a page.
CREATE UNIQUE INDEX records_by_sequence ON records (tenant, sequence);

CREATE TABLE operations (
    tenant      text COLLATE "C" NOT NULL,
    id          text COLLATE "C" NOT NULL,
    device      text COLLATE "C" NOT NULL,
    ordinal     bigint NOT NULL,   -- order of storing, in the tenant
    "user"      text   NOT NULL,
    batch       text   NOT NULL,
    collection  text COLLATE "C",  -- NULL: could not be read
    record      text COLLATE "C",
    counter     bigint,            -- of the event that it became; NULL when it changed no record
    clock       text   NOT NULL,
    fingerprint text   NOT NULL,
    outcome     text COLLATE "C" NOT NULL,
    result      text   NOT NULL,   -- the stored result, told again when the operation comes again
    content     text   NOT NULL,   -- the operation as it was sent, redacted fields hashed
    stamp       bigint,            -- corrected time of the edit
    recorded_at bigint NOT NULL,
    PRIMARY KEY (tenant, id, device)
);

-- A record's history, newest first.
CREATE INDEX operations_by_record ON operations (tenant, collection, record, ordinal);
-- To which operation an event belongs.
CREATE UNIQUE INDEX operations_by_dot ON operations (tenant, collection, record, device, counter)
    WHERE counter IS NOT NULL;
-- What was refused for good, of all devices or of one.
CREATE INDEX operations_rejected ON operations (tenant, ordinal) WHERE outcome = 'rejected';
CREATE INDEX operations_rejected_by_device ON operations (tenant, device, ordinal) WHERE outcome = 'rejected';

-- Answers, byte for byte, for retries.
CREATE TABLE batches (
    tenant      text COLLATE "C" NOT NULL,
    device      text COLLATE "C" NOT NULL,
    key         text COLLATE "C" NOT NULL,
    fingerprint text   NOT NULL,
    response    text   NOT NULL,
    recorded_at bigint NOT NULL,
    PRIMARY KEY (tenant, device, key)
);

CREATE TABLE devices (
    tenant        text COLLATE "C" NOT NULL,
    device        text COLLATE "C" NOT NULL,
    "user"        text   NOT NULL,
    registered_at bigint NOT NULL,
    last_seen_at  bigint NOT NULL,
    acknowledged  bigint NOT NULL,  -- the highest sequence that the device has pulled past
    retired_at    bigint,
    PRIMARY KEY (tenant, device)
) WITH (fillfactor = 70);

-- The audit. Append-only: the server's role may insert into these two tables and read them, nothing else.
-- Each entry's hash covers the hash before it, every column of the entry and every column of its sides.
CREATE TABLE audit_entries (
    tenant       text COLLATE "C" NOT NULL,
    position     bigint NOT NULL,
    conflict     bigint NOT NULL,  -- position of the entry that opened the conflict
    version      bigint NOT NULL,  -- of the conflict, after this entry
    type         text   NOT NULL,  -- opened, sides_changed, superseded, resolved, commented, assigned
    collection   text   NOT NULL,
    record       text   NOT NULL,
    batch        text   NOT NULL,
    device       text   NOT NULL,
    recorded_at  bigint NOT NULL,
    clock_before text   NOT NULL,
    clock_after  text   NOT NULL,
    detail       text   NOT NULL,  -- JSON, by type
    hash         bytea  NOT NULL,
    PRIMARY KEY (tenant, position)
);

-- A conflict's entries, in the order in which they were written.
CREATE UNIQUE INDEX audit_entries_by_conflict ON audit_entries (tenant, conflict, position);
-- Entries of these types have the conflict's version as it was; the others give it a new one, once each.
CREATE UNIQUE INDEX audit_entries_by_version ON audit_entries (tenant, conflict, version)
    WHERE type NOT IN ('commented', 'assigned');

CREATE TABLE audit_sides (
    tenant     text COLLATE "C" NOT NULL,
    position   bigint  NOT NULL,
    ordinal    bigint  NOT NULL,
    conflict   bigint  NOT NULL,
    role       text    NOT NULL,
    won        boolean NOT NULL,
    present    boolean NOT NULL,
    value      text    NOT NULL,  -- JSON; null where not present
    device     text COLLATE "C" NOT NULL,
    counter    bigint  NOT NULL,
    "user"     text COLLATE "C" NOT NULL,
    operation  text    NOT NULL,
    stamp      bigint  NOT NULL,
    claimed_at bigint,            -- the device's own time, uncorrected
    PRIMARY KEY (tenant, position, ordinal)
);

CREATE INDEX audit_sides_by_conflict ON audit_sides (tenant, conflict, position, ordinal);
CREATE INDEX audit_sides_by_device ON audit_sides (tenant, device, conflict);
CREATE INDEX audit_sides_by_user ON audit_sides (tenant, "user", conflict);

-- An index over the audit for queries, one row a conflict. Derived: the audit can rebuild it, and verification compares.
CREATE TABLE conflicts (
    tenant     text COLLATE "C" NOT NULL,
    id         bigint NOT NULL,
    kind       text COLLATE "C" NOT NULL,
    status     text COLLATE "C" NOT NULL,
    version    bigint NOT NULL,
    collection text COLLATE "C" NOT NULL,
    record     text COLLATE "C" NOT NULL,
    unit       text COLLATE "C" NOT NULL,
    policy     text COLLATE "C" NOT NULL,
    opened_at  bigint NOT NULL,  -- in the order of ids
    assignee   text COLLATE "C" NOT NULL,  -- whose task it is; empty for nobody
    PRIMARY KEY (tenant, id)
);

CREATE INDEX conflicts_by_status ON conflicts (tenant, status, id);
CREATE INDEX conflicts_by_kind ON conflicts (tenant, kind, id);
CREATE INDEX conflicts_by_collection ON conflicts (tenant, collection, id);
CREATE INDEX conflicts_by_unit ON conflicts (tenant, unit, id);
CREATE INDEX conflicts_by_policy ON conflicts (tenant, policy, id);
CREATE INDEX conflicts_by_time ON conflicts (tenant, opened_at, id);
CREATE INDEX conflicts_by_assignee ON conflicts (tenant, assignee, id);
CREATE INDEX conflicts_by_collection_unit ON conflicts (tenant, collection, unit, id);
CREATE INDEX conflicts_by_record_name ON conflicts (tenant, record, id);
CREATE INDEX conflicts_by_record ON conflicts (tenant, collection, record, id);

-- The second wall. Every transaction of the server names its tenant (set_config('rejoin.tenant', …, true)); a statement that
-- forgets its condition, or a transaction that forgets to name a tenant, sees and writes nothing of any other. FORCE: the
-- owner's role too, where a small installation serves with it.
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_tenant ON tenants
    USING (tenant = current_setting('rejoin.tenant', true));
ALTER TABLE records ENABLE ROW LEVEL SECURITY;
ALTER TABLE records FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_tenant ON records
    USING (tenant = current_setting('rejoin.tenant', true));
ALTER TABLE operations ENABLE ROW LEVEL SECURITY;
ALTER TABLE operations FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_tenant ON operations
    USING (tenant = current_setting('rejoin.tenant', true));
ALTER TABLE batches ENABLE ROW LEVEL SECURITY;
ALTER TABLE batches FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_tenant ON batches
    USING (tenant = current_setting('rejoin.tenant', true));
ALTER TABLE devices ENABLE ROW LEVEL SECURITY;
ALTER TABLE devices FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_tenant ON devices
    USING (tenant = current_setting('rejoin.tenant', true));
ALTER TABLE audit_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_entries FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_tenant ON audit_entries
    USING (tenant = current_setting('rejoin.tenant', true));
ALTER TABLE audit_sides ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_sides FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_tenant ON audit_sides
    USING (tenant = current_setting('rejoin.tenant', true));
ALTER TABLE conflicts ENABLE ROW LEVEL SECURITY;
ALTER TABLE conflicts FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_tenant ON conflicts
    USING (tenant = current_setting('rejoin.tenant', true));

-- The names of the tenants, and nothing else of them, for who looks after all: verification and `rejoin doctor`.
CREATE POLICY names_for_the_owner ON tenants FOR SELECT TO CURRENT_USER USING (true);
CREATE FUNCTION tenant_names() RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = rejoin
    AS $$ SELECT tenant FROM tenants ORDER BY tenant $$;
REVOKE ALL ON FUNCTION tenant_names() FROM PUBLIC;

-- What the server's role may do, in one place. `rejoin migrate --grant-to ROLE` calls it after every migration.
CREATE FUNCTION grant_to_server(server_role text) RETURNS void
    LANGUAGE plpgsql SET search_path = rejoin
    AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA rejoin TO %I', server_role);
    EXECUTE format('GRANT SELECT ON schema_versions, store TO %I', server_role);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON tenants, records, operations, devices, conflicts TO %I', server_role);
    EXECUTE format('GRANT SELECT, INSERT ON batches, audit_entries, audit_sides TO %I', server_role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION tenant_names() TO %I', server_role);
END
$$;
REVOKE ALL ON FUNCTION grant_to_server(text) FROM PUBLIC;
