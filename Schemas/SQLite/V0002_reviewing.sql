-- Rejoin on SQLite, schema 2: what reviewers do with conflicts, and an index for every condition that lists them.

-- When the last entry of the audit was recorded. No later entry is recorded before it, so that the order of positions is an
-- order of time, and a range of times is a range of positions.
ALTER TABLE tenants ADD COLUMN audit_recorded_at INTEGER NOT NULL DEFAULT 0;
UPDATE tenants SET audit_recorded_at = coalesce((
    SELECT e.recorded_at FROM audit_entries e
    WHERE e.tenant = tenants.tenant AND e.position = tenants.audit_position), 0);

-- Whose task a conflict is; empty for nobody, as no name is.
ALTER TABLE conflicts ADD COLUMN assignee TEXT NOT NULL DEFAULT '';

-- A conflict's entries, in the order in which they were written. The types are now opened, sides_changed, superseded, resolved,
-- commented and assigned. The first four give the conflict a new version, once each; the others stand under the version that
-- the conflict has.
DROP INDEX audit_entries_by_conflict;
CREATE UNIQUE INDEX audit_entries_by_conflict ON audit_entries (tenant, conflict, position);
CREATE UNIQUE INDEX audit_entries_by_version ON audit_entries (tenant, conflict, version)
    WHERE type NOT IN ('commented', 'assigned');

CREATE INDEX conflicts_by_record_name ON conflicts (tenant, record, id);
CREATE INDEX conflicts_by_collection_unit ON conflicts (tenant, collection, unit, id);
CREATE INDEX conflicts_by_assignee ON conflicts (tenant, assignee, id);

PRAGMA user_version = 2;
