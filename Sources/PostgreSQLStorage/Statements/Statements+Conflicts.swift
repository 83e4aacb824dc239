import SyncStorage

/// The statements that list conflicts: one for each condition that an index serves, in both orders.
///
/// All take the same parameters, so that one binding fits all: `$1` tenant, `$2` the conflict beyond which to look, `$3` kind,
/// `$4` status, `$5` collection, `$6` record, `$7` unit, `$8` policy, `$9` device, `$10` user, `$11` since, `$12` until,
/// `$13` limit. NULL sets no condition. The condition that chose the statement stands bare, so that the scan begins with the
/// tenant and that column and runs in the order of ids: nothing is sorted, and reading stops at the limit.
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
        WHERE c.tenant = $1::text AND c.id < $2::bigint
        """,
        newestOfIndex)
    static let conflictsOldest = Statement(
        "select conflicts, oldest first",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = $1::text AND c.id > $2::bigint
        """,
        oldestOfIndex)
    static let conflictsOfStatus = Statement(
        "select conflicts by status",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = $1::text AND c.status = $4::text AND c.id < $2::bigint
        """,
        newestOfIndex)
    static let conflictsOfStatusOldest = Statement(
        "select conflicts by status, oldest first",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = $1::text AND c.status = $4::text AND c.id > $2::bigint
        """,
        oldestOfIndex)
    static let conflictsOfKind = Statement(
        "select conflicts by kind",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = $1::text AND c.kind = $3::text AND c.id < $2::bigint
        """,
        newestOfIndex)
    static let conflictsOfKindOldest = Statement(
        "select conflicts by kind, oldest first",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = $1::text AND c.kind = $3::text AND c.id > $2::bigint
        """,
        oldestOfIndex)
    static let conflictsOfCollection = Statement(
        "select conflicts by collection",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = $1::text AND c.collection = $5::text AND c.id < $2::bigint
        """,
        newestOfIndex)
    static let conflictsOfCollectionOldest = Statement(
        "select conflicts by collection, oldest first",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = $1::text AND c.collection = $5::text AND c.id > $2::bigint
        """,
        oldestOfIndex)
    static let conflictsOfRecord = Statement(
        "select conflicts by record",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = $1::text AND c.collection = $5::text AND c.record = $6::text AND c.id < $2::bigint
        """,
        newestOfIndex)
    static let conflictsOfRecordOldest = Statement(
        "select conflicts by record, oldest first",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = $1::text AND c.collection = $5::text AND c.record = $6::text AND c.id > $2::bigint
        """,
        oldestOfIndex)
    static let conflictsOfUnit = Statement(
        "select conflicts by unit",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = $1::text AND c.unit = $7::text AND c.id < $2::bigint
        """,
        newestOfIndex)
    static let conflictsOfUnitOldest = Statement(
        "select conflicts by unit, oldest first",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = $1::text AND c.unit = $7::text AND c.id > $2::bigint
        """,
        oldestOfIndex)
    static let conflictsOfPolicy = Statement(
        "select conflicts by policy",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = $1::text AND c.policy = $8::text AND c.id < $2::bigint
        """,
        newestOfIndex)
    static let conflictsOfPolicyOldest = Statement(
        "select conflicts by policy, oldest first",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM conflicts c
        WHERE c.tenant = $1::text AND c.policy = $8::text AND c.id > $2::bigint
        """,
        oldestOfIndex)
    static let conflictsOfDevice = Statement(
        "select conflicts by device",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM (
            SELECT DISTINCT s.conflict FROM audit_sides s
            WHERE s.tenant = $1::text AND s.device = $9::text AND s.conflict < $2::bigint
            ORDER BY s.conflict DESC) AS of_side
        JOIN conflicts c ON c.tenant = $1::text AND c.id = of_side.conflict
        """,
        newestOfSides)
    static let conflictsOfDeviceOldest = Statement(
        "select conflicts by device, oldest first",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM (
            SELECT DISTINCT s.conflict FROM audit_sides s
            WHERE s.tenant = $1::text AND s.device = $9::text AND s.conflict > $2::bigint
            ORDER BY s.conflict) AS of_side
        JOIN conflicts c ON c.tenant = $1::text AND c.id = of_side.conflict
        """,
        oldestOfSides)
    static let conflictsOfUser = Statement(
        "select conflicts by user",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM (
            SELECT DISTINCT s.conflict FROM audit_sides s
            WHERE s.tenant = $1::text AND s."user" = $10::text AND s.conflict < $2::bigint
            ORDER BY s.conflict DESC) AS of_side
        JOIN conflicts c ON c.tenant = $1::text AND c.id = of_side.conflict
        """,
        newestOfSides)
    static let conflictsOfUserOldest = Statement(
        "select conflicts by user, oldest first",
        """
        SELECT c.id, c.kind, c.status, c.version, c.collection, c.record, c.unit, c.policy, c.opened_at
        FROM (
            SELECT DISTINCT s.conflict FROM audit_sides s
            WHERE s.tenant = $1::text AND s."user" = $10::text AND s.conflict > $2::bigint
            ORDER BY s.conflict) AS of_side
        JOIN conflicts c ON c.tenant = $1::text AND c.id = of_side.conflict
        """,
        oldestOfSides)

    // MARK: The conditions that did not choose

    private static let newestOfIndex: StaticString = """
            AND ($3::text IS NULL OR c.kind = $3::text) AND ($4::text IS NULL OR c.status = $4::text)
            AND ($5::text IS NULL OR c.collection = $5::text) AND ($6::text IS NULL OR c.record = $6::text)
            AND ($7::text IS NULL OR c.unit = $7::text) AND ($8::text IS NULL OR c.policy = $8::text)
            AND ($11::bigint IS NULL OR c.opened_at >= $11::bigint)
            AND ($12::bigint IS NULL OR c.opened_at < $12::bigint)
            AND ($9::text IS NULL) AND ($10::text IS NULL)
        ORDER BY c.id DESC LIMIT $13::bigint
        """
    private static let oldestOfIndex: StaticString = """
            AND ($3::text IS NULL OR c.kind = $3::text) AND ($4::text IS NULL OR c.status = $4::text)
            AND ($5::text IS NULL OR c.collection = $5::text) AND ($6::text IS NULL OR c.record = $6::text)
            AND ($7::text IS NULL OR c.unit = $7::text) AND ($8::text IS NULL OR c.policy = $8::text)
            AND ($11::bigint IS NULL OR c.opened_at >= $11::bigint)
            AND ($12::bigint IS NULL OR c.opened_at < $12::bigint)
            AND ($9::text IS NULL) AND ($10::text IS NULL)
        ORDER BY c.id LIMIT $13::bigint
        """
    /// A conflict has several sides of one device; `DISTINCT` over the index gives it once, in the order of ids.
    private static let newestOfSides: StaticString = """
            AND ($3::text IS NULL OR c.kind = $3::text) AND ($4::text IS NULL OR c.status = $4::text)
            AND ($5::text IS NULL OR c.collection = $5::text) AND ($6::text IS NULL OR c.record = $6::text)
            AND ($7::text IS NULL OR c.unit = $7::text) AND ($8::text IS NULL OR c.policy = $8::text)
            AND ($11::bigint IS NULL OR c.opened_at >= $11::bigint)
            AND ($12::bigint IS NULL OR c.opened_at < $12::bigint)
            AND ($9::text IS NULL OR $10::text IS NULL OR (
                SELECT u.conflict FROM audit_sides u
                WHERE u.tenant = $1::text AND u."user" = $10::text AND u.conflict = c.id LIMIT 1) IS NOT NULL)
        ORDER BY of_side.conflict DESC LIMIT $13::bigint
        """
    private static let oldestOfSides: StaticString = """
            AND ($3::text IS NULL OR c.kind = $3::text) AND ($4::text IS NULL OR c.status = $4::text)
            AND ($5::text IS NULL OR c.collection = $5::text) AND ($6::text IS NULL OR c.record = $6::text)
            AND ($7::text IS NULL OR c.unit = $7::text) AND ($8::text IS NULL OR c.policy = $8::text)
            AND ($11::bigint IS NULL OR c.opened_at >= $11::bigint)
            AND ($12::bigint IS NULL OR c.opened_at < $12::bigint)
            AND ($9::text IS NULL OR $10::text IS NULL OR (
                SELECT u.conflict FROM audit_sides u
                WHERE u.tenant = $1::text AND u."user" = $10::text AND u.conflict = c.id LIMIT 1) IS NOT NULL)
        ORDER BY of_side.conflict LIMIT $13::bigint
        """
}
