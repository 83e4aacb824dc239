import Foundation

extension PostgreSQLCluster {
    /// Runs one of PostgreSQL's programs against a database of this cluster, such as `pg_dump`.
    public func run(
        _ program: String, _ arguments: [String], on database: String
    ) async throws(PostgreSQLClusterError) {
        try await offPool { () throws(PostgreSQLClusterError) in
            _ = try Subprocess.run(
                [self.installation.program(program)] + arguments + ["--dbname=\(self.conninfo(database: database))"])
        }
    }

    /// Copies the files of this cluster as they are now, with the log that makes them whole (`pg_basebackup`). The copy is not
    /// started.
    public func makeBackup() async throws(PostgreSQLClusterError) -> PostgreSQLCluster {
        let options = options
        let parts = try await offPool { () throws(PostgreSQLClusterError) in try Parts(options) }
        let copy = PostgreSQLCluster(parts)
        try await offPool { () throws(PostgreSQLClusterError) in try copy.copyFiles(of: self, connectingAs: "backup") }
        return copy
    }

    /// Starts a copy.
    public enum Recovery: Sendable {
        /// As files that were put back: it goes as far as its own log.
        case putBack
        /// It goes on with the log of another cluster, up to a position (`pg_current_wal_lsn()`), and takes writes from there.
        case to(position: String, withLogOf: PostgreSQLCluster)
    }

    /// Starts a copy for the first time. It takes writes when this returns.
    public func startBackup(_ recovery: Recovery) async throws(PostgreSQLClusterError) {
        try await offPool { () throws(PostgreSQLClusterError) in
            switch recovery {
            case .putBack: try self.startFirst()
            case .to(let position, let source):
                try Configuration.write([], to: "\(self.dataDirectory)/recovery.signal")
                try self.startFirst([
                    "restore_command": "cp \"\(source.dataDirectory)/pg_wal/%f\" \"%p\"",
                    "recovery_target_lsn": position, "recovery_target_action": "promote",
                ])
            }
            try waitUntil("the end of the recovery", limit: Self.patience) { () throws(PostgreSQLClusterError) in
                try self.runPSQL("SELECT pg_is_in_recovery()", self.conninfo()) == "f"
            }
        }
    }

    // Below: on a thread that may block.

    /// Copies the files of another cluster into the data directory of this one.
    func copyFiles(of source: PostgreSQLCluster, connectingAs name: String) throws(PostgreSQLClusterError) {
        let conninfo = "\(source.conninfo()) application_name='\(name)'"
        _ = try Subprocess.run(
            installation.asServerUser(
                [
                    installation.program("pg_basebackup"), "--dbname=\(conninfo)", "--pgdata=\(dataDirectory)",
                    "--checkpoint=fast", "--wal-method=stream", "--no-sync",
                ], in: directory))
        // The copy must not have one of the source's own changes: that its commits wait for a standby.
        try Configuration.write([], to: "\(dataDirectory)/postgresql.auto.conf")
    }
}
