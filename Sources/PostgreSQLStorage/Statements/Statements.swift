/// Every statement of the PostgreSQL engine. Values go in through parameters only; `$1` is the tenant wherever there is one,
/// and every condition begins with it. What is written in bulk comes as one array a column, so that a commit of a thousand rows
/// has the statements of a commit of one.
enum Statements {
    // MARK: The session

    /// Sets how a session plans. Every statement reads by key or by a range of an index, at any size of the tables. So
    /// the plan that is made once for all values (`force_generic_plan`: planning costs more than most of these
    /// statements) is also right before there are statistics, when the planner would take a table for small. Citus looks
    /// for the node by the value of the tenant, so there the database chooses.
    static let configure = Statement(
        "configure session",
        """
        SELECT set_config('statement_timeout', $1::text, false), set_config('lock_timeout', $2::text, false),
            set_config('idle_in_transaction_session_timeout', $3::text, false),
            set_config('search_path', 'rejoin', false),
            set_config('plan_cache_mode', CASE WHEN citus THEN 'auto' ELSE 'force_generic_plan' END, false),
            set_config('enable_seqscan', 'off', false), set_config('enable_bitmapscan', 'off', false),
            set_config('enable_hashjoin', 'off', false), set_config('enable_mergejoin', 'off', false),
            set_config('enable_sort', 'off', false), set_config('enable_material', 'off', false),
            set_config('max_parallel_workers_per_gather', '0', false), set_config('jit', 'off', false),
            set_config('synchronous_commit',
                CASE WHEN current_setting('synchronous_commit') = 'off' THEN 'on'
                ELSE current_setting('synchronous_commit') END, false),
            CASE WHEN citus THEN set_config('citus.propagate_set_commands', 'local', false) END
        FROM (
            SELECT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'citus') AS citus) AS installed
        """)
    static let discardPlans = Statement("discard plans", "DISCARD PLANS")
    static let selectServer = Statement(
        "select server",
        """
        SELECT current_setting('server_version_num')::bigint, current_setting('server_encoding'),
            EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'citus')
        """)
    static let selectRecovery = Statement("select recovery", "SELECT pg_is_in_recovery()")
    static let ping = Statement("ping", "SELECT 1")
    static let examine = Statement(
        "examine",
        """
        SELECT current_setting('server_version'), current_user::text, r.rolsuper OR r.rolbypassrls,
            EXISTS (SELECT 1 FROM pg_catalog.pg_tables t
                WHERE t.schemaname = 'rejoin' AND t.tablename = 'records' AND t.tableowner = current_user),
            current_setting('synchronous_commit'), current_setting('fsync')
        FROM pg_catalog.pg_roles r WHERE r.rolname = current_user
        """)

    // MARK: The schema

    static let schemaIsThere = Statement(
        "find schema",
        "SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = 'rejoin' AND tablename = 'schema_versions'")
    static let schemaVersion = Statement(
        "select schema version", "SELECT coalesce(max(version), 0) FROM rejoin.schema_versions")
    /// Takes a lock under a number that nobody else takes. Two servers that start at the same time migrate one after
    /// the other.
    static let lockMigrations = Statement("lock migrations", "SELECT pg_advisory_xact_lock(7238510395501)")
    static let createSchema = Statement("create schema", "CREATE SCHEMA IF NOT EXISTS rejoin")
    static let createVersions = Statement(
        "create schema versions",
        """
        CREATE TABLE IF NOT EXISTS rejoin.schema_versions (
            version bigint NOT NULL PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())
        """)
    static let insertVersion = Statement(
        "insert schema version", "INSERT INTO rejoin.schema_versions (version) VALUES ($1::bigint)")
    static let insertStore = Statement(
        "insert store",
        """
        INSERT INTO rejoin.store (only_row, lineage, cursor_key, redaction_key)
        VALUES (true, $1::text, $2::bytea, $3::bytea)
        """)
    static let selectStore = Statement("select store", "SELECT lineage, cursor_key, redaction_key FROM rejoin.store")
    static let grant = Statement("grant to server", "SELECT rejoin.grant_to_server($1::text)")

    // MARK: Transactions

