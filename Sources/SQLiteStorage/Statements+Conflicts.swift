import SyncStorage

/// The statements that list conflicts: one for each condition that an index serves, in both orders.
///
/// All take the same parameters, so that one binding fits all: `?1` tenant, `?2` and `?12` the ids between which the
/// page lies, `?3` kind, `?4` status, `?5` collection, `?6` record, `?7` unit, `?8` policy, `?9` device, `?10` user,
/// `?11` assignee, `?13` limit. NULL sets no condition.
///
/// The condition that chose the statement stands bare, so that the scan begins with the tenant and that column and runs
/// in the order of ids. So nothing is sorted, and reading stops at the limit. A range of times is a range of ids
/// (`selectFirstConflictSince`), so it narrows each of these scans.
///
/// Each statement names its index. Without statistics SQLite would take the primary key for the two bounds of the ids,
/// and read all conflicts between them.
extension Statements {
    /// The statement that searches by a condition of the query.
    static func selectConflicts(_ query: ConflictQuery, by condition: ConflictQuery.Condition?) -> Statement {
        let (newest, oldest) = conflicts(by: condition, isInCollection: query.collection != nil)
        return query.order == .newest ? newest : oldest
    }

    private static func conflicts(
        by condition: ConflictQuery.Condition?, isInCollection: Bool
    ) -> (newest: Statement, oldest: Statement) {
        switch condition {
        case nil: (conflicts, conflictsOldest)
        case .device: (conflictsOfDevice, conflictsOfDeviceOldest)
        case .user: (conflictsOfUser, conflictsOfUserOldest)
        case .record where isInCollection: (conflictsOfRecord, conflictsOfRecordOldest)
        case .record: (conflictsOfRecordName, conflictsOfRecordNameOldest)
        case .assignee: (conflictsOfAssignee, conflictsOfAssigneeOldest)
        case .unit where isInCollection: (conflictsOfCollectionUnit, conflictsOfCollectionUnitOldest)
        case .unit: (conflictsOfUnit, conflictsOfUnitOldest)
        case .status: (conflictsOfStatus, conflictsOfStatusOldest)
        case .collection: (conflictsOfCollection, conflictsOfCollectionOldest)
        case .kind: (conflictsOfKind, conflictsOfKindOldest)
        case .policy: (conflictsOfPolicy, conflictsOfPolicyOldest)
        }
    }

    static let conflicts = Statement(
        "select conflicts", ofIndex, within, others, newest)
    static let conflictsOldest = Statement(
        "select conflicts, oldest first", ofIndex, within, others, oldest)
    static let conflictsOfStatus = Statement(
        "select conflicts by status", ofIndex, "INDEXED BY conflicts_by_status", within, "AND c.status = ?4", others,
        newest)
    static let conflictsOfStatusOldest = Statement(
        "select conflicts by status, oldest first", ofIndex, "INDEXED BY conflicts_by_status", within,
        "AND c.status = ?4", others, oldest)
    static let conflictsOfKind = Statement(
        "select conflicts by kind", ofIndex, "INDEXED BY conflicts_by_kind", within, "AND c.kind = ?3", others, newest)
    static let conflictsOfKindOldest = Statement(
        "select conflicts by kind, oldest first", ofIndex, "INDEXED BY conflicts_by_kind", within, "AND c.kind = ?3",
        others, oldest)
    static let conflictsOfCollection = Statement(
        "select conflicts by collection", ofIndex, "INDEXED BY conflicts_by_collection", within,
        "AND c.collection = ?5", others, newest)
    static let conflictsOfCollectionOldest = Statement(
        "select conflicts by collection, oldest first", ofIndex, "INDEXED BY conflicts_by_collection", within,
        "AND c.collection = ?5", others, oldest)
    static let conflictsOfRecord = Statement(
        "select conflicts by collection and record", ofIndex, "INDEXED BY conflicts_by_record", within,
        "AND c.collection = ?5 AND c.record = ?6", others, newest)
    static let conflictsOfRecordOldest = Statement(
        "select conflicts by collection and record, oldest first", ofIndex, "INDEXED BY conflicts_by_record", within,
        "AND c.collection = ?5 AND c.record = ?6", others, oldest)
    static let conflictsOfRecordName = Statement(
        "select conflicts by record", ofIndex, "INDEXED BY conflicts_by_record_name", within, "AND c.record = ?6",
        others, newest)
    static let conflictsOfRecordNameOldest = Statement(
        "select conflicts by record, oldest first", ofIndex, "INDEXED BY conflicts_by_record_name", within,
        "AND c.record = ?6", others, oldest)
    static let conflictsOfUnit = Statement(
        "select conflicts by unit", ofIndex, "INDEXED BY conflicts_by_unit", within, "AND c.unit = ?7", others, newest)
    static let conflictsOfUnitOldest = Statement(
        "select conflicts by unit, oldest first", ofIndex, "INDEXED BY conflicts_by_unit", within, "AND c.unit = ?7",
        others, oldest)
    static let conflictsOfCollectionUnit = Statement(
        "select conflicts by collection and unit", ofIndex, "INDEXED BY conflicts_by_collection_unit", within,
        "AND c.collection = ?5 AND c.unit = ?7", others, newest)
    static let conflictsOfCollectionUnitOldest = Statement(
        "select conflicts by collection and unit, oldest first", ofIndex, "INDEXED BY conflicts_by_collection_unit",
        within, "AND c.collection = ?5 AND c.unit = ?7", others, oldest)
    static let conflictsOfPolicy = Statement(
        "select conflicts by policy", ofIndex, "INDEXED BY conflicts_by_policy", within, "AND c.policy = ?8", others,
        newest)
    static let conflictsOfPolicyOldest = Statement(
        "select conflicts by policy, oldest first", ofIndex, "INDEXED BY conflicts_by_policy", within,
        "AND c.policy = ?8", others, oldest)
    static let conflictsOfAssignee = Statement(
        "select conflicts by assignee", ofIndex, "INDEXED BY conflicts_by_assignee", within, "AND c.assignee = ?11",
        others, newest)
    static let conflictsOfAssigneeOldest = Statement(
        "select conflicts by assignee, oldest first", ofIndex, "INDEXED BY conflicts_by_assignee", within,
        "AND c.assignee = ?11", others, oldest)
    static let conflictsOfDevice = Statement(
        "select conflicts by device", ofSides, "AND s.device = ?9", others, newestOfSides)
    static let conflictsOfDeviceOldest = Statement(
        "select conflicts by device, oldest first", ofSides, "AND s.device = ?9", others, oldestOfSides)
    static let conflictsOfUser = Statement(
        "select conflicts by user", ofSides, "AND s.user = ?10", others, newestOfSides)
    static let conflictsOfUserOldest = Statement(
        "select conflicts by user, oldest first", ofSides, "AND s.user = ?10", others, oldestOfSides)

