import PostgreSQLCluster
import Testing

@Suite("databases of the shared cluster")
struct DatabaseTests {
    @Test("databases made at once from one template are all copies of it, each with a name of its own")
    func copies() async throws {
        let cluster = try await PostgreSQLCluster.shared()
        let template = try await cluster.makeDatabase()
        try await template.psql(
            "CREATE TABLE thing (id int); INSERT INTO thing VALUES (7)", user: PostgreSQLCluster.ownerRole)
        let copies = try await withThrowingTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    let copy = try await cluster.makeDatabase(template: template.name)
                    return (copy.name, try await copy.psql("SELECT id FROM thing"))
                }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        #expect(copies.count == 8)
        #expect(copies.values.allSatisfy { $0 == "7" })
    }

    @Test("a database belongs to the owner; the server's role has no rights of its own; neither is a superuser")
    func roles() async throws {
        let cluster = try await PostgreSQLCluster.shared()
        let database = try await cluster.makeDatabase()
        try await cluster.psql("CREATE TABLE thing (id int)", conninfo: database.ownerConninfo)
        for statement in ["SELECT FROM thing", "CREATE TABLE another (id int)", "CREATE SCHEMA another"] {
            let error = await #expect(throws: PostgreSQLClusterError.self) {
                try await cluster.psql(statement, conninfo: database.serverConninfo)
            }
            #expect(error?.sqlState == "42501")
        }
        let privileged = try await cluster.psql(
            "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'rejoin%' AND (rolsuper OR rolbypassrls OR rolcreaterole)",
            conninfo: database.adminConninfo)
        #expect(privileged == "0")
    }

    @Test("a database can be dropped while somebody is connected to it")
    func dropped() async throws {
        let cluster = try await PostgreSQLCluster.shared()
        let database = try await cluster.makeDatabase("dropped")
        let sleeper = Task { try await database.psql("SET application_name = 'sleeper'; SELECT pg_sleep(60)") }
        while try await cluster.backends(where: "application_name = 'sleeper'").isEmpty {}
        try await database.drop()
        let cut = await #expect(throws: PostgreSQLClusterError.self) { try await sleeper.value }
        #expect(cut?.sqlState == "57P01", "the administrator ended the connection: \(String(describing: cut))")
        #expect(try await cluster.psql("SELECT count(*) FROM pg_database WHERE datname = 'dropped'") == "0")
    }

    @Test("any text comes to the server and back as it is, however long")
    func text() async throws {
        let cluster = try await PostgreSQLCluster.shared()
        let text = String(repeating: "it's \"quoted\" \\ $1 `:name` é 🦫;", count: 40_000)
        let printed = try await cluster.psql("SELECT '\(text.replacing("'", with: "''"))'")
        #expect(printed == text)
    }
}
