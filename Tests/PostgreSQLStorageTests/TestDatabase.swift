import PostgreSQLCluster
import PostgreSQLStorage
import SyncStorage

/// A new database in the cluster that all tests share, its schema made by its owner, for a server that owns nothing.
struct TestDatabase: Sendable {
    let database: PostgreSQLCluster.Database

    static func make() async throws -> TestDatabase {
        let test = TestDatabase(database: try await PostgreSQLCluster.shared().makeDatabase())
        _ = try await PostgreSQLStore.migrate(
            Conninfo(test.database.ownerConninfo), grantingTo: PostgreSQLCluster.serverRole)
        return test
    }

    /// Opens it as a server does.
    func open(
        _ options: PostgreSQLStore.Options = Self.few, probe: StoreProbe? = nil
    ) async throws -> PostgreSQLStore {
        try await PostgreSQLStore.open(Conninfo(database.serverConninfo), options: options, probe: probe)
    }

    /// Many tests run at once on one cluster.
    static var few: PostgreSQLStore.Options {
        var options = PostgreSQLStore.Options()
        options.connections = 4
        return options
    }

    /// Runs a body on a new database, which is dropped afterwards.
    static func with<Answer>(_ body: (TestDatabase) async throws -> Answer) async throws -> Answer {
        let test = try await make()
        do {
            let answer = try await body(test)
            try await test.database.drop()
            return answer
        } catch {
            try await test.database.drop()
            throw error
        }
    }
}
