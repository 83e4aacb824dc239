-- Rejoin on SQLite, schema 3: codes that count once, such as those of links that sign a reviewer in.

-- What was spent, until it is long expired. That a code is here is what makes the next one who brings it come too late.
CREATE TABLE one_time_codes (
    tenant     TEXT    NOT NULL,
    code       TEXT    NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, code)
) STRICT, WITHOUT ROWID;

-- What may be forgotten, the oldest first.
CREATE INDEX one_time_codes_by_expiry ON one_time_codes (tenant, expires_at, code);

PRAGMA user_version = 3;