    /// Begins at "read committed", so that each statement after the tenant's lock sees what was committed before the
    /// lock was given.
    static let begin = Statement("begin", "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
    static let setTenant = Statement("set tenant", "SELECT rejoin.set_tenant($1::text)")
    /// Sends what `configure` has set for the coordinator to the nodes of a transaction. It goes there with the BEGIN.
    static let setOnNodes = Statement(
        "set on nodes",
        """
        SELECT rejoin.set_on_nodes(ARRAY[
            'lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout', 'synchronous_commit',
            'enable_seqscan', 'enable_bitmapscan', 'enable_hashjoin', 'enable_mergejoin', 'enable_sort',
            'enable_material', 'max_parallel_workers_per_gather', 'jit'])
        """)
    /// Lets a commit take as long as it takes. Where a standby has to confirm it, a time-out would end that wait and
    /// report as committed what a failover would lose.
    static let waitForCommit = Statement("wait for commit", "SET LOCAL statement_timeout = 0")
    static let commit = Statement("commit", "COMMIT")
    static let rollback = Statement("rollback", "ROLLBACK")
    static let beginReading = Statement("begin reading", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    static let endReading = Statement("end reading", "COMMIT")

    /// Takes the tenant's lock, which is held until the transaction ends.
    static let lockHead = Statement(
        "lock head",
        """
        SELECT sequence, operation_ordinal, audit_position, audit_hash, audit_recorded_at, purge_floor, life
        FROM tenants WHERE tenant = $1::text FOR UPDATE
        """)
    static let selectHead = Statement(
        "select head",
        """
        SELECT sequence, operation_ordinal, audit_position, audit_hash, audit_recorded_at, purge_floor
        FROM tenants WHERE tenant = $1::text
        """)
    static let updateHead = Statement(
        "write head",
        """
        UPDATE tenants SET sequence = $2::bigint, operation_ordinal = $3::bigint, audit_position = $4::bigint,
            audit_hash = $5::bytea, audit_recorded_at = $6::bigint, purge_floor = $7::bigint, life = $8::bigint
        WHERE tenant = $1::text
        """)
    static let insertTenant = Statement(
        "insert tenant",
        """
        INSERT INTO tenants (
            tenant, sequence, operation_ordinal, audit_position, audit_hash, audit_recorded_at, purge_floor)
        VALUES ($1::text, 0, 0, 0, '', 0, 0)
        ON CONFLICT (tenant) DO NOTHING
        """)
    static let selectTenants = Statement("select tenants", "SELECT name FROM tenant_names() AS names (name)")

    // MARK: Lives

    static let noteLife = Statement("note life", "SELECT number, id, is_follower FROM note_life()")
    static let insertLifeBeginning = Statement(
        "write life beginning",
        "INSERT INTO life_beginnings (tenant, life, sequence) VALUES ($1::text, $2::bigint, $3::bigint)")
    /// Where a life ended for a tenant. There is no row for a life that is not known here.
    static let selectLifeEnd = Statement(
        "select life end",
        """
        SELECT l.number, (
            SELECT b.sequence FROM life_beginnings b WHERE b.tenant = $1::text AND b.life > l.number
            ORDER BY b.life LIMIT 1)
        FROM lives l WHERE l.id = $2::bigint
        """)

    // MARK: Records

    // Each key has a sub-select of its own with a LIMIT or an order where many keys are looked up at once. The planner
    // may not turn that round. Otherwise it would join the other way while it takes the table for empty.

    /// Reads records. A record beyond the bytes that are allowed gives only its name: the length of a long text is
    /// known without reading it.
    static let selectRecords = Statement(
        "select records of read set",
        """
        SELECT s.collection, s.id, s.sequence, s.deleted, s.purged, CASE WHEN s.fits THEN s.clock END, s.stamp,
            CASE WHEN s.fits THEN s.fields END, CASE WHEN s.fits THEN s.siblings END, CASE WHEN s.fits THEN s.state END,
            s.open_conflicts, s.changed_at, s.fits
        FROM (
            SELECT r.*, row_number() OVER read = 1 OR sum(
                octet_length(r.clock) + octet_length(r.fields) + octet_length(r.state)
                + coalesce(octet_length(r.siblings), 0)) OVER read <= $4::bigint AS fits
            FROM unnest($2::text[], $3::text[]) AS read_set (collection, id)
            CROSS JOIN LATERAL (
                SELECT * FROM records
                WHERE tenant = $1::text AND collection = read_set.collection AND id = read_set.id LIMIT 1) AS r
            WINDOW read AS (ROWS UNBOUNDED PRECEDING)) AS s
        """)
    private static let intoRecords: StaticString = """
        INSERT INTO records (
            tenant, collection, id, sequence, deleted, purged, clock, stamp, fields, siblings, state, open_conflicts,
            changed_at)
        """
    private static let rowsOfRecords: StaticString = """
        unnest(
            $2::text[], $3::text[], $4::bigint[], $5::boolean[], $6::boolean[], $7::text[], $8::bigint[], $9::text[],
            $10::text[], $11::text[], $12::bigint[], $13::bigint[])
        """
    /// Inserts records that were looked for and are not there. To be ready for one that is would confirm each row in the
    /// log.
    static let insertRecords = Statement("insert records", insert: intoRecords, rows: rowsOfRecords)
    static let writeRecords = Statement(
        "write records", insert: intoRecords, rows: rowsOfRecords,
        """
        ON CONFLICT (tenant, collection, id) DO UPDATE SET
            sequence = excluded.sequence, deleted = excluded.deleted, purged = excluded.purged, clock = excluded.clock,
            stamp = excluded.stamp, fields = excluded.fields, siblings = excluded.siblings, state = excluded.state,
            open_conflicts = excluded.open_conflicts, changed_at = excluded.changed_at
        """)
    static let selectRecord = Statement(
        "select record",
        """
        SELECT collection, id, sequence, deleted, purged, clock, stamp, fields, siblings, state, open_conflicts,
            changed_at
        FROM records WHERE tenant = $1::text AND collection = $2::text AND id = $3::text
        """)
    /// Reads a page of the feed. The statement looks at so many rows, and gives the content of only those that belong
    /// to the page: rows of the collections that are asked for (none stands for all), and
    /// of the collections in `$6` only the records of `$7` and `$8`; the first of them and those that
    /// stay within `$4` bytes. Of the others it gives the place, and their content is never fetched (`octet_length`
    /// does not need it). So no more than a page is in memory here or at the server.
    static let selectChanges = Statement(
        "select changes",
        """
        SELECT collection, CASE WHEN given THEN id END, sequence, deleted, purged, CASE WHEN given THEN clock END, stamp,
            CASE WHEN given THEN fields END, CASE WHEN given THEN siblings END, CASE WHEN given THEN state END,
            open_conflicts, changed_at, size::bigint, wanted
        FROM (
            SELECT *, wanted AND (total <= $4::bigint OR total = size) AS given
            FROM (
                SELECT *, sum(CASE WHEN wanted THEN size ELSE 0 END)
                    OVER (ORDER BY sequence ROWS UNBOUNDED PRECEDING) AS total
                FROM (
                    SELECT *, (cardinality($5::text[]) = 0 OR collection = ANY ($5::text[])) AND (
                        NOT (collection = ANY ($6::text[]))
                        OR (collection, id) IN (SELECT * FROM unnest($7::text[], $8::text[]))) AS wanted,
                        256 + octet_length(collection) + octet_length(id) + octet_length(clock) + octet_length(fields)
                            + coalesce(octet_length(siblings), 0) + octet_length(state) AS size
                    FROM records WHERE tenant = $1::text AND sequence > $2::bigint AND NOT purged
                    ORDER BY sequence LIMIT $3::bigint
                ) looked
            ) summed
        ) page
        ORDER BY sequence
        """)

    // MARK: Devices

    static let selectDevicesOfReadSet = Statement(
        "select devices of read set",
        """
        SELECT d.device, d."user", d.registered_at, d.last_seen_at, d.acknowledged, d.retired_at
        FROM unnest($2::text[]) AS read_set (device)
        CROSS JOIN LATERAL (
            SELECT * FROM devices WHERE tenant = $1::text AND device = read_set.device LIMIT 1) AS d
        """)
    static let selectDevice = Statement(
        "select device",
        """
        SELECT device, "user", registered_at, last_seen_at, acknowledged, retired_at
        FROM devices WHERE tenant = $1::text AND device = $2::text
        """)
    static let selectDevices = Statement(
        "select devices",
        """
        SELECT device, "user", registered_at, last_seen_at, acknowledged, retired_at
        FROM devices WHERE tenant = $1::text ORDER BY device
        """)
    /// Retired devices do not count.
    static let countDevicesOfUser = Statement(
        "count devices of user",
        """
        SELECT count(*) FROM devices WHERE tenant = $1::text AND "user" = $2::text AND retired_at IS NULL
        """)
    static let insertDevices = Statement(
        "insert devices",
        insert: """
            INSERT INTO devices (tenant, device, "user", registered_at, last_seen_at, acknowledged, retired_at)
            """,
        rows: """
            unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
            """,
        """
        ON CONFLICT (tenant, device) DO NOTHING
        """)
    /// The first retirement counts.
    static let retireDevice = Statement(
        "retire device",
        """
        UPDATE devices SET retired_at = coalesce(retired_at, $3::bigint)
        WHERE tenant = $1::text AND device = $2::text
        """)
    static let acknowledge = Statement(
        "acknowledge",
        """
        UPDATE devices d SET acknowledged = greatest(d.acknowledged, seen.acknowledged),
            last_seen_at = greatest(d.last_seen_at, seen.at)
        FROM (
            SELECT device, max(acknowledged) AS acknowledged, max(at) AS at
            FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS heartbeat (device, acknowledged, at)
            GROUP BY device) AS seen
        WHERE d.tenant = $1::text AND d.device = ANY ($2::text[]) AND d.device = seen.device
        """)

    // MARK: One-time codes

    static let insertCode = Statement(
        "insert code",
        """
        INSERT INTO one_time_codes (tenant, code, expires_at)
        VALUES ($1::text, $2::text, $3::bigint)
        ON CONFLICT (tenant, code) DO NOTHING
        """)
    /// Forgets codes, the oldest first, and at most so many. They are an array, because the planner turns a sub-select
    /// with a limit into a join that sorts.
    static let forgetCodes = Statement(
        "forget codes",
        """
        DELETE FROM one_time_codes WHERE tenant = $1::text AND code = ANY (ARRAY(
            SELECT code FROM one_time_codes WHERE tenant = $1::text AND expires_at < $2::bigint
            ORDER BY expires_at, code LIMIT $3::bigint))
        """)

    // MARK: Access

    static let selectAccessEnds = Statement(
        "select access ends",
        """
        SELECT kind, name, ends_before FROM access_ends
        WHERE tenant = $1::text AND kind = ANY (ARRAY['session', 'sessions', 'tokens'])
            AND name = ANY (ARRAY[$2::text, $3::text, ''])
        """)
    static let upsertAccessEnd = Statement(
        "end access",
        """
        INSERT INTO access_ends AS a (tenant, kind, name, ends_before, expires_at)
        VALUES ($1::text, $2::text, $3::text, $4::bigint, $5::bigint)
        ON CONFLICT (tenant, kind, name) DO UPDATE SET ends_before = greatest(a.ends_before, excluded.ends_before),
            expires_at = greatest(a.expires_at, excluded.expires_at)
        """)
    /// Forgets sessions, which alone expire. They are an array, as codes are.
    static let forgetAccessEnds = Statement(
        "forget access ends",
        """
        DELETE FROM access_ends WHERE tenant = $1::text AND kind = 'session' AND name = ANY (ARRAY(
            SELECT name FROM access_ends WHERE tenant = $1::text AND expires_at < $2::bigint
            ORDER BY expires_at, kind, name LIMIT $3::bigint))
        """)
    static let lockKeyCheck = Statement(
        "lock key check", "SELECT pg_advisory_xact_lock(5928472614379028)")
    static let selectKeyCheck = Statement(
        "select key check", "SELECT key_check FROM store WHERE key_check IS NOT NULL")
    static let updateKeyCheck = Statement("agree on key", "UPDATE store SET key_check = $1::bytea")

    // MARK: Notifications

    static let listen = Statement("listen", "LISTEN rejoin_changes")
    static let notify = Statement("notify", "SELECT pg_notify('rejoin_changes', $1::text)")
}
