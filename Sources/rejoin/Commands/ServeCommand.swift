import ArgumentParser
import Foundation
import Hummingbird
import Logging
import MergeCore
import NIOCore
import SQLiteStorage
import ServiceLifecycle
import SyncEngine
import SyncHTTP
import SyncStorage

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the server, on its embedded database or on PostgreSQL.")

    @OptionGroup var options: ServerOptions

    func run() async throws {
        let settings = try ServerSettings(options)
        let data = DataDirectory(path: settings.data.value)
        var logger = Logger(label: "rejoin", factory: StreamLogHandler.standardError(label:))
        logger.logLevel = settings.logLevel.value

        let schema = try settings.collections.map { try CollectionsFile(path: $0.value).schema } ?? .open
        let named = try await settings.namedVerifier()
        try data.prepare()
        let store = try await settings.database.value.openForServing()
        let verifier: TokenVerifier
        if let named { verifier = named } else { verifier = try await .opening(.secret(data.secret())) }
        var limits = Limits()
        limits.requestsPerSecondPerDevice = settings.requestsPerSecond.value
        limits.readersPerDevice = settings.readersPerDevice.value
        limits.readersPerTenant = settings.readersPerTenant.value
        let engine = SyncEngine(store: store, terms: Terms(schema: schema, limits: limits), logger: logger)
        let server = try await SyncServer(engine: engine, verifier: verifier, logger: logger)
        var configuration = ServerConfiguration()
        configuration.host = settings.host.value
        configuration.port = settings.port.value
        let host = settings.host.value
        let application = server.application(configuration) { port in
            announce(host: host, port: port, data: data, settings.database.value, mintsTokens: named == nil)
        }
        // Stopping goes from the last to the first: held readers are answered, then the listener closes and requests under
        // way finish, then the lanes are emptied.
        var group = ServiceGroupConfiguration(
            services: [
                .init(service: EngineService(engine: engine, store: store)), .init(service: application),
                .init(service: HeldReaders(engine: engine)),
            ],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        group.maximumGracefulShutdownDuration = .seconds(30)
        do {
            try await ServiceGroup(configuration: group).run()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            await store.close()
            throw CommandFailure.cannotStart("\(host):\(settings.port.value) is in use; choose another with --port")
        } catch let error as IOError {
            await store.close()
            let reason = String(cString: strerror(error.errnoCode))
            throw CommandFailure.cannotStart("cannot listen on \(host):\(settings.port.value): \(reason)")
        }
        await store.close()
    }
}

/// What a person who has just started the server needs next.
private func announce(host: String, port: Int, data: DataDirectory, _ database: Database, mintsTokens: Bool) {
    let place =
        switch database {
        case .file(let data): data.path
        case .server: "PostgreSQL (\(database.description))"
        }
    print("rejoin \(rejoinVersion) is listening on http://\(host):\(port), data in \(place)")
    if mintsTokens {
        print("a token: rejoin token --tenant demo --device laptop --data \(data.path)")
        let link = "rejoin token --tenant demo --role reviewer --link --url http://\(host):\(port) --data \(data.path)"
        print("the reviewers' page: \(link)")
    }
    // Into a pipe the lines would otherwise wait for the server's end.
    fflush(nil)
}

extension ServerSettings {
    /// Verifies with the key file that is named; nil where tokens are signed with the server's own key.
    func namedVerifier() async throws(CommandFailure) -> TokenVerifier? {
        for (setting, make) in [(jwks, TokenKey.keySet), (publicKey, TokenKey.publicKey)] {
            guard let setting else { continue }
            guard let text = try? String(contentsOfFile: setting.value, encoding: .utf8) else {
                throw .cannotStart("cannot read the key file \(setting.value)")
            }
            do throws(CommandFailure) {
                return try await .opening(make(text))
            } catch {
                throw .cannotStart("\(setting.value): \(error.message)")
            }
        }
        return nil
    }
}

extension TokenVerifier {
    static func opening(_ key: TokenKey) async throws(CommandFailure) -> TokenVerifier {
        do {
            return try await TokenVerifier(key)
        } catch {
            switch error {
            case .secretTooShort(let bytes): throw .cannotStart("the signing key has \(bytes) bytes; it needs 32")
            case .unreadable(let reason): throw .cannotStart(reason)
            }
        }
    }
}

/// Keeps the engine's house while the server runs, and empties its lanes when it stops.
private struct EngineService: Service {
    let engine: SyncEngine
    let store: any SyncStore

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await engine.maintain() }
                if let file = store as? SQLiteStore {
                    group.addTask {
                        while !Task.isCancelled {
                            try? await Task.sleep(for: .seconds(2))
                            if !Task.isCancelled { try? await file.checkpoint() }
                        }
                    }
                }
            }
        }
        await engine.close()
    }
}

/// Answers those who wait for a change as soon as the server is told to stop, so that it does not wait for them.
private struct HeldReaders: Service {
    let engine: SyncEngine

    func run() async throws {
        try? await gracefulShutdown()
        await engine.releaseReaders()
    }
}
