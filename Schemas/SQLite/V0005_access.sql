-- Rejoin on SQLite, schema 5: access that ended before its time, and which key the servers on this data derive theirs from.

-- A reviewer's session that was signed out ('session'), the sessions of a user that began before a time ('sessions'), the tokens
-- of a user that were issued before a time ('tokens'). An empty name stands for everybody.
CREATE TABLE access_ends (
    tenant      TEXT    NOT NULL,
    kind        TEXT    NOT NULL CHECK (kind IN ('session', 'sessions', 'tokens')),
    name        TEXT    NOT NULL,
    ends_before INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,  -- when it says nothing any more
    PRIMARY KEY (tenant, kind, name)
) STRICT, WITHOUT ROWID;

-- What may be forgotten, the oldest first.
CREATE INDEX access_ends_by_expiry ON access_ends (tenant, expires_at, kind, name);

-- What is derived from the key of the servers, of which nothing leads back to it: servers with different keys would refuse each
-- other's cursors and sessions, and find that out here. (`cursor_key` is empty in data made from here on: what signs lies beside
-- the data, never in it.)
ALTER TABLE store ADD COLUMN key_check BLOB;

PRAGMA user_version = 5;
