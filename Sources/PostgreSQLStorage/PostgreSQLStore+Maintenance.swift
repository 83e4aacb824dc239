import SyncStorage

extension PostgreSQLStore {
    /// What there is to say about a database, for people.
    public struct Findings: Sendable, Hashable {
        public var summary: String
        /// What could be better.
        public var warnings: [String]
        /// What keeps servers from working as they should.
        public var faults: [String] = []
    }

    /// What a migration did.
    public struct SchemaChange: Sendable, Hashable {
        /// The version before; 0 where there was no schema.
        public let from: Int
        public let to: Int
        /// The tables that could be distributed by Citus, which the database has, and are not.
        public let undistributedTables: [String]
    }

    /// Looks at a database without changing anything.
    public static func examine(
        _ conninfo: Conninfo, options: Options = Options()
    ) async throws(StoreError) -> Findings {
        try await onOneSession(conninfo, options) { (session: Session) throws(StoreError) in
            guard try !session.needsMigration() else {
                throw .cannotOpen("the schema is not there, or not the newest; run 'rejoin migrate'")
            }
            let version = try session.schemaVersion()
            let row = try session.exchange([Request(Statements.examine)])[0]
                .first { (row: Columns) throws(StoreError) in
                    (
                        server: try row.text(0), role: try row.text(1), passesPolicies: row.boolean(2),
                        owns: row.boolean(3), synchronousCommit: try row.text(4), fsync: try row.text(5)
                    )
                }
            guard let row else { throw .damaged("the database says nothing about itself") }
            var warnings: [String] = []
            if row.passesPolicies {
                warnings.append("role \(row.role) passes row-level security; serve with one that does not")
            } else if row.owns {
                warnings.append("role \(row.role) owns the tables; serve with one that only was granted them")
            }
            if row.fsync != "on" { warnings.append("fsync is \(row.fsync): commits are not durable") }
            if options.connections < 3 {
                warnings.append("with fewer than three connections requests wait for the slowest")
            }
            var findings = Findings(summary: "schema \(version) on PostgreSQL \(row.server)", warnings: warnings)
            try session.examineCluster(into: &findings)
            return findings
        }
    }
}
