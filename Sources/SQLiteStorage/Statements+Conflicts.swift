import SyncStorage

/// The statements that list conflicts: one for each condition that an index serves, in both orders.
///
/// All take the same parameters, so that one binding fits all: `?1` tenant, `?2` the conflict beyond which to look, `?3` kind,
/// `?4` status, `?5` collection, `?6` record, `?7` unit, `?8` policy, `?9` device, `?10` user, `?11` since, `?12` until,
/// `?13` limit. NULL sets no condition. The condition that chose the statement stands first and bare, so that the scan begins
/// with the tenant and that column and runs in the order of ids: nothing is sorted, and reading stops at the limit.
extension Statements {
    /// The statement for the most selective condition that the query sets.
    static func selectConflicts(_ query: ConflictQuery) -> Statement {
        let newest = query.order == .newest
        if query.device != nil { return newest ? conflictsOfDevice : conflictsOfDeviceOldest }
        if query.user != nil { return newest ? conflictsOfUser : conflictsOfUserOldest }
        if query.collection != nil, query.record != nil { return newest ? conflictsOfRecord : conflictsOfRecordOldest }
        if query.unit != nil { return newest ? conflictsOfUnit : conflictsOfUnitOldest }
        if query.status != nil { return newest ? conflictsOfStatus : conflictsOfStatusOldest }
        if query.collection != nil { return newest ? conflictsOfCollection : conflictsOfCollectionOldest }
        if query.kind != nil { return newest ? conflictsOfKind : conflictsOfKindOldest }
        if query.policy != nil { return newest ? conflictsOfPolicy : conflictsOfPolicyOldest }
        return newest ? conflicts : conflictsOldest
    }

    static let conflicts = Statement(
        "select conflicts",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = ?1 AND c.id < ?2
        """,
        newestOfIndex)
    static let conflictsOldest = Statement(
        "select conflicts, oldest first",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = ?1 AND c.id > ?2
        """,
        oldestOfIndex)
    static let conflictsOfStatus = Statement(
        "select conflicts by status",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = ?1 AND c.status = ?4 AND c.id < ?2
        """,
        newestOfIndex)
    static let conflictsOfStatusOldest = Statement(
        "select conflicts by status, oldest first",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = ?1 AND c.status = ?4 AND c.id > ?2
        """,
        oldestOfIndex)
    static let conflictsOfKind = Statement(
        "select conflicts by kind",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = ?1 AND c.kind = ?3 AND c.id < ?2
        """,
        newestOfIndex)
    static let conflictsOfKindOldest = Statement(
        "select conflicts by kind, oldest first",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = ?1 AND c.kind = ?3 AND c.id > ?2
        """,
        oldestOfIndex)
    static let conflictsOfCollection = Statement(
        "select conflicts by collection",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = ?1 AND c.collection = ?5 AND c.id < ?2
        """,
        newestOfIndex)
    static let conflictsOfCollectionOldest = Statement(
        "select conflicts by collection, oldest first",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = ?1 AND c.collection = ?5 AND c.id > ?2
        """,
        oldestOfIndex)
    static let conflictsOfRecord = Statement(
        "select conflicts by record",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = ?1 AND c.collection = ?5 AND c.record = ?6 AND c.id < ?2
        """,
        newestOfIndex)
    static let conflictsOfRecordOldest = Statement(
        "select conflicts by record, oldest first",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = ?1 AND c.collection = ?5 AND c.record = ?6 AND c.id > ?2
        """,
        oldestOfIndex)
    static let conflictsOfUnit = Statement(
        "select conflicts by unit",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = ?1 AND c.unit = ?7 AND c.id < ?2
        """,
        newestOfIndex)
    static let conflictsOfUnitOldest = Statement(
        "select conflicts by unit, oldest first",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = ?1 AND c.unit = ?7 AND c.id > ?2
        """,
        oldestOfIndex)
    static let conflictsOfPolicy = Statement(
        "select conflicts by policy",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = ?1 AND c.policy = ?8 AND c.id < ?2
        """,
        newestOfIndex)
    static let conflictsOfPolicyOldest = Statement(
        "select conflicts by policy, oldest first",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = ?1 AND c.policy = ?8 AND c.id > ?2
        """,
        oldestOfIndex)
    static let conflictsOfDevice = Statement(
        "select conflicts by device",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM audit_sides s CROSS JOIN conflicts c ON c.tenant = s.tenant AND c.id = s.conflict
        WHERE s.tenant = ?1 AND s.device = ?9 AND s.conflict < ?2
        """,
        newestOfSides)
    static let conflictsOfDeviceOldest = Statement(
        "select conflicts by device, oldest first",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM audit_sides s CROSS JOIN conflicts c ON c.tenant = s.tenant AND c.id = s.conflict
        WHERE s.tenant = ?1 AND s.device = ?9 AND s.conflict > ?2
        """,
        oldestOfSides)
    static let conflictsOfUser = Statement(
        "select conflicts by user",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM audit_sides s CROSS JOIN conflicts c ON c.tenant = s.tenant AND c.id = s.conflict
        WHERE s.tenant = ?1 AND s.user = ?10 AND s.conflict < ?2
        """,
        newestOfSides)
    static let conflictsOfUserOldest = Statement(
        "select conflicts by user, oldest first",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM audit_sides s CROSS JOIN conflicts c ON c.tenant = s.tenant AND c.id = s.conflict
        WHERE s.tenant = ?1 AND s.user = ?10 AND s.conflict > ?2
        """,
        oldestOfSides)

