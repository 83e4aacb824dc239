/// Every statement of the SQLite engine. Values go in through parameters only. `?1` is the tenant wherever there is
/// one, and every condition begins with it.
enum Statements {
    // MARK: The connection
    /// 16 MiB of pages, for each connection.
    static let setCacheSize = Statement("set cache size", "PRAGMA cache_size = -16384")
    static let setSynchronousFull = Statement("set synchronous", "PRAGMA synchronous = FULL")
    static let synchronous = Statement("select synchronous", "PRAGMA synchronous")
    static let journalMode = Statement("select journal mode", "PRAGMA journal_mode")
    static let integrity = Statement("check integrity", "PRAGMA quick_check")
    static let schemaVersion = Statement("select schema version", "PRAGMA user_version")
    static let countTables = Statement("count tables", "SELECT count(*) FROM sqlite_schema")
    static let ping = Statement("ping", "SELECT only_row FROM store")
    static let insertStore = Statement(
        "insert store", "INSERT INTO store (only_row, lineage, cursor_key, redaction_key) VALUES (1, ?1, ?2, ?3)")
    static let selectStore = Statement("select store", "SELECT lineage, cursor_key, redaction_key FROM store")

    // MARK: Transactions

    /// Takes the only write lock before anything is read.
    static let begin = Statement("begin", "BEGIN IMMEDIATE")
    static let commit = Statement("commit", "COMMIT")
    /// The state that is read is that of the first statement after it.
    static let beginReading = Statement("begin reading", "BEGIN DEFERRED")

    static let selectHead = Statement(
        "select head",
        """
        SELECT sequence, operation_ordinal, audit_position, audit_hash, audit_recorded_at, purge_floor, life
        FROM tenants WHERE tenant = ?1
        """)
    static let upsertHead = Statement(
        "write head",
        """
        INSERT INTO tenants (
            tenant, sequence, operation_ordinal, audit_position, audit_hash, audit_recorded_at, purge_floor, life)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (tenant) DO UPDATE SET
            sequence = excluded.sequence, operation_ordinal = excluded.operation_ordinal,
            audit_position = excluded.audit_position, audit_hash = excluded.audit_hash,
            audit_recorded_at = excluded.audit_recorded_at, purge_floor = excluded.purge_floor,
            life = max(life, excluded.life)
        """)
    static let insertTenant = Statement(
        "insert tenant",
        """
        INSERT INTO tenants (
            tenant, sequence, operation_ordinal, audit_position, audit_hash, audit_recorded_at, purge_floor)
        VALUES (?1, 0, 0, 0, x'', 0, 0)
        ON CONFLICT (tenant) DO NOTHING
        """)
    static let selectTenants = Statement("select tenants", "SELECT tenant FROM tenants ORDER BY tenant")

    // MARK: Lives

    static let selectLastLife = Statement(
        "select last life", "SELECT number, id FROM lives ORDER BY number DESC LIMIT 1")
    static let selectLife = Statement("select life", "SELECT number FROM lives WHERE id = ?1")
    static let insertLife = Statement("begin life", "INSERT INTO lives (number, id) VALUES (?1, ?2)")
    static let forgetLives = Statement("forget lives", "DELETE FROM lives WHERE number <= ?1")
    /// Reads all of the table. It is asked only when a life is forgotten.
    static let forgetLifeBeginnings = Statement(
        "forget life beginnings", "DELETE FROM life_beginnings WHERE life <= ?1")
    static let insertLifeBeginning = Statement(
        "write life beginning", "INSERT INTO life_beginnings (tenant, life, sequence) VALUES (?1, ?2, ?3)")
    /// Where the lives up to one ended.
    static let selectLifeEnd = Statement(
        "select life end",
        "SELECT sequence FROM life_beginnings WHERE tenant = ?1 AND life > ?2 ORDER BY life LIMIT 1")

    // MARK: Records

