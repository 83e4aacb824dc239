// Operations stand in groups, and each has an entry by which it is found (`OperationGroup` and `OperationEntry`).

extension Statements {
    // MARK: Finding operations

    /// Where an operation `o` stands, in its group `g`.
    private static let placeColumns: StaticString = "SELECT o.twin, o.ordinal, g.first, g.size::bigint"
    private static let groupOfOperation: StaticString = """
        CROSS JOIN LATERAL (
            SELECT first, octet_length(content) AS size FROM operation_groups
            WHERE tenant = $1::text AND first <= o.ordinal ORDER BY first DESC LIMIT 1) AS g
        """

    /// Finds the operations under keys of ids.
    static let selectPlaces = Statement(
        "select places of operations",
        placeColumns,
        """
        FROM unnest($2::uuid[]) AS read_set (id)
        CROSS JOIN LATERAL (
            SELECT twin, ordinal FROM operations WHERE tenant = $1::text AND id = read_set.id ORDER BY twin) AS o
        """, groupOfOperation)
    /// Finds the operations that events were, among the newest `$5` of each record.
    static let selectPlacesOfDots = Statement(
        "select places of dots",
        placeColumns,
        """
        FROM unnest($2::uuid[], $3::bigint[], $4::bigint[]) AS read_set (record, author, counter)
        CROSS JOIN LATERAL (
            SELECT newest.twin, newest.ordinal
            FROM (
                SELECT twin, ordinal, author, counter FROM operations
                WHERE tenant = $1::text AND record = read_set.record
                ORDER BY ordinal DESC LIMIT $5::bigint) AS newest
            WHERE newest.author = read_set.author AND newest.counter = read_set.counter) AS o
        """, groupOfOperation)
    static let selectPlacesOfRecord = Statement(
        "select operations of record",
        placeColumns,
        """
        FROM (
            SELECT twin, ordinal FROM operations
            WHERE tenant = $1::text AND record = $2::uuid AND ordinal < $3::bigint
            ORDER BY ordinal DESC LIMIT $4::bigint) AS o
        """, groupOfOperation)
    static let selectPlacesOfRejected = Statement(
        "select rejected operations",
        placeColumns,
        """
        FROM (
            SELECT twin, ordinal FROM operations
            WHERE tenant = $1::text AND ordinal < $2::bigint AND rejected
            ORDER BY ordinal DESC LIMIT $3::bigint) AS o
        """, groupOfOperation)
    static let selectPlacesOfRejectedOfDevice = Statement(
        "select rejected operations of device",
        placeColumns,
        """
        FROM (
            SELECT twin, ordinal FROM operations
            WHERE tenant = $1::text AND author = $2::bigint AND ordinal < $3::bigint AND rejected
            ORDER BY ordinal DESC LIMIT $4::bigint) AS o
        """, groupOfOperation)
    static let selectGroups = Statement(
        "select groups of operations",
        """
        SELECT g.first, g.content
        FROM unnest($2::bigint[]) AS read_set (first)
        CROSS JOIN LATERAL (
            SELECT first, content FROM operation_groups
            WHERE tenant = $1::text AND first = read_set.first LIMIT 1) AS g
        """)
    /// Reads the groups that batches made.
    static let selectGroupsOfBatches = Statement(
        "select groups of batches",
        """
        SELECT g.first, g.content
        FROM unnest($2::bigint[], $3::bigint[]) AS read_set (first, last)
        CROSS JOIN LATERAL (
            SELECT first, content FROM operation_groups
            WHERE tenant = $1::text AND first >= read_set.first AND first <= read_set.last ORDER BY first) AS g
        """)

    // MARK: Writing operations

    /// Writes entries that are not there yet. The key refuses one that is.
    static let insertOperations = Statement(
        "write operations",
        insert: """
            INSERT INTO operations (tenant, id, twin, ordinal, record, author, counter, rejected)
            """,
        rows: """
            unnest(
                $2::uuid[], $3::bigint[], $4::bigint[], $5::uuid[], $6::bigint[], $7::bigint[], $8::boolean[])
            """)
    /// Puts the next result of an operation in the place of a rejection. Where anything else is there, no row changes.
    static let replaceOperation = Statement(
        "replace operation",
        """
        UPDATE operations SET ordinal = $4::bigint, record = $5::uuid, author = $6::bigint, counter = $7::bigint,
            rejected = $8::boolean
        WHERE tenant = $1::text AND id = $2::uuid AND twin = $3::bigint AND rejected
        """)
    static let insertGroups = Statement(
        "write groups of operations",
        insert: """
            INSERT INTO operation_groups (tenant, first, content)
            """,
        rows: """
            unnest($2::bigint[], $3::bytea[])
            """)

    // MARK: Batches

    static let selectBatches = Statement(
        "select batches of read set",
        """
        SELECT b.device, b.key, b.fingerprint, b.results, b.recorded_at, b.first_ordinal, b.last_ordinal
        FROM unnest($2::text[], $3::text[]) AS read_set (device, key)
        CROSS JOIN LATERAL (
            SELECT * FROM batches
            WHERE tenant = $1::text AND device = read_set.device AND key = read_set.key LIMIT 1) AS b
        """)
    static let selectBatch = Statement(
        "select batch",
        """
        SELECT device, key, fingerprint, results, recorded_at
        FROM batches WHERE tenant = $1::text AND device = $2::text AND key = $3::text
        """)
    static let insertBatches = Statement(
        "insert batches",
        insert: """
            INSERT INTO batches (tenant, device, key, fingerprint, results, recorded_at, first_ordinal, last_ordinal)
            """,
        rows: """
            unnest(
                $2::text[], $3::text[], $4::bytea[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[])
            """)

    // MARK: Moving from schema 5

    /// Names a tenant before the schema has `set_tenant`. No schema as early as this can be distributed over nodes.
    static let setFormerTenant = Statement(
        "set former tenant", "SELECT set_config('rejoin.tenant', $1::text, true)")
    static let selectFormerOperations = Statement(
        "select former operations",
        """
        SELECT id, device, ordinal, "user", batch, collection, record, counter, clock, fingerprint, outcome, result,
            content, stamp, recorded_at
        FROM former_operations WHERE tenant = $1::text AND ordinal > $2::bigint
        ORDER BY ordinal LIMIT 100
        """)
    static let dropFormerOperations = Statement("drop former operations", "DROP TABLE former_operations")
}
