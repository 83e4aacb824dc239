-- Rejoin on SQLite, schema 8: lives of the data, so that a copy that was put back is noticed by what its readers ask.
--
-- A cursor names the life in which it was given out. Data that was set back begins another life, does not know the one that was
-- lost, or knows that it ended before the cursor.

-- Each time that a server began to write to this file, in order. The first is what was before lives were noted.
CREATE TABLE lives (
    number INTEGER NOT NULL PRIMARY KEY,
    id     INTEGER NOT NULL UNIQUE  -- random, so that two copies of one file have no two lives of one id; 0 for the first
) STRICT;
INSERT INTO lives (number, id) VALUES (0, 0);

-- The sequence at which a life's first commit found the tenant: where the lives before it ended.
CREATE TABLE life_beginnings (
    tenant   TEXT    NOT NULL,
    life     INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (tenant, life)
) STRICT, WITHOUT ROWID;

-- The life of the tenant's last commit.
ALTER TABLE tenants ADD COLUMN life INTEGER NOT NULL DEFAULT 0;

PRAGMA user_version = 8;