    static let selectRecord = Statement(
        "select record",
        """
        SELECT collection, id, sequence, deleted, purged, clock, stamp, fields, siblings, state,
            open_conflicts, changed_at
        FROM records WHERE tenant = ?1 AND collection = ?2 AND id = ?3
        """)
    /// Inserts a record or replaces it. This is not `INSERT OR REPLACE`, which would delete another record that holds
    /// the same sequence.
    static let upsertRecord = Statement(
        "write record",
        """
        INSERT INTO records (
            tenant, collection, id, sequence, deleted, purged, clock, stamp, fields, siblings, state,
            open_conflicts, changed_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
        ON CONFLICT (tenant, collection, id) DO UPDATE SET
            sequence = excluded.sequence, deleted = excluded.deleted, purged = excluded.purged,
            clock = excluded.clock, stamp = excluded.stamp, fields = excluded.fields,
            siblings = excluded.siblings, state = excluded.state,
            open_conflicts = excluded.open_conflicts, changed_at = excluded.changed_at
        """)
    static let selectChanges = Statement(
        "select changes",
        """
        SELECT collection, id, sequence, deleted, purged, clock, stamp, fields, siblings, state,
            open_conflicts, changed_at
        FROM records WHERE tenant = ?1 AND sequence > ?2 AND purged = 0
        ORDER BY sequence LIMIT ?3
        """)

    // MARK: Devices

    static let selectDevice = Statement(
        "select device",
        """
        SELECT device, user, registered_at, last_seen_at, acknowledged, retired_at
        FROM devices WHERE tenant = ?1 AND device = ?2
        """)
    static let selectDevices = Statement(
        "select devices",
        """
        SELECT device, user, registered_at, last_seen_at, acknowledged, retired_at
        FROM devices WHERE tenant = ?1 ORDER BY device
        """)
    /// Retired devices do not count.
    static let countDevicesOfUser = Statement(
        "count devices of user",
        "SELECT count(*) FROM devices WHERE tenant = ?1 AND user = ?2 AND retired_at IS NULL")
    static let insertDevice = Statement(
        "insert device",
        """
        INSERT INTO devices (
            tenant, device, user, registered_at, last_seen_at, acknowledged, retired_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (tenant, device) DO NOTHING
        """)
    /// The first retirement counts.
    static let retireDevice = Statement(
        "retire device",
        """
        UPDATE devices SET retired_at = coalesce(retired_at, ?3)
        WHERE tenant = ?1 AND device = ?2
        """)
    static let acknowledge = Statement(
        "acknowledge",
        """
        UPDATE devices SET acknowledged = max(acknowledged, ?3), last_seen_at = max(last_seen_at, ?4)
        WHERE tenant = ?1 AND device = ?2
        """)

    // MARK: One-time codes

    static let insertCode = Statement(
        "insert code",
        """
        INSERT INTO one_time_codes (tenant, code, expires_at)
        VALUES (?1, ?2, ?3)
        ON CONFLICT (tenant, code) DO NOTHING
        """)
    /// Forgets codes, the oldest first, and at most so many.
    static let forgetCodes = Statement(
        "forget codes",
        """
        DELETE FROM one_time_codes WHERE tenant = ?1 AND code IN (
            SELECT code FROM one_time_codes WHERE tenant = ?1 AND expires_at < ?2
            ORDER BY expires_at, code LIMIT ?3)
        """)

    // MARK: Access

    static let selectAccessEnds = Statement(
        "select access ends",
        """
        SELECT kind, name, ends_before FROM access_ends
        WHERE tenant = ?1 AND kind IN ('session', 'sessions', 'tokens') AND name IN (?2, ?3, '')
        """)
    static let upsertAccessEnd = Statement(
        "end access",
        """
        INSERT INTO access_ends (tenant, kind, name, ends_before, expires_at)
        VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (tenant, kind, name) DO UPDATE SET ends_before = max(ends_before, excluded.ends_before),
            expires_at = max(expires_at, excluded.expires_at)
        """)
    static let forgetAccessEnds = Statement(
        "forget access ends",
        """
        DELETE FROM access_ends WHERE tenant = ?1 AND (kind, name) IN (
            SELECT kind, name FROM access_ends WHERE tenant = ?1 AND expires_at < ?2
            ORDER BY expires_at, kind, name LIMIT ?3)
        """)
    static let selectKeyCheck = Statement(
        "select key check", "SELECT key_check FROM store WHERE key_check IS NOT NULL")
    static let updateKeyCheck = Statement("agree on key", "UPDATE store SET key_check = ?1")

    // MARK: The audit

