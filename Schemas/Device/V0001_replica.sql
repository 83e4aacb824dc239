-- What a device keeps: what the server last said, edits that it has not confirmed, and where the feed goes on.
-- The tables may lie beside an app's own, so each begins with `rejoin_`.

-- Single values by name: the device's id, its clock, the lineage of the server's data, what the server allows.
CREATE TABLE rejoin_values (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Records as the server last said that they stand.
CREATE TABLE rejoin_records (
    collection     TEXT    NOT NULL,
    id             TEXT    NOT NULL,
    -- Canonical JSON, as it came.
    clock          TEXT    NOT NULL,
    fields         TEXT    NOT NULL,
    siblings       TEXT,
    deleted        INTEGER NOT NULL,
    -- Milliseconds since 1970, of the latest write that was merged.
    stamp          INTEGER NOT NULL,
    -- Its place in the feed; in one lineage it only grows.
    sequence       INTEGER NOT NULL,
    open_conflicts INTEGER NOT NULL,
    PRIMARY KEY (collection, id)
) STRICT, WITHOUT ROWID;

-- For records whose last word has not arrived or could not be applied: the counter of this device's last event that the server
-- has taken. An event that the base does not hold yet must not be given again.
CREATE TABLE rejoin_own_counters (
    collection TEXT    NOT NULL,
    record     TEXT    NOT NULL,
    counter    INTEGER NOT NULL,
    PRIMARY KEY (collection, record)
) STRICT, WITHOUT ROWID;

-- Edits in their order. Those without a batch key and counter have not been sent.
CREATE TABLE rejoin_operations (
    position       INTEGER PRIMARY KEY,
    id             TEXT    NOT NULL UNIQUE,
    kind           TEXT    NOT NULL,
    collection     TEXT    NOT NULL,
    record         TEXT    NOT NULL,
    fields         TEXT    NOT NULL,
    -- What the author had seen: the base's clock at the time of the edit.
    context        TEXT    NOT NULL,
    edited_at      INTEGER NOT NULL,
    in_server_time INTEGER NOT NULL,
    -- A JSON array of operation ids.
    depends_on     TEXT    NOT NULL,
    -- The local transaction, and whether it is to be taken whole or not at all.
    edit           INTEGER NOT NULL,
    atomic         INTEGER NOT NULL,
    -- Given with the first send, and kept until an answer arrives.
    device         TEXT,
    counter        INTEGER,
    batch          TEXT,
    -- The server has taken it, and the base does not hold it yet.
    settled        INTEGER NOT NULL DEFAULT 0,
    attempts       INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX rejoin_operations_by_record ON rejoin_operations (collection, record, position);
CREATE INDEX rejoin_operations_whole ON rejoin_operations (edit, position) WHERE atomic = 1;
CREATE INDEX rejoin_operations_sent ON rejoin_operations (batch, position) WHERE batch IS NOT NULL;
CREATE INDEX rejoin_operations_depending ON rejoin_operations (position) WHERE depends_on <> '[]';

-- The batch whose fate is unknown, byte for byte as it goes out until an answer arrives.
CREATE TABLE rejoin_batches (
    key        TEXT    PRIMARY KEY NOT NULL,
    body       BLOB    NOT NULL,
    operations INTEGER NOT NULL
) STRICT;

-- Edits that the server refused for good, with the reason and the record that they met. Somebody edits, retries or discards them.
CREATE TABLE rejoin_parked (
    id         TEXT    PRIMARY KEY NOT NULL,
    parked_at  INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    collection TEXT    NOT NULL,
    record     TEXT    NOT NULL,
    fields     TEXT    NOT NULL,
    context    TEXT    NOT NULL,
    edited_at  INTEGER NOT NULL,
    depends_on TEXT    NOT NULL,
    edit       INTEGER NOT NULL,
    atomic     INTEGER NOT NULL,
    code       TEXT    NOT NULL,
    detail     TEXT    NOT NULL,
    pointer    TEXT    NOT NULL,
    -- The record's fields as they stood here; null where it was not known.
    met        TEXT
) STRICT;
CREATE INDEX rejoin_parked_by_record ON rejoin_parked (collection, record);

-- Changes of the server that could not be applied here, the newest of each record. They are tried again at every page.
CREATE TABLE rejoin_set_aside (
    collection TEXT    NOT NULL,
    record     TEXT    NOT NULL,
    -- The record as it came, JSON.
    change     TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    since      INTEGER NOT NULL,
    tries      INTEGER NOT NULL,
    PRIMARY KEY (collection, record)
) STRICT, WITHOUT ROWID;

-- Where the feed goes on, for each selection of it.
CREATE TABLE rejoin_feeds (
    selection TEXT PRIMARY KEY NOT NULL,
    cursor    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What a pull from the beginning has brought so far, beside the records as they were known.
CREATE TABLE rejoin_pulled_again (
    collection TEXT NOT NULL,
    id         TEXT NOT NULL,
    change     TEXT NOT NULL,
    PRIMARY KEY (collection, id)
) STRICT, WITHOUT ROWID;

-- Records that the server knows otherwise than it was thought here. They are asked for, one by one.
CREATE TABLE rejoin_unclear (
    collection TEXT NOT NULL,
    record     TEXT NOT NULL,
    PRIMARY KEY (collection, record)
) STRICT, WITHOUT ROWID;

-- Which records are wanted of collections that are kept on demand.
CREATE TABLE rejoin_wanted (
    collection TEXT    NOT NULL,
    record     TEXT    NOT NULL,
    -- 0 until the server was asked how it stands, or said so anyway.
    known      INTEGER NOT NULL,
    -- 1 where it is wanted no more, and is kept for the sake of edits that are pending or parked.
    leaving    INTEGER NOT NULL,
    PRIMARY KEY (collection, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX rejoin_wanted_unknown ON rejoin_wanted (collection, record) WHERE known = 0;
CREATE INDEX rejoin_wanted_leaving ON rejoin_wanted (collection, record) WHERE leaving = 1;

-- What this device added to counters, by its event. A server that was set back says which of them it lost.
CREATE TABLE rejoin_increments (
    collection TEXT    NOT NULL,
    record     TEXT    NOT NULL,
    device     TEXT    NOT NULL,
    counter    INTEGER NOT NULL,
    field      TEXT    NOT NULL,
    amount     INTEGER NOT NULL,
    edited_at  INTEGER NOT NULL,
    PRIMARY KEY (collection, record, device, counter, field)
) STRICT, WITHOUT ROWID;

-- Conflicts that edits of this device met, the newest of which are kept.
CREATE TABLE rejoin_conflicts (
    position   INTEGER PRIMARY KEY,
    conflict   TEXT    NOT NULL,
    operation  TEXT    NOT NULL,
    collection TEXT    NOT NULL,
    record     TEXT    NOT NULL,
    unit       TEXT    NOT NULL,
    policy     TEXT    NOT NULL,
    status     TEXT    NOT NULL,
    winner     TEXT    NOT NULL,
    -- What was written here, and what shows after the merge, as JSON objects of the unit's fields; null where unknown.
    own        TEXT    NOT NULL,
    shown      TEXT,
    at         INTEGER NOT NULL
) STRICT;
