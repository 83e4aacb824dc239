import PostgreSQLCluster
import StorageConformance
import SyncStorage
import Testing

@testable import PostgreSQLStorage

@Suite("opening a database of PostgreSQL")
struct OpeningTests {
    @Test("by its owner makes the schema, and again finds it")
    func byOwner() async throws {
        let database = try await PostgreSQLCluster.shared().makeDatabase()
        let first = try await PostgreSQLStore.open(Conninfo(database.ownerConninfo))
        let second = try await PostgreSQLStore.open(Conninfo(database.ownerConninfo))
        #expect(first.identity == second.identity)
        await first.close()
        await second.close()
        try await database.drop()
    }

    @Test("by many servers at once makes it once")
    func byMany() async throws {
        let database = try await PostgreSQLCluster.shared().makeDatabase()
        let identities = try await withThrowingTaskGroup(of: StoreIdentity.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    let store = try await PostgreSQLStore.open(Conninfo(database.ownerConninfo))
                    await store.close()
                    return store.identity
                }
            }
            return try await group.reduce(into: Set<StoreIdentity>()) { $0.insert($1) }
        }
        #expect(identities.count == 1)
        try await database.drop()
    }

    @Test("by a role that may not make the schema says what to run, and what the database said")
    func withoutRight() async throws {
        let database = try await PostgreSQLCluster.shared().makeDatabase()
        await #expect {
            _ = try await PostgreSQLStore.open(Conninfo(database.serverConninfo))
        } throws: { error in
            guard case StoreError.cannotOpen(let reason) = error else { return false }
            return reason.contains("rejoin migrate") && reason.contains("permission denied for database")
        }
        try await database.drop()
    }

    @Test("with a schema of a later version is refused")
    func laterVersion() async throws {
        try await TestDatabase.with { test in
            try await test.database.psql("INSERT INTO rejoin.schema_versions (version) VALUES (9999)")
            await #expect(throws: StoreError.newerSchema(found: 9999, supported: Migration.supported)) {
                _ = try await test.open()
            }
        }
    }

    @Test("where there is none is told as an outage, without the password")
    func absent() async throws {
        await #expect {
            _ = try await PostgreSQLStore.open(
                Conninfo("host=/nowhere/at/all dbname=none user=nobody password=geheim"))
        } throws: { error in
            guard case StoreError.unavailable(let reason) = error else { return false }
            return !reason.contains("geheim")
        }
    }

    @Test(
        "is asked for in libpq's words",
        arguments: ["postgres://", "host=a dbname=b", "postgresql://u@h/d?sslmode=require"])
    func inLibpqWords(_ text: String) throws {
        #expect(Conninfo.isMeant(by: text))
        _ = try Conninfo(text)
    }

    @Test("never shows a secret")
    func noSecret() throws {
        let conninfo = try Conninfo("postgres://ada:geheim@db.example/rejoin?sslpassword=auch")
        #expect(conninfo.description == "dbname=rejoin host=db.example user=ada")
        #expect {
            try Conninfo("host=a passwort=geheim")
        } throws: { error in
            guard case StoreError.cannotOpen(let reason) = error else { return false }
            return !reason.contains("geheim")
        }
    }

    @Test("in another encoding than UTF8 is refused")
    func encoding() async throws {
        let cluster = try await PostgreSQLCluster.shared()
        try await cluster.psql(
            "CREATE DATABASE latin OWNER rejoin_owner TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
        await #expect {
            _ = try await PostgreSQLStore.open(
                Conninfo(cluster.conninfo(database: "latin", user: PostgreSQLCluster.ownerRole)))
        } throws: { error in
            guard case StoreError.cannotOpen(let reason) = error else { return false }
            return reason.contains("LATIN1")
        }
        try await cluster.psql("DROP DATABASE latin")
    }

    @Test("over TLS checks the authority and the host's name")
    func overTLS() async throws {
        try await PostgreSQLCluster.withCluster(.init(network: .tls)) { cluster in
            let database = try await cluster.makeDatabase()
            func open(_ authority: String, host: String) async throws {
                let conninfo = cluster.conninfo(
                    database: database.name, user: PostgreSQLCluster.ownerRole,
                    over: .tls(authority: authority, host: host))
                let store = try await PostgreSQLStore.open(Conninfo(conninfo))
                let encrypted = try await store.threads.run(probe: nil) { (session: Session) throws(StoreError) in
                    session.isEncrypted
                }
                #expect(encrypted)
                await store.close()
            }
            try await open(cluster.authorityFile, host: "localhost")
            for (authority, host, reason) in [
                (cluster.otherAuthorityFile, "localhost", "certificate verify failed"),
                (cluster.authorityFile, "db.example", "does not match host name"),
            ] {
                let refused = await #expect(throws: StoreError.self) { try await open(authority, host: host) }
                guard case .unavailable(let text) = refused, text.contains(reason) else {
                    Issue.record("\(host): \(String(describing: refused))")
                    continue
                }
            }
        }
    }
}
