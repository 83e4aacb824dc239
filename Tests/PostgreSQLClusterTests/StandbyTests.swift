import PostgreSQLCluster
import Testing

@Suite("a synchronous standby")
struct StandbyTests {
    @Test("a promoted standby has what was committed, and clients of both find it")
    func promoted() async throws {
        try await PostgreSQLCluster.withCluster { primary in
            let standby = try await primary.makeStandby()
            let database = try await primary.makeDatabase()
            let conninfo = PostgreSQLCluster.conninfo(
                of: [primary, standby], database: database.name, user: PostgreSQLCluster.ownerRole)
            try await primary.psql("CREATE TABLE thing (id int)", conninfo: conninfo)
            for number in 1...20 {
                try await primary.psql(
                    "INSERT INTO thing VALUES (:n)", conninfo: conninfo, variables: ["n": "\(number)"])
            }
            try await primary.kill()
            try await standby.promote()
            #expect(try await primary.psql("SELECT sum(id) FROM thing", conninfo: conninfo) == "210")
            try await primary.psql("INSERT INTO thing VALUES (21)", conninfo: conninfo)
            try await standby.remove()
        }
    }

    @Test("a commit waits for the standby, and a standby refuses to write")
    func synchronous() async throws {
        try await PostgreSQLCluster.withCluster { primary in
            let standby = try await primary.makeStandby()
            let refused = await #expect(throws: PostgreSQLClusterError.self) {
                try await standby.psql("CREATE TABLE thing (id int)")
            }
            #expect(refused?.sqlState == "25006")
            let late = try await standby.whilePaused {
                await #expect(throws: PostgreSQLClusterError.self) {
                    try await primary.psql("CREATE TABLE thing (id int)", limit: .seconds(1))
                }
            }
            #expect(late?.description.contains("took longer") == true)
            try await primary.psql("CREATE TABLE another (id int)")
            try await standby.remove()
        }
    }
}
