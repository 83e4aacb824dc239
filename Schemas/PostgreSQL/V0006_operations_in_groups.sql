-- Rejoin on PostgreSQL, schema 6: operations stand in groups, and have narrow keys.
--
-- An operation's row had 512 bytes, and 300 more in three indexes. What it says is read seldom. Now the operations of a batch
-- stand together in a row or a few, and an entry for each has what it is found by: bytes of fixed length that stand for names
-- (see IndexKey). The server moves what is here into the new tables, in the same transaction, and drops the old one.

ALTER TABLE operations RENAME TO former_operations;
ALTER INDEX operations_pkey RENAME TO former_operations_pkey;
DROP INDEX operations_by_record;
DROP INDEX operations_by_dot;
DROP INDEX operations_rejected;
DROP INDEX operations_rejected_by_device;
-- For the move: a tenant's operations in the order of storing.
CREATE INDEX former_operations_by_ordinal ON former_operations (tenant, ordinal);

-- What was sent and what came of it (see OperationGroup). It is compressed where that helps, and kept in the row as long as it
-- fits.
CREATE TABLE operation_groups (
    tenant  text COLLATE "C" NOT NULL,
    first   bigint NOT NULL,  -- ordinal of the first operation
    content bytea  NOT NULL,
    PRIMARY KEY (tenant, first)
);
ALTER TABLE operation_groups ALTER COLUMN content SET STORAGE MAIN;

CREATE TABLE operations (
    tenant   text COLLATE "C" NOT NULL,
    id       uuid    NOT NULL,  -- stands for the operation's id
    twin     bigint  NOT NULL,  -- 0 for the first under this key, else the ordinal
    ordinal  bigint  NOT NULL,  -- order of storing, in the tenant
    author   bigint  NOT NULL,  -- stands for the device
    counter  bigint,            -- of the event that it became; NULL when it changed no record
    record   uuid,              -- stands for the record; NULL: could not be read
    rejected boolean NOT NULL,
    PRIMARY KEY (tenant, id, twin)
);

-- A record's history, newest first.
CREATE INDEX operations_by_record ON operations (tenant, record, ordinal);
-- What was refused for good, of all devices or of one.
CREATE INDEX operations_rejected ON operations (tenant, ordinal) WHERE rejected;
CREATE INDEX operations_rejected_by_device ON operations (tenant, author, ordinal) WHERE rejected;

-- The change feed. Without the condition the planner, on tables that are still empty, takes this index for as good a way to a
-- record as the key, and reads all of the tenant for each.
DROP INDEX records_by_sequence;
CREATE UNIQUE INDEX records_by_sequence ON records (tenant, sequence) WHERE NOT purged;

ALTER TABLE operation_groups ENABLE ROW LEVEL SECURITY;
ALTER TABLE operation_groups FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_tenant ON operation_groups
    USING (tenant = current_setting('rejoin.tenant', true));
ALTER TABLE operations ENABLE ROW LEVEL SECURITY;
ALTER TABLE operations FORCE ROW LEVEL SECURITY;
CREATE POLICY of_the_tenant ON operations
    USING (tenant = current_setting('rejoin.tenant', true));

-- Where the operations of a batch stand; NULL for a batch of an earlier schema, whose operations are found one by one.
ALTER TABLE batches ADD COLUMN first_ordinal bigint, ADD COLUMN last_ordinal bigint,
    ALTER COLUMN fingerprint TYPE bytea USING decode(fingerprint, 'hex');

-- What the server's role may do, in one place. `rejoin migrate --grant-to ROLE` calls it after every migration. Groups are never
-- changed; of the entries only those of rejections are.
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
    EXECUTE format('GRANT EXECUTE ON FUNCTION tenant_names() TO %I', server_role);
END
$$;
