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
import SyncWire
import UnixSignals

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the server, on its embedded database or on PostgreSQL.")

    @OptionGroup var options: ServerOptions

    func run() async throws {
        let settings = try ServerSettings(options)
        let data = settings.directory
        var logger = Logger(label: "rejoin", factory: StreamLogHandler.standardError(label:))
        logger.logLevel = settings.logLevel.value

        let schema = try settings.collections.map { try CollectionsFile(path: $0.value).schema } ?? .open
        let named = try await settings.namedVerifier(logger: logger)
        let certificates = try settings.tls.openCertificates(logger: logger)
        let provider = settings.identity?.value.signIn.map { ProviderClient(settings: $0) }
        try await provider?.check()
        try data.prepare()
        let store = try await settings.database.value.openForServing()
        let own = try data.ownKeys()
        let keys = ServerKeys(secret: own.first)
        try await store.agree(on: keys, data: data, settings.database.value, logger)
        let verifier: TokenVerifier
        if let named, settings.identity?.value.takesOwnTokens == true {
            verifier = try await named.taking(data, own, logger)
        } else if let named {
            verifier = named
        } else {
            verifier = try await .opening(
                own.tokenKey, settings.tokenRequirements,
                readingAgain: { await data.readOwnKeys()?.tokenKey }, logger: logger)
        }
        var limits = EngineLimits()
        limits.requestsPerSecondPerDevice = settings.requestsPerSecond.value
        limits.bytesPerSecondPerDevice = settings.bytesPerSecond.value
        limits.readersPerDevice = settings.readersPerDevice.value
        limits.readersPerTenant = settings.readersPerTenant.value
        limits.devicesPerUser = settings.devicesPerUser.value
        let metrics = ServerMetrics()
        let engine = SyncEngine(
            store: ObservedStore(store, metrics.storeObserver),
            schema: schema, limits: limits, keys: keys, logger: logger)
        var transport = settings.transport.limits
        transport.connections = Descriptors.raise(for: transport, logger)
        let server = try await SyncServer(
            engine: engine, verifier: verifier, metrics: metrics, transport: transport,
            certificates: certificates, trustedProxies: settings.tls.trustedProxies.value,
            allowedOrigins: settings.allowedOrigins.value, signIn: provider?.signIn,
            gauges: (store as? SQLiteStore)?.gauges ?? [], version: rejoinVersion, logger: logger)
        var configuration = ServerConfiguration()
        configuration.host = settings.host.value
        configuration.port = settings.port.value
        configuration.managementPort = settings.transport.managementPort?.value
        let host = settings.host.value
        let (managementPorts, managementPort) = AsyncStream.makeStream(of: Int.self)
        let management = server.managementApplication(configuration) { managementPort.yield($0) }
        if management == nil { managementPort.finish() }
        let application = server.application(configuration) { port in
            announce(
                Place(scheme: settings.tls.scheme, host: host, port: port, certificates), data: data,
                settings.database.value, mintsTokens: settings.mintsTokens)
            // The management port comes second: whoever started the server reads its address from the first line.
            if let port = await managementPorts.first(where: { _ in true }) {
                announce(managementPort: port, host: host)
            }
        }
        // Stopping goes from the last to the first: held readers are answered, then the listener closes and requests under
        // way finish, then the commit queues are emptied.
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: EngineService(engine: engine, store: store)), .init(service: application),
            .init(service: KeyReading(verifier: verifier, certificates: certificates)),
            .init(service: HeldReaders(engine: engine)),
        ]
        if let certificates { services.append(.init(service: certificates)) }
        if let management {
            // It stands before the others, so that a server that is stopping can be watched to its end.
            services.insert(.init(service: management), at: 1)
        }
        var group = ServiceGroupConfiguration(
            services: services,
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

private func announce(managementPort port: Int, host: String) {
    print("it is watched at http://\(host):\(port): /healthz, /readyz, /metrics")
    fflush(nil)
}

extension SyncStore {
    /// Compares the server's key with that of the others. Servers on one database whose keys differ refuse each other's
    /// cursors and sessions, so clients would be sent to and fro.
    fileprivate func agree(
        on keys: ServerKeys, data: DataDirectory, _ database: Database, _ logger: Logger
    ) async throws(CommandFailure) {
        let intention: KeyIntention
        switch database {
        // There is no other server: the key was changed.
        case .file: intention = .adopt
        case .server: intention = .compare
        }
        let agreement = try await Database.saying { () throws(StoreError) in
            try await self.agree(on: keys.check, intention)
        }
        switch (agreement, intention) {
        case (.first, _), (.same, _): break
        case (.other, .adopt):
            logger.warning("the signing key was changed: cursors and sessions from before are refused")
        case (.other, .compare):
            await close()
            throw .cannotStart(
                "the key at \(data.keyPath) is not the one of the other servers on this database, which would refuse this one's "
                    + "cursors and sessions; use theirs (--signing-key), or, if it was changed on purpose, run "
                    + "'rejoin migrate --adopt-key' and restart them all with it")
        }
    }
}

/// Where the server listens, and where a browser finds it.
private struct Place {
    let address: String
    let browserAddress: String

    init(scheme: String, host: String, port: Int, _ certificates: ServerCertificates?) {
        address = "\(scheme)://\(host):\(port)"
        let named = certificates?.current.host(orElse: host) ?? host
        browserAddress = "\(scheme)://\(named.inAddress):\(port)"
    }
}

/// What a person who has just started the server needs next.
private func announce(_ listening: Place, data: DataDirectory, _ database: Database, mintsTokens: Bool) {
    let place =
        switch database {
        case .file(let data): data.path
        case .server: "PostgreSQL (\(database.description))"
        }
    print("rejoin \(rejoinVersion) is listening on \(listening.address), data in \(place)")
    if mintsTokens {
        print("a token: rejoin token --tenant demo --device laptop --data \(data.path)")
        let link =
            "rejoin token --tenant demo --role reviewer --link --url \(listening.browserAddress) --data \(data.path)"
        print("the reviewers' page: \(link)")
    }
    // Into a pipe the lines would otherwise wait for the server's end.
    fflush(nil)
}

extension ServerSettings {
    /// Whether what `rejoin token` prints is taken.
    fileprivate var mintsTokens: Bool {
        identity.map(\.value.takesOwnTokens) ?? (jwks == nil && publicKey == nil)
    }

    /// Verifies with the keys that are named; nil where tokens are signed with the server's own key.
    func namedVerifier(logger: Logger) async throws(CommandFailure) -> TokenVerifier? {
        if let identity { return try await identity.value.verifier(from: identity.source, logger: logger) }
        for (setting, make) in [(jwks, TokenKey.keySet), (publicKey, TokenKey.publicKey)] {
            guard let setting else { continue }
            let source: @Sendable () async -> TokenKey? = { await TextFile.read(setting.value).map(make) }
            guard let key = await source() else {
                throw .cannotStart("cannot read the key file \(setting.value)")
            }
            do throws(CommandFailure) {
                return try await .opening(key, tokenRequirements, readingAgain: source, logger: logger)
            } catch {
                throw .cannotStart("\(setting.value): \(error.message)")
            }
        }
        return nil
    }
}

extension DataDirectory {
    /// The server's own keys, while it runs; nil where they cannot be read.
    fileprivate func readOwnKeys() async -> OwnKeys? { await TextFile.read(keyPath).flatMap(OwnKeys.init) }
}

extension ServerSettings {
    var tokenRequirements: TokenRequirements {
        TokenRequirements(issuer: issuer?.value, audience: audience?.value, leewaySeconds: tokenLeeway.value)
    }
}

extension TokenVerifier {
    static func opening(
        _ key: TokenKey, _ requirements: TokenRequirements,
        readingAgain source: (@Sendable () async -> TokenKey?)? = nil,
        logger: Logger = Logger(label: "rejoin")
    ) async throws(CommandFailure) -> TokenVerifier {
        do {
            return try await TokenVerifier(key, requirements: requirements, readingAgain: source, logger: logger)
        } catch {
            throw .cannotStart(error.message)
        }
    }

    /// Takes tokens of the server's own keys too.
    fileprivate func taking(
        _ data: DataDirectory, _ keys: OwnKeys, _ logger: Logger
    ) async throws(CommandFailure) -> TokenVerifier {
        let source = KeySource(place: data.keyPath) {
            await data.readOwnKeys().map { .success($0.tokenKey) }
                ?? .failure(KeySource.Unreadable("it cannot be read"))
        }
        do {
            return try await taking(own: keys.tokenKey, readingAgain: source, logger: logger)
        } catch {
            throw .cannotStart(error.message)
        }
    }
}

/// Keeps the engine's house while the server runs, and empties its commit queues when it stops.
private struct EngineService: Service {
    let engine: SyncEngine
    let store: any SyncStore

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await engine.maintain() }
                if let file = store as? SQLiteStore {
                    group.addTask { await file.keepLogShort() }
                }
            }
        }
        await engine.close()
    }
}

extension TLSSettings {
    /// The certificate to show; nil for HTTP without TLS.
    fileprivate func openCertificates(logger: Logger) throws(CommandFailure) -> ServerCertificates? {
        guard let files else { return nil }
        do {
            return try ServerCertificates(files.value, logger: logger)
        } catch {
            throw .cannotStart(error.message)
        }
    }
}

/// Reads keys again at SIGHUP: those of files, the server's own among them, those of providers, and the certificate.
private struct KeyReading: Service {
    let verifier: TokenVerifier
    let certificates: ServerCertificates?

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in await UnixSignalsSequence(trapping: .sighup) {
                await certificates?.readAgain()
                await verifier.readAgain()
            }
        }
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
