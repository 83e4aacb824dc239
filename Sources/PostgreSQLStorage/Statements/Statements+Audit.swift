/// The audit as it is written and read back whole.
extension Statements {
    static let insertAuditEntries = Statement(
        "insert audit entries",
        insert: """
            INSERT INTO audit_entries (
                tenant, position, conflict, version, type, collection, record, batch, device, recorded_at, clock_before,
                clock_after, clocks_from, detail, hash)
            """,
        rows: """
            unnest(
                $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                $10::bigint[], $11::text[], $12::text[], $13::bigint[], $14::text[], $15::bytea[])
            """)
    static let insertAuditSides = Statement(
        "insert audit sides",
        insert: """
            INSERT INTO audit_sides (
                tenant, position, ordinal, conflict, role, won, present, value, value_from, device, counter, "user",
                operation, stamp, claimed_at)
            """,
        rows: """
            unnest(
                $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::boolean[], $7::boolean[], $8::text[],
                $9::bigint[], $10::text[], $11::bigint[], $12::text[], $13::text[], $14::bigint[], $15::bigint[])
            """)
    static let selectAuditEntries = Statement(
        "select audit entries",
        """
        SELECT position, conflict, version, type, collection, record, batch, device, recorded_at, clock_before,
            clock_after, clocks_from, detail, hash
        FROM audit_entries WHERE tenant = $1::text AND position > $2::bigint
        ORDER BY position LIMIT $3::bigint
        """)
    static let selectAuditSides = Statement(
        "select audit sides",
        """
        SELECT position, ordinal, conflict, role, won, present, value, value_from, device, counter, "user",
            operation, stamp, claimed_at
        FROM audit_sides WHERE tenant = $1::text AND position > $2::bigint AND position <= $3::bigint
        ORDER BY position, ordinal
        """)
    static let selectStrandedSides = Statement(
        "select stranded sides",
        """
        SELECT s.position FROM audit_sides s WHERE s.tenant = $1::text AND (
            SELECT e.position FROM audit_entries e
            WHERE e.tenant = $1::text AND e.position = s.position LIMIT 1) IS NULL
        ORDER BY s.position LIMIT 1
        """)
    /// Reads the entries of many conflicts at once, each in the order of positions.
    static let selectEntriesOfConflicts = Statement(
        "select audit entries of conflicts",
        """
        SELECT e.position, e.conflict, e.version, e.type, e.collection, e.record, e.batch, e.device, e.recorded_at,
            e.clock_before, e.clock_after, e.clocks_from, e.detail, e.hash
        FROM unnest($2::bigint[]) WITH ORDINALITY AS wanted (conflict, place)
        CROSS JOIN LATERAL (
            SELECT * FROM audit_entries
            WHERE tenant = $1::text AND conflict = wanted.conflict ORDER BY position) AS e
        """)
    static let selectSidesOfConflicts = Statement(
        "select audit sides of conflicts",
        """
        SELECT s.position, s.ordinal, s.conflict, s.role, s.won, s.present, s.value, s.value_from, s.device,
            s.counter, s."user", s.operation, s.stamp, s.claimed_at
        FROM unnest($2::bigint[]) WITH ORDINALITY AS wanted (conflict, place)
        CROSS JOIN LATERAL (
            SELECT * FROM audit_sides
            WHERE tenant = $1::text AND conflict = wanted.conflict ORDER BY position, ordinal) AS s
        """)
    /// Reads entries to which others refer, by their positions.
    static let selectEntriesAt = Statement(
        "select audit entries at positions",
        """
        SELECT e.position, e.conflict, e.version, e.type, e.collection, e.record, e.batch, e.device, e.recorded_at,
            e.clock_before, e.clock_after, e.clocks_from, e.detail, e.hash
        FROM unnest($2::bigint[]) WITH ORDINALITY AS wanted (position, place)
        CROSS JOIN LATERAL (
            SELECT * FROM audit_entries WHERE tenant = $1::text AND position = wanted.position LIMIT 1) AS e
        """)
    static let selectSidesAt = Statement(
        "select audit sides at positions",
        """
        SELECT s.position, s.ordinal, s.conflict, s.role, s.won, s.present, s.value, s.value_from, s.device,
            s.counter, s."user", s.operation, s.stamp, s.claimed_at
        FROM unnest($2::bigint[]) WITH ORDINALITY AS wanted (position, place)
        CROSS JOIN LATERAL (
            SELECT * FROM audit_sides
            WHERE tenant = $1::text AND position = wanted.position ORDER BY ordinal) AS s
        """)
    static let insertConflicts = Statement(
        "insert conflicts",
        insert: """
            INSERT INTO conflicts (
                tenant, id, kind, status, version, collection, record, unit, policy, opened_at, assignee)
            """,
        rows: """
            unnest(
                $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[],
                $10::bigint[], $11::text[])
            """)
    static let assignConflicts = Statement(
        "assign conflicts",
        """
        UPDATE conflicts c SET assignee = assigned.assignee
        FROM unnest($2::bigint[], $3::text[]) AS assigned (id, assignee)
        WHERE c.tenant = $1::text AND c.id = ANY ($2::bigint[]) AND c.id = assigned.id
        """)
    static let updateConflicts = Statement(
        "update conflicts",
        """
        UPDATE conflicts c SET version = changed.version, status = changed.status
        FROM unnest($2::bigint[], $3::bigint[], $4::text[]) AS changed (id, version, status)
        WHERE c.tenant = $1::text AND c.id = ANY ($2::bigint[]) AND c.id = changed.id
        """)
    static let selectConflict = Statement(
        "select conflict",
        """
        SELECT id, kind, status, version, collection, record, unit, policy, opened_at, assignee
        FROM conflicts WHERE tenant = $1::text AND id = $2::bigint
        """)
    static let selectConflictIndex = Statement(
        "select conflict index",
        """
        SELECT id, kind, status, version, collection, record, unit, policy, opened_at, assignee
        FROM conflicts WHERE tenant = $1::text AND id > $2::bigint
        ORDER BY id LIMIT $3::bigint
        """)
    static let selectConflicts = Statement(
        "select conflicts of read set",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at, c.assignee
        FROM unnest($2::bigint[]) AS read_set (id)
        CROSS JOIN LATERAL (SELECT * FROM conflicts WHERE tenant = $1::text AND id = read_set.id LIMIT 1) AS c
        """)
    /// Where a range of times begins: the first conflict that was opened at or after a time.
    static let selectFirstConflictSince = Statement(
        "select first conflict since",
        """
        SELECT id FROM conflicts WHERE tenant = $1::text AND opened_at >= $2::bigint
        ORDER BY opened_at, id LIMIT 1
        """)

    // MARK: Counts

    static let countByStatus = Statement(
        "count conflicts by status",
        "SELECT status, count(*) FROM conflicts WHERE tenant = $1::text GROUP BY status ORDER BY status")
    static let countByKind = Statement(
        "count conflicts by kind",
        "SELECT kind, count(*) FROM conflicts WHERE tenant = $1::text GROUP BY kind ORDER BY kind")
    static let countByCollection = Statement(
        "count conflicts by collection",
        "SELECT collection, count(*) FROM conflicts WHERE tenant = $1::text GROUP BY collection ORDER BY collection")
    static let countByUnit = Statement(
        "count conflicts by unit",
        """
        SELECT collection, unit, count(*) FROM conflicts WHERE tenant = $1::text
        GROUP BY collection, unit ORDER BY collection, unit
        """)
    static let countByDevice = Statement(
        "count conflicts by device",
        """
        SELECT device, count(DISTINCT conflict) FROM audit_sides WHERE tenant = $1::text
        GROUP BY device ORDER BY device
        """)
    /// Counts by the number of the day since 1970. The statement leaps from the first conflict of one day to the first
    /// of the next day that has any, and counts a range of the index for each. So nothing is sorted.
    static let countByDay = Statement(
        "count conflicts by day",
        """
        WITH RECURSIVE days (day) AS (
            SELECT min(opened_at) / 86400000 FROM conflicts WHERE tenant = $1::text
            UNION ALL
            SELECT (
                SELECT min(n.opened_at) FROM conflicts n
                WHERE n.tenant = $1::text AND n.opened_at >= (days.day + 1) * 86400000) / 86400000
            FROM days WHERE days.day IS NOT NULL)
        SELECT day, (
            SELECT count(*) FROM conflicts d
            WHERE d.tenant = $1::text AND d.opened_at >= day * 86400000 AND d.opened_at < (day + 1) * 86400000)
        FROM days WHERE day IS NOT NULL
        """)
}
