-- What a device keeps for the app's own tables: which are synced, and which of their rows were changed and are no edits yet.

-- The synced tables. Parents have lower numbers than what refers to them.
CREATE TABLE rejoin_tables (
    number     INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    collection TEXT    NOT NULL UNIQUE,
    -- A JSON array of the columns in the order of their bits in `rejoin_notes`.
    columns    TEXT    NOT NULL,
    -- A JSON array of the columns whose fields the server does not declare.
    unknown    TEXT    NOT NULL DEFAULT '[]',
    -- When rows and records were last compared, in milliseconds since 1970.
    compared_at INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Rows that were changed. Triggers write here, in the transaction of whoever writes.
CREATE TABLE rejoin_notes (
    "table"  INTEGER NOT NULL,
    -- The key as the row has it; a JSON array where it has several columns.
    key      ANY     NOT NULL,
    -- A bit for each column that was changed; bit 61 stands for all columns from the 62nd on, bit 62 for a row that was there
    -- before its table was synced.
    columns  INTEGER NOT NULL,
    -- When, by the device's clock, in milliseconds since 1970.
    at       INTEGER NOT NULL,
    PRIMARY KEY ("table", key)
) STRICT, WITHOUT ROWID;

-- Changed rows that cannot be sent as they are, or are kept here by their table's condition. The next change of such a row brings it
-- back into `rejoin_notes`.
CREATE TABLE rejoin_held (
    "table"  INTEGER NOT NULL,
    key      ANY     NOT NULL,
    columns  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    reason   TEXT    NOT NULL,
    PRIMARY KEY ("table", key)
) STRICT, WITHOUT ROWID;

-- Comparisons that are under way, a page at a time.
CREATE TABLE rejoin_comparisons (
    kind    INTEGER NOT NULL,
    "table" INTEGER NOT NULL,
    -- The last key that was compared; null at the beginning.
    after   ANY,
    -- The columns that it is about, as in `rejoin_notes`.
    columns INTEGER NOT NULL,
    PRIMARY KEY (kind, "table")
) STRICT, WITHOUT ROWID;

-- Whether what is written now comes from the server. It is 1 within a transaction only.
CREATE TABLE rejoin_applying (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    applying INTEGER NOT NULL
) STRICT;
INSERT INTO rejoin_applying (id, applying) VALUES (1, 0);
