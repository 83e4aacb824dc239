import Foundation
import Hummingbird
import Logging
import MergeCore
import SQLiteStorage
import ServiceLifecycle
import SyncEngine
import SyncHTTP
import SyncWire
import SyncStorage

/// The real server, in this process: a free port, a database file in a temporary directory.
struct DemoServer {
    let port: Int
    let store: SQLiteStore
    let mint: TokenMint

    /// Runs the body beside a server, and stops the server and removes its data when the body ends.
    static func run(_ body: @escaping @Sendable (DemoServer) async throws -> Void) async throws {
        let directory = NSTemporaryDirectory() + "rejoin-demo-\(UUID().uuidString)"
        let data = DataDirectory(path: directory)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try data.prepare()
        let store = try data.openForServing()
        var logger = Logger(label: "rejoin", factory: StreamLogHandler.standardError(label:))
        logger.logLevel = .error
        let engine = SyncEngine(
            store: store, schema: try schema(), keys: ServerKeys(secret: try data.secret()),
            logger: logger)
        let server = try await SyncServer(
            engine: engine, verifier: try await TokenVerifier.opening(.secret(data.secret()), TokenRequirements()),
            logger: logger)
        var configuration = ServerConfiguration()
        configuration.port = 0
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let application = server.application(configuration) { port.yield($0) }
        let mint = await TokenMint(secret: try data.secret())
        let group = ServiceGroup(services: [application], logger: logger)
        do {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                tasks.addTask {
                    for await port in ports {
                        try await body(DemoServer(port: port, store: store, mint: mint))
                        break
                    }
                    await group.triggerGracefulShutdown()
                }
                try await tasks.waitForAll()
            }
        } catch {
            await engine.close()
            await store.close()
            throw error
        }
        await engine.close()
        await store.close()
    }

    private static func schema() throws -> Schema {
        let yaml = String(decoding: PackageResources.contractor_yaml, as: UTF8.self)
        do {
            return try CollectionsFile.schema(yaml: yaml)
        } catch {
            throw CommandFailure.cannotStart("the demo's collections: \(error.message)")
        }
    }

    func token(user: String, device: String?, roles: [String]) async throws -> String {
        try await mint.token(
            TokenClaims(
                user: user, tenant: "demo", device: device, roles: roles,
                expiresAtSeconds: Date().timeIntervalSince1970 + 3_600))
    }
}