    // MARK: What they share

    private static let ofIndex: StaticString = """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at, c.assignee
        FROM conflicts c
        """
    private static let within: StaticString = "WHERE c.tenant = ?1 AND c.id > ?2 AND c.id < ?12"
    private static let ofSides: StaticString = """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at, c.assignee
        FROM audit_sides s CROSS JOIN conflicts c ON c.tenant = s.tenant AND c.id = s.conflict
        WHERE s.tenant = ?1 AND s.conflict > ?2 AND s.conflict < ?12
        """
    /// The conditions that did not choose the statement.
    private static let others: StaticString = """
            AND (?3 IS NULL OR c.kind = ?3) AND (?4 IS NULL OR c.status = ?4)
            AND (?5 IS NULL OR c.collection = ?5) AND (?6 IS NULL OR c.record = ?6)
            AND (?7 IS NULL OR c.unit = ?7) AND (?8 IS NULL OR c.policy = ?8)
            AND (?11 IS NULL OR c.assignee = ?11)
            AND (?9 IS NULL OR EXISTS (
                SELECT 1 FROM audit_sides d WHERE d.tenant = ?1 AND d.device = ?9 AND d.conflict = c.id))
            AND (?10 IS NULL OR EXISTS (
                SELECT 1 FROM audit_sides u WHERE u.tenant = ?1 AND u.user = ?10 AND u.conflict = c.id))
        """
    private static let newest: StaticString = "ORDER BY c.id DESC LIMIT ?13"
    private static let oldest: StaticString = "ORDER BY c.id LIMIT ?13"
    /// A conflict has several sides of one device; the index gives them together.
    private static let newestOfSides: StaticString = "GROUP BY s.conflict ORDER BY s.conflict DESC LIMIT ?13"
    private static let oldestOfSides: StaticString = "GROUP BY s.conflict ORDER BY s.conflict LIMIT ?13"

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
        SELECT collection, unit, count(*) FROM conflicts WHERE tenant = ?1
        GROUP BY collection, unit ORDER BY collection, unit
        """)
    static let countByDevice = Statement(
        "count conflicts by device",
        """
        SELECT device, count(DISTINCT conflict) FROM audit_sides WHERE tenant = ?1
        GROUP BY device ORDER BY device
        """)
    /// Counts by the number of the day since 1970. The statement leaps from the first conflict of one day to the first
    /// of the next day that has any, and counts a range of the index for each. So nothing is sorted.
    static let countByDay = Statement(
        "count conflicts by day",
        """
        WITH RECURSIVE days (day) AS (
            SELECT min(opened_at) / 86400000 FROM conflicts WHERE tenant = ?1
            UNION ALL
            SELECT (
                SELECT min(n.opened_at) FROM conflicts n
                WHERE n.tenant = ?1 AND n.opened_at >= (days.day + 1) * 86400000) / 86400000
            FROM days WHERE days.day IS NOT NULL)
        SELECT day, (
            SELECT count(*) FROM conflicts d
            WHERE d.tenant = ?1 AND d.opened_at >= day * 86400000 AND d.opened_at < (day + 1) * 86400000)
        FROM days WHERE day IS NOT NULL
        """)
}
