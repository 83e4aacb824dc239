-- Rejoin on PostgreSQL, schema 3: how many values the planner is to expect in what conflicts are listed by.
--
-- Each statement is planned once, for all values (record 0014), by how many different values a column has. Counted, that may be
-- one: where a policy decided every conflict of all tenants, any status seems to select all of them, and a list of what waits was
-- planned as a walk along all conflicts that looks for none (23 ms at a hundred thousand). These numbers say what a column can
-- hold instead of what it happens to, so that a list always runs along the index of its condition. They count from the next
-- ANALYZE on; until the first one PostgreSQL expects 200 of everything, which is as good.

ALTER TABLE conflicts
    ALTER COLUMN status SET (n_distinct = 20),
    ALTER COLUMN kind SET (n_distinct = 20),
    ALTER COLUMN policy SET (n_distinct = 20),
    ALTER COLUMN collection SET (n_distinct = 100),
    ALTER COLUMN unit SET (n_distinct = 500),
    ALTER COLUMN record SET (n_distinct = -0.2),
    ALTER COLUMN assignee SET (n_distinct = 500);

ALTER TABLE audit_sides
    ALTER COLUMN device SET (n_distinct = 1000),
    ALTER COLUMN "user" SET (n_distinct = 1000);