    static let insertAuditEntry = Statement(
        "insert audit entry",
        """
        INSERT INTO audit_entries (
            tenant, position, conflict, version, type, collection, record, batch, device, recorded_at,
            clock_before, clock_after, clocks_from, detail, hash)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
        """)
    static let insertAuditSide = Statement(
        "insert audit side",
        """
        INSERT INTO audit_sides (
            tenant, position, ordinal, conflict, role, won, present, value, value_from, device, counter, user,
            operation, stamp, claimed_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
        """)
    static let selectAuditEntries = Statement(
        "select audit entries",
        """
        SELECT position, conflict, version, type, collection, record, batch, device, recorded_at,
            clock_before, clock_after, clocks_from, detail, hash
        FROM audit_entries WHERE tenant = ?1 AND position > ?2
        ORDER BY position LIMIT ?3
        """)
    static let selectAuditSides = Statement(
        "select audit sides",
        """
        SELECT position, ordinal, conflict, role, won, present, value, value_from, device, counter, user,
            operation, stamp, claimed_at
        FROM audit_sides WHERE tenant = ?1 AND position > ?2 AND position <= ?3
        ORDER BY position, ordinal
        """)
    /// Reads one entry to which others refer.
    static let selectAuditEntry = Statement(
        "select audit entry",
        """
        SELECT position, conflict, version, type, collection, record, batch, device, recorded_at,
            clock_before, clock_after, clocks_from, detail, hash
        FROM audit_entries WHERE tenant = ?1 AND position = ?2
        """)
    static let selectSidesOfEntry = Statement(
        "select audit sides of entry",
        """
        SELECT position, ordinal, conflict, role, won, present, value, value_from, device, counter, user,
            operation, stamp, claimed_at
        FROM audit_sides WHERE tenant = ?1 AND position = ?2
        ORDER BY ordinal
        """)
    static let selectStrandedSides = Statement(
        "select stranded sides",
        """
        SELECT s.position FROM audit_sides s WHERE s.tenant = ?1 AND NOT EXISTS (
            SELECT 1 FROM audit_entries e WHERE e.tenant = ?1 AND e.position = s.position)
        ORDER BY s.position LIMIT 1
        """)
    /// The index is named: without statistics SQLite takes the primary key, which has the order but not the condition, and
    /// reads all entries of the tenant.
    static let selectEntriesOfConflict = Statement(
        "select audit entries of conflict",
        """
        SELECT position, conflict, version, type, collection, record, batch, device, recorded_at,
            clock_before, clock_after, clocks_from, detail, hash
        FROM audit_entries INDEXED BY audit_entries_by_conflict
        WHERE tenant = ?1 AND conflict = ?2
        ORDER BY position
        """)
    /// The index is named for the same reason.
    static let selectSidesOfConflict = Statement(
        "select audit sides of conflict",
        """
        SELECT position, ordinal, conflict, role, won, present, value, value_from, device, counter, user,
            operation, stamp, claimed_at
        FROM audit_sides INDEXED BY audit_sides_by_conflict
        WHERE tenant = ?1 AND conflict = ?2
        ORDER BY position, ordinal
        """)
    static let insertConflict = Statement(
        "insert conflict",
        """
        INSERT INTO conflicts (
            tenant, id, kind, status, version, collection, record, unit, policy, opened_at, assignee)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
        """)
    static let updateConflict = Statement(
        "update conflict", "UPDATE conflicts SET version = ?3, status = ?4 WHERE tenant = ?1 AND id = ?2")
    static let assignConflict = Statement(
        "assign conflict", "UPDATE conflicts SET assignee = ?3 WHERE tenant = ?1 AND id = ?2")
    static let selectConflict = Statement(
        "select conflict",
        """
        SELECT id, kind, status, version, collection, record, unit, policy, opened_at, assignee
        FROM conflicts WHERE tenant = ?1 AND id = ?2
        """)
    static let selectConflictIndex = Statement(
        "select conflict index",
        """
        SELECT id, kind, status, version, collection, record, unit, policy, opened_at, assignee
        FROM conflicts WHERE tenant = ?1 AND id > ?2
        ORDER BY id LIMIT ?3
        """)
    /// Where a range of times begins: the first conflict that was opened at or after a time.
    static let selectFirstConflictSince = Statement(
        "select first conflict since",
        """
        SELECT id FROM conflicts WHERE tenant = ?1 AND opened_at >= ?2
        ORDER BY opened_at, id LIMIT 1
        """)
}
