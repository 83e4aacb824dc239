import Foundation
import PostgreSQLCluster
import PostgreSQLStorage
import SQLiteStorage
import SyncStorage
import Testing

/// The storage engines that the suites run on. A new engine is a case here and a line in `open`.
enum Engine: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case memory, sqlite, postgresql

    var testDescription: String { rawValue }

    /// A store on new data, and what removes the data afterwards.
    func open(
        probe: StoreProbe? = nil
    ) async throws -> (store: any SyncStore, remove: @Sendable () async throws -> Void) {
        switch self {
        case .memory:
            return (InMemoryStore(probe: probe), {})
        case .sqlite:
            let directory = FileManager.default.temporaryDirectory.appending(path: "rejoin-http-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            let store = try SQLiteStore.open(at: directory.appending(path: "data.sqlite").path, probe: probe)
            return (store, { try? FileManager.default.removeItem(at: directory) })
        case .postgresql:
            let database = try await PostgreSQLCluster.shared().makeDatabase()
            _ = try await PostgreSQLStore.migrate(
                Conninfo(database.ownerConninfo), grantingTo: PostgreSQLCluster.serverRole)
            var options = PostgreSQLStore.Options()
            // Many tests run at once on one cluster.
            options.connections = 4
            let store = try await PostgreSQLStore.open(
                Conninfo(database.serverConninfo), options: options, probe: probe)
            return (store, { try await database.drop() })
        }
    }
}
