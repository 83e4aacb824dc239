import Foundation

extension PostgreSQLCluster {
    /// Makes a second cluster that follows this one, and has every commit here wait until it has been written there
    /// too. A commit waits for as long as the standby is away.
    /// - Parameter options: its settings go over those of this cluster.
    /// - Returns: the standby, which takes queries that only read.
    public func makeStandby(
        _ options: Options = Options()
    ) async throws(PostgreSQLClusterError) -> PostgreSQLCluster {
        var options = options
        // A standby needs at least as many connections as its primary has, so it begins with the same settings.
        options.settings = self.options.settings.merging(options.settings) { $1 }
        let parts = try await offPool { [options] () throws(PostgreSQLClusterError) in try Parts(options) }
        let standby = PostgreSQLCluster(parts)
        try await offPool { () throws(PostgreSQLClusterError) in
            let names = self.standbys.withLock { names in
                names.append("standby_\(names.count + 1)")
                return names
            }
            try standby.follow(self, as: names.last ?? "")
            try self.waitForStandbys(names)
        }
        return standby
    }

    /// Makes a standby a primary: it takes writes when this returns. What was its primary is not told.
    public func promote() async throws(PostgreSQLClusterError) {
        try await psql("SELECT pg_promote(true, 60)")
        try await offPool { () throws(PostgreSQLClusterError) in
            try waitUntil("the promotion", limit: Self.patience) { () throws(PostgreSQLClusterError) in
                try self.runPSQL("SELECT pg_is_in_recovery()", self.conninfo()) == "f"
            }
        }
    }

    /// Changes settings that a reload is enough for (`ALTER SYSTEM`), and waits until new connections have them.
    /// - Parameter settings: in the server's own spelling, as `SHOW` prints them.
    public func set(_ settings: [String: String]) async throws(PostgreSQLClusterError) {
        try await offPool { () throws(PostgreSQLClusterError) in try self.alterSystem(settings) }
    }

    // Below: on a thread that may block.

    /// Copies a primary and starts as its standby.
    private func follow(_ primary: PostgreSQLCluster, as name: String) throws(PostgreSQLClusterError) {
        try copyFiles(of: primary, connectingAs: name)
        try Configuration.write([], to: "\(dataDirectory)/standby.signal")
        try startFirst(["primary_conninfo": "\(primary.conninfo()) application_name='\(name)'"])
    }

    private func waitForStandbys(_ names: [String]) throws(PostgreSQLClusterError) {
        try alterSystem(["synchronous_standby_names": names.joined(separator: ", ")])
        try waitUntil("the standby's following", limit: Self.patience, pause: .milliseconds(20)) {
            () throws(PostgreSQLClusterError) in
            let following = "SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'potential')"
            return try self.runPSQL(following, self.conninfo()) == String(names.count)
        }
        // It is the checkpointer that makes commits wait, once it has read the new settings; and it reads before it
        // serves.
        _ = try runPSQL("CHECKPOINT", conninfo())
    }

    private func alterSystem(_ settings: [String: String]) throws(PostgreSQLClusterError) {
        for (name, value) in settings {
            let variables = ["name": name, "value": value]
            _ = try runPSQL(
                "ALTER SYSTEM SET :\"name\" = :'value'; SELECT pg_reload_conf()", conninfo(), variables: variables)
            try waitUntil("the setting \(name)", limit: Self.patience) { () throws(PostgreSQLClusterError) in
                try self.runPSQL("SELECT current_setting(:'name') = :'value'", self.conninfo(), variables: variables)
                    == "t"
            }
        }
    }
}
