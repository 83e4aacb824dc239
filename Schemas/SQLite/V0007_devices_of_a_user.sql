-- Rejoin on SQLite, schema 7: how many devices a user has is counted without reading those of the tenant's others.
--
-- A user registers devices of their own, so many and no more. Those that were retired do not count.

-- The time of retiring is in it, so that counting reads nothing else.
CREATE INDEX devices_by_user ON devices (tenant, user, retired_at);

PRAGMA user_version = 7;
