-- Rejoin on SQLite, schema 6: operations stand in groups and have narrow keys, and rows are appended.
--
-- An operation's row had 500 bytes under a random key, and stood in two more random places. What it says is read seldom. Now the
-- operations of a batch stand together in a row or a few, and an entry for each has what it is found by: bytes of fixed length
-- that stand for names (see IndexKey). New rows of all tables but indexes lie behind one another, so that a commit writes few
-- pages. The server moves what is here into the new tables, in the same transaction, and drops the old ones.

ALTER TABLE operations RENAME TO former_operations;
DROP INDEX operations_by_dot;
DROP INDEX operations_by_record;
DROP INDEX operations_rejected;
DROP INDEX operations_rejected_by_device;
-- For the move: a tenant's operations in the order of storing.
CREATE INDEX former_operations_by_ordinal ON former_operations (tenant, ordinal);

-- What was sent and what came of it (see OperationGroup).
CREATE TABLE operation_groups (
    tenant  TEXT    NOT NULL,
    first   INTEGER NOT NULL,  -- ordinal of the first operation
    content BLOB    NOT NULL,
    PRIMARY KEY (tenant, first)
) STRICT;

CREATE TABLE operations (
    tenant   TEXT    NOT NULL,
    ordinal  INTEGER NOT NULL,  -- order of storing, in the tenant
    id       BLOB    NOT NULL,  -- stands for the operation's id
    twin     INTEGER NOT NULL,  -- 0 for the first under this key, else the ordinal
    record   BLOB,              -- stands for the record; NULL: could not be read
    author   INTEGER NOT NULL,  -- stands for the device
    counter  INTEGER,           -- of the event that it became; NULL when it changed no record
    rejected INTEGER NOT NULL CHECK (rejected IN (0, 1)),
    PRIMARY KEY (tenant, ordinal)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX operations_by_id ON operations (tenant, id, twin);
-- A record's history, newest first.
CREATE INDEX operations_by_record ON operations (tenant, record, ordinal);
-- What was refused for good, of all devices or of one.
CREATE INDEX operations_rejected ON operations (tenant, ordinal) WHERE rejected = 1;
CREATE INDEX operations_rejected_by_device ON operations (tenant, author, ordinal) WHERE rejected = 1;

ALTER TABLE batches RENAME TO former_batches;
CREATE TABLE batches (
    tenant        TEXT    NOT NULL,
    device        TEXT    NOT NULL,
    key           TEXT    NOT NULL,
    fingerprint   BLOB    NOT NULL,
    results       TEXT    NOT NULL,  -- one element an operation (see BatchResult)
    recorded_at   INTEGER NOT NULL,
    first_ordinal INTEGER,  -- of its operations; NULL for a batch without any, and for one of an earlier schema
    last_ordinal  INTEGER,
    PRIMARY KEY (tenant, device, key)
) STRICT;

-- Rows in the order in which they were made, and one narrow index by name.
ALTER TABLE records RENAME TO former_records;
DROP INDEX records_by_sequence;
CREATE TABLE records (
    tenant         TEXT    NOT NULL,
    collection     TEXT    NOT NULL,
    id             TEXT    NOT NULL,
    sequence       INTEGER NOT NULL,  -- of the last change
    deleted        INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    purged         INTEGER NOT NULL CHECK (purged IN (0, 1)),  -- only the clock is left of it
    clock          TEXT    NOT NULL,  -- version vector, {"device": counter}
    stamp          INTEGER NOT NULL,  -- the greatest stamp merged
    fields         TEXT    NOT NULL,  -- what shows, kept for a deleted record too: a delete may still lose
    siblings       TEXT,              -- values beside the visible ones where a decision is awaited
    state          TEXT    NOT NULL,  -- the merge's own state (see RecordCodec)
    open_conflicts INTEGER NOT NULL,
    changed_at     INTEGER NOT NULL,
    PRIMARY KEY (tenant, collection, id)
) STRICT;
INSERT INTO records SELECT tenant, collection, id, sequence, deleted, purged, clock, stamp, fields, siblings, state,
    open_conflicts, changed_at FROM former_records ORDER BY tenant, sequence;
DROP TABLE former_records;

-- The change feed: one range scan a page.
CREATE UNIQUE INDEX records_by_sequence ON records (tenant, sequence);

PRAGMA user_version = 6;
