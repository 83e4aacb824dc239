import PostgreSQLCluster
import Testing

@Suite("a cluster on TCP")
struct NetworkTests {
    @Test("over TLS nobody gets in who expects another authority or another host, has no password or goes without TLS")
    func verifiedTLS() async throws {
        try await PostgreSQLCluster.withCluster(PostgreSQLCluster.Options(network: .tls)) { cluster in
            let used = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            for host in ["localhost", "127.0.0.1"] {
                let isUsed = try await cluster.psql(used, conninfo: cluster.conninfo(over: .tls(host: host)))
                #expect(isUsed == "t")
            }
            let conninfo = cluster.conninfo(over: .tls())
            let refusals = [
                cluster.conninfo(over: .tls(authority: cluster.otherAuthorityFile)): "certificate verify failed",
                cluster.conninfo(over: .tls(host: "database.example")): "does not match host name",
                "\(conninfo) password=''": "no password supplied",
                cluster.conninfo(over: .tcp): "no pg_hba.conf entry",
            ]
            for (conninfo, reason) in refusals {
                let error = await #expect(throws: PostgreSQLClusterError.self) {
                    try await cluster.psql("SELECT 1", conninfo: conninfo)
                }
                #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
            }
            #expect(try await cluster.psql("SELECT 1") == "1", "the socket is there as well")
        }
    }

    @Test("a cluster that starts again has the port that it had")
    func port() async throws {
        try await PostgreSQLCluster.withCluster(PostgreSQLCluster.Options(network: .tcp)) { cluster in
            let conninfo = cluster.conninfo(user: PostgreSQLCluster.serverRole, over: .tcp)
            #expect(try await cluster.psql("SELECT current_user", conninfo: conninfo) == "rejoin_server")
            try await cluster.restart()
            #expect(try await cluster.psql("SELECT inet_server_port()", conninfo: conninfo) == "\(cluster.port)")
        }
    }
}
