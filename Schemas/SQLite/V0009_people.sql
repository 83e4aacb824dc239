-- Rejoin on SQLite, schema 9: who belongs to a tenant, who is signed in, and what was changed by whom.

-- Whom an issuer that knows no tenants speaks for: the tenants of its users, and what they may do there.
CREATE TABLE members (
    tenant   TEXT    NOT NULL,
    user     TEXT    NOT NULL,
    roles    TEXT    NOT NULL,  -- names with a space between them, sorted
    added_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, user)
) STRICT, WITHOUT ROWID;

-- The one question that is asked before a tenant is known.
CREATE INDEX members_by_user ON members (user, tenant);

-- The sessions of reviewers' browsers. A session is good by its cookie; this is for seeing and ending them.
CREATE TABLE review_sessions (
    tenant     TEXT    NOT NULL,
    session    TEXT    NOT NULL,
    user       TEXT    NOT NULL,
    began_at   INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    way        TEXT    NOT NULL,  -- link, provider
    browser    TEXT    NOT NULL,  -- as it calls itself
    PRIMARY KEY (tenant, session)
) STRICT, WITHOUT ROWID;

-- The newest first, of everybody or of one.
CREATE INDEX review_sessions_by_time ON review_sessions (tenant, began_at, session);
CREATE INDEX review_sessions_by_user ON review_sessions (tenant, user, began_at, session);
-- What may be forgotten, the oldest first.
CREATE INDEX review_sessions_by_expiry ON review_sessions (tenant, expires_at, session);

-- What was changed of people, devices and access, and by whom. Rows are only ever added.
CREATE TABLE administration (
    tenant      TEXT    NOT NULL,
    ordinal     INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    actor       TEXT    NOT NULL,  -- a user; empty for a command on the server's machine
    act         TEXT    NOT NULL,
    subject     TEXT    NOT NULL,  -- the user, device or session that it was about; empty for all
    detail      TEXT    NOT NULL,
    PRIMARY KEY (tenant, ordinal)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 9;