    // MARK: The conditions that did not choose

    private static let newestOfIndex: StaticString = """
            AND (?3 IS NULL OR c.kind = ?3) AND (?4 IS NULL OR c.status = ?4)
            AND (?5 IS NULL OR c.collection = ?5) AND (?6 IS NULL OR c.record = ?6)
            AND (?7 IS NULL OR c.unit = ?7) AND (?8 IS NULL OR c.policy = ?8)
            AND (?11 IS NULL OR c.opened_at >= ?11) AND (?12 IS NULL OR c.opened_at < ?12)
        ORDER BY c.id DESC LIMIT ?13
        """
    private static let oldestOfIndex: StaticString = """
            AND (?3 IS NULL OR c.kind = ?3) AND (?4 IS NULL OR c.status = ?4)
            AND (?5 IS NULL OR c.collection = ?5) AND (?6 IS NULL OR c.record = ?6)
            AND (?7 IS NULL OR c.unit = ?7) AND (?8 IS NULL OR c.policy = ?8)
            AND (?11 IS NULL OR c.opened_at >= ?11) AND (?12 IS NULL OR c.opened_at < ?12)
        ORDER BY c.id LIMIT ?13
        """
    /// A conflict has several sides of one device; the index gives them together.
    private static let newestOfSides: StaticString = """
            AND (?3 IS NULL OR c.kind = ?3) AND (?4 IS NULL OR c.status = ?4)
            AND (?5 IS NULL OR c.collection = ?5) AND (?6 IS NULL OR c.record = ?6)
            AND (?7 IS NULL OR c.unit = ?7) AND (?8 IS NULL OR c.policy = ?8)
            AND (?11 IS NULL OR c.opened_at >= ?11) AND (?12 IS NULL OR c.opened_at < ?12)
            AND (?10 IS NULL OR EXISTS (
                SELECT 1 FROM audit_sides u WHERE u.tenant = ?1 AND u.user = ?10 AND u.conflict = c.id))
        GROUP BY s.conflict ORDER BY s.conflict DESC LIMIT ?13
        """
    private static let oldestOfSides: StaticString = """
            AND (?3 IS NULL OR c.kind = ?3) AND (?4 IS NULL OR c.status = ?4)
            AND (?5 IS NULL OR c.collection = ?5) AND (?6 IS NULL OR c.record = ?6)
            AND (?7 IS NULL OR c.unit = ?7) AND (?8 IS NULL OR c.policy = ?8)
            AND (?11 IS NULL OR c.opened_at >= ?11) AND (?12 IS NULL OR c.opened_at < ?12)
            AND (?10 IS NULL OR EXISTS (
                SELECT 1 FROM audit_sides u WHERE u.tenant = ?1 AND u.user = ?10 AND u.conflict = c.id))
        GROUP BY s.conflict ORDER BY s.conflict LIMIT ?13
        """

    // MARK: Counts

    static let countByStatus = Statement(
        "count conflicts by status",
        """
        SELECT status, count(*) FROM conflicts WHERE tenant = ?1
        GROUP BY status ORDER BY status
        """)
    static let countByKind = Statement(
        "count conflicts by kind",
        """
        SELECT kind, count(*) FROM conflicts WHERE tenant = ?1
        GROUP BY kind ORDER BY kind
        """)
    static let countByCollection = Statement(
        "count conflicts by collection",
        """
        SELECT collection, count(*) FROM conflicts WHERE tenant = ?1
        GROUP BY collection ORDER BY collection
        """)
    static let countByUnit = Statement(
        "count conflicts by unit",
        """
        SELECT collection || '/' || unit AS name, count(*) FROM conflicts WHERE tenant = ?1
        GROUP BY name ORDER BY name
        """)
    static let countByDevice = Statement(
        "count conflicts by device",
        """
        SELECT device, count(DISTINCT conflict) FROM audit_sides WHERE tenant = ?1
        GROUP BY device ORDER BY device
        """)
    /// The number of the day since 1970; an index over times answers it.
    static let countByDay = Statement(
        "count conflicts by day",
        """
        SELECT opened_at / 86400000 AS day, count(*) FROM conflicts WHERE tenant = ?1
        GROUP BY day ORDER BY day
        """)
}
