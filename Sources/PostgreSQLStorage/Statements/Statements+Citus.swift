/// What is asked of a database in which Citus is installed, and of no other: by `rejoin migrate` and `rejoin doctor`.
extension Statements {
    static let selectCitusVersion = Statement("select version of Citus", "SELECT citus_version()")
    /// How each table is distributed: `h` by the hash of a column, `n` not at all, the same on every node.
    /// Parts of tables, whose names end with a number, do not count.
    static let selectDistribution = Statement(
        "select distribution",
        """
        SELECT c.relname::text, coalesce(p.partmethod::text, ''),
            coalesce(column_to_column_name(p.logicalrelid, p.partkey), ''), coalesce(p.colocationid, 0)::bigint,
            EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant')
        FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_dist_partition p ON p.logicalrelid = c.oid
        WHERE c.relnamespace = 'rejoin'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            AND c.relname !~ '_[0-9]{6,}$'
        ORDER BY c.relname
        """)
    static let selectPropagation = Statement(
        "select propagation of settings",
        """
        SELECT EXISTS (
            SELECT FROM pg_catalog.pg_db_role_setting s, unnest(s.setconfig) AS setting
            WHERE s.setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
                AND setting = 'citus.propagate_set_commands=local')
        """)
    /// Asks each worker. The command is one text, with a result of one column.
    static let selectWorkers = Statement(
        "select workers",
        """
        SELECT nodename::text || ':' || nodeport, success, coalesce(result, '')
        FROM run_command_on_workers($command$
            SELECT concat_ws(' ', current_setting('fsync'), to_regprocedure('rejoin.set_tenant(text)') IS NOT NULL)
        $command$)
        """)
    /// Asks the node of a tenant what the transaction has set there. The tenant need not exist. Its rows are counted, so
    /// that the node has to be asked.
    static let selectSettingsOnNode = Statement(
        "select settings on node",
        """
        SELECT coalesce(current_setting('rejoin.tenant', true), '') || ' ' || current_setting('lock_timeout')
            || ' ' || current_setting('synchronous_commit'), count(*)
        FROM tenants WHERE tenant = $1::text
        """)
    /// What the answer to that should be.
    static let selectSettings = Statement(
        "select settings",
        """
        SELECT $1::text || ' ' || current_setting('lock_timeout') || ' ' || current_setting('synchronous_commit')
        """)
}
