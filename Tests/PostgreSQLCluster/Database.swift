extension PostgreSQLCluster {
    /// A database in a cluster, owned by `ownerRole`.
    public struct Database: Sendable {
        public let cluster: PostgreSQLCluster
        public let name: String

        /// How the role that makes the schema connects.
        public var ownerConninfo: String { cluster.conninfo(database: name, user: ownerRole) }
        /// How the server under test connects.
        public var serverConninfo: String { cluster.conninfo(database: name, user: serverRole) }
        /// How a superuser connects.
        public var adminConninfo: String { cluster.conninfo(database: name) }

        /// Runs SQL in it; see `PostgreSQLCluster.psql`.
        @discardableResult
        public func psql(
            _ sql: String, user: String = superuser, variables: [String: String] = [:]
        ) async throws(PostgreSQLClusterError) -> String {
            try await cluster.psql(sql, database: name, user: user, variables: variables)
        }

        /// Drops it, whoever is connected.
        public func drop() async throws(PostgreSQLClusterError) {
            try await cluster.psql("DROP DATABASE :\"name\" WITH (FORCE)", variables: ["name": name])
        }
    }

    /// Makes a database. Any number may be made at once.
    /// - Parameters:
    ///   - name: nil: a new one.
    ///   - template: the database to copy, to which nobody may be connected; nil: an empty one.
    public func makeDatabase(
        _ name: String? = nil, template: String? = nil
    ) async throws(PostgreSQLClusterError) -> Database {
        try await offPool { () throws(PostgreSQLClusterError) in
            try self.databases.withLock { (count) throws(PostgreSQLClusterError) in
                count += 1
                let name = name ?? "test_\(count)"
                // Copying files is the quickest where nothing waits for a disk.
                _ = try self.runPSQL(
                    "CREATE DATABASE :\"name\" OWNER :\"owner\" TEMPLATE :\"template\" STRATEGY file_copy",
                    self.conninfo(),
                    variables: ["name": name, "owner": Self.ownerRole, "template": template ?? "template0"])
                return Database(cluster: self, name: name)
            }
        }
    }
}
