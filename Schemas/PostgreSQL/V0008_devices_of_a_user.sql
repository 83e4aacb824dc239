-- Rejoin on PostgreSQL, schema 8: how many devices a user has is counted without reading those of the tenant's others.
--
-- A user registers devices of their own, so many and no more. Those that were retired do not count. Where the tables are distributed
-- (see citus.sql), Citus makes the index on every node by itself.

CREATE INDEX devices_by_user ON devices (tenant, "user") WHERE retired_at IS NULL;
