-- Rejoin on SQLite, schema 1.
--
-- Every table is keyed by the tenant first, so that no statement of one tenant reads a row of another.
-- Texts compare by bytes (BINARY, SQLite's default), which is the order of Unicode scalars: NFC and NFD are two names.
-- Times are integers, milliseconds since 1970-01-01T00:00:00Z. JSON is text in canonical form: the server never looks
-- inside it in SQL, and text keeps the spelling of numbers.

-- The life of this data set. One row.
CREATE TABLE store (
    only_row      INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    lineage       TEXT    NOT NULL,  -- a new one after a restore from backup; cursors carry it
    cursor_key    BLOB    NOT NULL,  -- authenticates cursors
    redaction_key BLOB    NOT NULL   -- salts the hashes that stand for redacted values
) STRICT;

-- The serial state of a tenant: what the next commit builds on.
CREATE TABLE tenants (
    tenant            TEXT    NOT NULL PRIMARY KEY,
    sequence          INTEGER NOT NULL,  -- last number given in the change feed
    operation_ordinal INTEGER NOT NULL,  -- last number given to a stored operation
    audit_position    INTEGER NOT NULL,  -- last position in the audit
    audit_hash        BLOB    NOT NULL,  -- hash of that entry; empty before the first
    purge_floor       INTEGER NOT NULL   -- a cursor below it may have missed a purged record
) STRICT, WITHOUT ROWID;

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
) STRICT, WITHOUT ROWID;

-- The change feed: one range scan a page.
CREATE UNIQUE INDEX records_by_sequence ON records (tenant, sequence);

CREATE TABLE operations (
    tenant      TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    device      TEXT    NOT NULL,
    ordinal     INTEGER NOT NULL,  -- order of storing, in the tenant
    user        TEXT    NOT NULL,
    batch       TEXT    NOT NULL,
    collection  TEXT,              -- NULL: could not be read
    record      TEXT,
    counter     INTEGER,           -- of the event that it became; NULL when it changed no record
    clock       TEXT    NOT NULL,
    fingerprint TEXT    NOT NULL,
    outcome     TEXT    NOT NULL,
    result      TEXT    NOT NULL,  -- the stored result, told again when the operation comes again
    content     TEXT    NOT NULL,  -- the operation as it was sent, redacted fields hashed
    stamp       INTEGER,           -- corrected time of the edit
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id, device)
) STRICT, WITHOUT ROWID;

-- To which operation an event belongs.
CREATE UNIQUE INDEX operations_by_dot ON operations (tenant, collection, record, device, counter)
    WHERE counter IS NOT NULL;
-- A record's history, newest first.
CREATE INDEX operations_by_record ON operations (tenant, collection, record, ordinal);
-- What was refused for good, of all devices or of one.
CREATE INDEX operations_rejected ON operations (tenant, ordinal) WHERE outcome = 'rejected';
CREATE INDEX operations_rejected_by_device ON operations (tenant, device, ordinal) WHERE outcome = 'rejected';

-- Answers, byte for byte, for retries.
CREATE TABLE batches (
    tenant      TEXT    NOT NULL,
    device      TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    fingerprint TEXT    NOT NULL,
    response    TEXT    NOT NULL,
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, device, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE devices (
    tenant        TEXT    NOT NULL,
    device        TEXT    NOT NULL,
    user          TEXT    NOT NULL,
    registered_at INTEGER NOT NULL,
    last_seen_at  INTEGER NOT NULL,
    acknowledged  INTEGER NOT NULL,  -- the highest sequence that the device has pulled past
    retired_at    INTEGER,
    PRIMARY KEY (tenant, device)
) STRICT, WITHOUT ROWID;

-- The audit. Append-only: the server never updates or deletes a row of these two tables.
-- Each entry's hash covers the hash before it, every column of the entry and every column of its sides.
CREATE TABLE audit_entries (
    tenant       TEXT    NOT NULL,
    position     INTEGER NOT NULL,
    conflict     INTEGER NOT NULL,  -- position of the entry that opened the conflict
    version      INTEGER NOT NULL,  -- of the conflict, after this entry
    type         TEXT    NOT NULL,  -- opened, sides_changed, superseded
    collection   TEXT    NOT NULL,
    record       TEXT    NOT NULL,
    batch        TEXT    NOT NULL,
    device       TEXT    NOT NULL,
    recorded_at  INTEGER NOT NULL,
    clock_before TEXT    NOT NULL,
    clock_after  TEXT    NOT NULL,
    detail       TEXT    NOT NULL,  -- JSON, by type
    hash         BLOB    NOT NULL,
    PRIMARY KEY (tenant, position)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX audit_entries_by_conflict ON audit_entries (tenant, conflict, version);

CREATE TABLE audit_sides (
    tenant     TEXT    NOT NULL,
    position   INTEGER NOT NULL,
    ordinal    INTEGER NOT NULL,
    conflict   INTEGER NOT NULL,
    role       TEXT    NOT NULL,
    won        INTEGER NOT NULL CHECK (won IN (0, 1)),
    present    INTEGER NOT NULL CHECK (present IN (0, 1)),
    value      TEXT    NOT NULL,  -- JSON; null where not present
    device     TEXT    NOT NULL,
    counter    INTEGER NOT NULL,
    user       TEXT    NOT NULL,
    operation  TEXT    NOT NULL,
    stamp      INTEGER NOT NULL,
    claimed_at INTEGER,           -- the device's own time, uncorrected
    PRIMARY KEY (tenant, position, ordinal)
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_sides_by_conflict ON audit_sides (tenant, conflict, position, ordinal);
CREATE INDEX audit_sides_by_device ON audit_sides (tenant, device, conflict);
CREATE INDEX audit_sides_by_user ON audit_sides (tenant, user, conflict);

-- An index over the audit for queries, one row a conflict. Derived: the audit can rebuild it, and verification compares.
CREATE TABLE conflicts (
    tenant     TEXT    NOT NULL,
    id         INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    status     TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    collection TEXT    NOT NULL,
    record     TEXT    NOT NULL,
    unit       TEXT    NOT NULL,
    policy     TEXT    NOT NULL,
    opened_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX conflicts_by_status ON conflicts (tenant, status, id);
CREATE INDEX conflicts_by_kind ON conflicts (tenant, kind, id);
CREATE INDEX conflicts_by_record ON conflicts (tenant, collection, record, id);
CREATE INDEX conflicts_by_collection ON conflicts (tenant, collection, id);
CREATE INDEX conflicts_by_unit ON conflicts (tenant, unit, id);
CREATE INDEX conflicts_by_policy ON conflicts (tenant, policy, id);
CREATE INDEX conflicts_by_time ON conflicts (tenant, opened_at, id);

-- The number of this file, set in its transaction.
PRAGMA user_version = 1;
