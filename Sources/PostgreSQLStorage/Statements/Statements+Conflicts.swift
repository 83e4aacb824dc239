import SyncStorage

/// The statements that list conflicts: one for each condition that an index serves, in both orders.
///
/// All take the same parameters, so that one binding fits all: `$1` tenant, `$2` and `$12` the ids between which the
/// page lies, `$3` kind, `$4` status, `$5` collection, `$6` record, `$7` unit, `$8` policy, `$9` device, `$10` user,
/// `$11` assignee, `$13` limit. NULL sets no condition.
///
/// The condition that chose the statement stands bare, so that the scan begins with the tenant and that column and runs
/// in the order of ids. So nothing is sorted, and reading stops at the limit. A range of times is a range of ids
/// (`selectFirstConflictSince`), so it narrows each of these scans.
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
        "select conflicts", ofIndex, others, sides, newest)
    static let conflictsOldest = Statement(
        "select conflicts, oldest first", ofIndex, others, sides, oldest)
    static let conflictsOfStatus = Statement(
        "select conflicts by status", ofIndex, "AND c.status = $4::text", others, sides, newest)
    static let conflictsOfStatusOldest = Statement(
        "select conflicts by status, oldest first", ofIndex, "AND c.status = $4::text", others, sides, oldest)
    static let conflictsOfKind = Statement(
        "select conflicts by kind", ofIndex, "AND c.kind = $3::text", others, sides, newest)
    static let conflictsOfKindOldest = Statement(
        "select conflicts by kind, oldest first", ofIndex, "AND c.kind = $3::text", others, sides, oldest)
    static let conflictsOfCollection = Statement(
        "select conflicts by collection", ofIndex, "AND c.collection = $5::text", others, sides, newest)
    static let conflictsOfCollectionOldest = Statement(
        "select conflicts by collection, oldest first", ofIndex, "AND c.collection = $5::text", others, sides, oldest)
    static let conflictsOfRecord = Statement(
        "select conflicts by collection and record", ofIndex, "AND c.collection = $5::text AND c.record = $6::text",
        others, sides, newest)
    static let conflictsOfRecordOldest = Statement(
        "select conflicts by collection and record, oldest first", ofIndex,
        "AND c.collection = $5::text AND c.record = $6::text", others, sides, oldest)
    static let conflictsOfRecordName = Statement(
        "select conflicts by record", ofIndex, "AND c.record = $6::text", others, sides, newest)
    static let conflictsOfRecordNameOldest = Statement(
        "select conflicts by record, oldest first", ofIndex, "AND c.record = $6::text", others, sides, oldest)
    static let conflictsOfUnit = Statement(
        "select conflicts by unit", ofIndex, "AND c.unit = $7::text", others, sides, newest)
    static let conflictsOfUnitOldest = Statement(
        "select conflicts by unit, oldest first", ofIndex, "AND c.unit = $7::text", others, sides, oldest)
    static let conflictsOfCollectionUnit = Statement(
        "select conflicts by collection and unit", ofIndex, "AND c.collection = $5::text AND c.unit = $7::text", others,
        sides, newest)
    static let conflictsOfCollectionUnitOldest = Statement(
        "select conflicts by collection and unit, oldest first", ofIndex,
        "AND c.collection = $5::text AND c.unit = $7::text", others, sides, oldest)
    static let conflictsOfPolicy = Statement(
        "select conflicts by policy", ofIndex, "AND c.policy = $8::text", others, sides, newest)
    static let conflictsOfPolicyOldest = Statement(
        "select conflicts by policy, oldest first", ofIndex, "AND c.policy = $8::text", others, sides, oldest)
    static let conflictsOfAssignee = Statement(
        "select conflicts by assignee", ofIndex, "AND c.assignee = $11::text", others, sides, newest)
    static let conflictsOfAssigneeOldest = Statement(
        "select conflicts by assignee, oldest first", ofIndex, "AND c.assignee = $11::text", others, sides, oldest)
    static let conflictsOfDevice = Statement(
        "select conflicts by device", ofSides, "AND s.device = $9::text",
        newestSides, others, sides, newestOfSides)
    static let conflictsOfDeviceOldest = Statement(
        "select conflicts by device, oldest first", ofSides, "AND s.device = $9::text",
        oldestSides, others, sides, oldestOfSides)
    static let conflictsOfUser = Statement(
        "select conflicts by user", ofSides, "AND s.\"user\" = $10::text",
        newestSides, others, sides, newestOfSides)
    static let conflictsOfUserOldest = Statement(
        "select conflicts by user, oldest first", ofSides, "AND s.\"user\" = $10::text",
        oldestSides, others, sides, oldestOfSides)

    // MARK: What they share

    private static let ofIndex: StaticString = """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at, c.assignee
        FROM conflicts c
        WHERE c.tenant = $1::text AND c.id > $2::bigint AND c.id < $12::bigint
        """
    /// A conflict has several sides of one device; `DISTINCT` over the index gives it once, in the order of ids.
    private static let ofSides: StaticString = """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at, c.assignee
        FROM (
            SELECT DISTINCT s.conflict AS id FROM audit_sides s
            WHERE s.tenant = $1::text AND s.conflict > $2::bigint AND s.conflict < $12::bigint
        """
    private static let newestSides: StaticString = """
            ORDER BY s.conflict DESC) AS of_side
        CROSS JOIN LATERAL (SELECT * FROM conflicts WHERE tenant = $1::text AND id = of_side.id LIMIT 1) AS c
        WHERE true
        """
    private static let oldestSides: StaticString = """
            ORDER BY s.conflict) AS of_side
        CROSS JOIN LATERAL (SELECT * FROM conflicts WHERE tenant = $1::text AND id = of_side.id LIMIT 1) AS c
        WHERE true
        """
    /// The conditions that did not choose the statement.
    private static let others: StaticString = """
            AND ($3::text IS NULL OR c.kind = $3::text) AND ($4::text IS NULL OR c.status = $4::text)
            AND ($5::text IS NULL OR c.collection = $5::text) AND ($6::text IS NULL OR c.record = $6::text)
            AND ($7::text IS NULL OR c.unit = $7::text) AND ($8::text IS NULL OR c.policy = $8::text)
            AND ($11::text IS NULL OR c.assignee = $11::text)
        """
    /// The conditions on sides. The one of the two that chose the statement holds anyway: to look for it once more is
    /// one step in an index.
    private static let sides: StaticString = """
            AND ($9::text IS NULL OR (
                SELECT d.conflict FROM audit_sides d
                WHERE d.tenant = $1::text AND d.device = $9::text AND d.conflict = c.id LIMIT 1) IS NOT NULL)
            AND ($10::text IS NULL OR (
                SELECT u.conflict FROM audit_sides u
                WHERE u.tenant = $1::text AND u."user" = $10::text AND u.conflict = c.id LIMIT 1) IS NOT NULL)
        """
    private static let newest: StaticString = "ORDER BY c.id DESC LIMIT $13::bigint"
    private static let newestOfSides: StaticString = "ORDER BY of_side.id DESC LIMIT $13::bigint"
    private static let oldestOfSides: StaticString = "ORDER BY of_side.id LIMIT $13::bigint"
    private static let oldest: StaticString = "ORDER BY c.id LIMIT $13::bigint"
}
