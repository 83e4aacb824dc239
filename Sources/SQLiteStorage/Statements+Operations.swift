// Operations stand in groups, and each has an entry by which it is found (`OperationGroup` and `OperationEntry`).

extension Statements {
    // MARK: Finding operations

    /// Where an operation stands, in which group.
    private static let placeColumns: StaticString = """
        SELECT twin, ordinal, (
            SELECT first FROM operation_groups g WHERE g.tenant = ?1 AND g.first <= ordinal
            ORDER BY g.first DESC LIMIT 1)
        """

    /// Finds the operations under the key of an id.
    static let selectPlaces = Statement(
        "select places of operations",
        placeColumns,
        """
        FROM operations WHERE tenant = ?1 AND id = ?2
        ORDER BY twin
        """)
    /// Finds the operation that an event was, among the newest `?5` of its record.
    static let selectPlaceOfDot = Statement(
        "select place of dot",
        placeColumns,
        """
        FROM (
            SELECT twin, ordinal, author, counter FROM operations INDEXED BY operations_by_record
            WHERE tenant = ?1 AND record = ?2
            ORDER BY ordinal DESC LIMIT ?5) AS newest
        WHERE author = ?3 AND counter = ?4
        """)
    static let selectPlacesOfRecord = Statement(
        "select operations of record",
        placeColumns,
        """
        FROM operations INDEXED BY operations_by_record WHERE tenant = ?1 AND record = ?2 AND ordinal < ?3
        ORDER BY ordinal DESC LIMIT ?4
        """)
    static let selectPlacesOfRejected = Statement(
        "select rejected operations",
        placeColumns,
        """
        FROM operations INDEXED BY operations_rejected WHERE tenant = ?1 AND ordinal < ?2 AND rejected = 1
        ORDER BY ordinal DESC LIMIT ?3
        """)
    static let selectPlacesOfRejectedOfDevice = Statement(
        "select rejected operations of device",
        placeColumns,
        """
        FROM operations INDEXED BY operations_rejected_by_device
        WHERE tenant = ?1 AND author = ?2 AND ordinal < ?3 AND rejected = 1
        ORDER BY ordinal DESC LIMIT ?4
        """)
    static let selectGroup = Statement(
        "select group of operations",
        "SELECT first, content FROM operation_groups WHERE tenant = ?1 AND first = ?2")
    /// Reads the groups that a batch made.
    static let selectGroupsOfBatch = Statement(
        "select groups of batch",
        """
        SELECT first, content FROM operation_groups WHERE tenant = ?1 AND first >= ?2 AND first <= ?3
        ORDER BY first
        """)

    // MARK: Writing operations

    /// Writes an entry that is not there yet; where it is there, no row changes.
    static let insertOperation = Statement(
        "write operation",
        """
        INSERT INTO operations (tenant, id, twin, ordinal, record, author, counter, rejected)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (tenant, id, twin) DO NOTHING
        """)
    /// Puts the next result of an operation in the place of a rejection. Where anything else is there, no row changes.
    static let replaceOperation = Statement(
        "replace operation",
        """
        UPDATE operations SET ordinal = ?4, record = ?5, author = ?6, counter = ?7, rejected = ?8
        WHERE tenant = ?1 AND id = ?2 AND twin = ?3 AND rejected = 1
        """)
    static let insertGroup = Statement(
        "write group of operations", "INSERT INTO operation_groups (tenant, first, content) VALUES (?1, ?2, ?3)")

    // MARK: Batches

    static let selectBatch = Statement(
        "select batch",
        """
        SELECT device, key, fingerprint, results, recorded_at, first_ordinal, last_ordinal
        FROM batches WHERE tenant = ?1 AND device = ?2 AND key = ?3
        """)
    static let insertBatch = Statement(
        "insert batch",
        """
        INSERT INTO batches (
            tenant, device, key, fingerprint, results, recorded_at, first_ordinal, last_ordinal)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        """)

    // MARK: Moving from schema 5

    static let selectFormerOperations = Statement(
        "select former operations",
        """
        SELECT id, device, ordinal, user, batch, collection, record, counter, clock, fingerprint, outcome, result,
            content, stamp, recorded_at
        FROM former_operations WHERE tenant = ?1 AND ordinal > ?2
        ORDER BY ordinal LIMIT 100
        """)
    static let selectFormerBatches = Statement(
        "select former batches",
        """
        SELECT device, key, fingerprint, results, recorded_at FROM former_batches
        WHERE tenant = ?1 AND (device, key) > (?2, ?3) ORDER BY device, key LIMIT 100
        """)
    static let dropFormerOperations = Statement("drop former operations", "DROP TABLE former_operations")
    static let dropFormerBatches = Statement("drop former batches", "DROP TABLE former_batches")
}
