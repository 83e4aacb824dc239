import ArgumentParser
import Foundation
import Logging
import MergeCore
import PostgreSQLStorage
import SyncHTTP
import SyncStorage

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Print what is in force, secrets hidden, and check it. Exits 1 if something is wrong.")

    @OptionGroup var options: ServerOptions

    func run() async throws {
        let settings = try ServerSettings(options)
        print("settings")
        print(Self.table(settings), terminator: "")
        print("\nchecks")
        var wrong = 0
        for (name, check) in await Self.checks(settings) {
            switch check {
            case .good(let text): print("  ok     \(name): \(text)")
            case .note(let text): print("  note   \(name): \(text)")
            case .bad(let text):
                print("  wrong  \(name): \(text)")
                wrong += 1
            }
        }
        if wrong > 0 { throw CommandFailure.found("\(wrong) of the checks found something wrong") }
    }

    private enum Check {
        case good(String)
        case note(String)
        case bad(String)
    }

    private static func table(_ settings: ServerSettings) -> String {
        var rows: [[String]] =
            [
                ["  data", settings.data.value, settings.data.source.text],
                ["  database", settings.database.value.description, settings.database.source.text],
                ["  host", settings.host.value, settings.host.source.text],
                ["  port", String(settings.port.value), settings.port.source.text],
                [
                    "  requests-per-second", String(settings.requestsPerSecond.value),
                    settings.requestsPerSecond.source.text,
                ],
                ["  bytes-per-second", String(settings.bytesPerSecond.value), settings.bytesPerSecond.source.text],
                [
                    "  readers-per-device", String(settings.readersPerDevice.value),
                    settings.readersPerDevice.source.text,
                ],
                [
                    "  readers-per-tenant", String(settings.readersPerTenant.value),
                    settings.readersPerTenant.source.text,
                ],
                ["  devices-per-user", String(settings.devicesPerUser.value), settings.devicesPerUser.source.text],
            ] + settings.tls.rows + settings.transport.rows + [
                ["  log-level", settings.logLevel.value.rawValue, settings.logLevel.source.text]
            ]
        if let origins = settings.allowedOrigins.value.text {
            rows.append(["  allow-origin", origins, settings.allowedOrigins.source.text])
        }
        rows.append(
            settings.collections.map { ["  collections", $0.value, $0.source.text] }
                ?? ["  collections", "every collection is taken, lww", "default"])
        if let jwks = settings.jwks { rows.append(["  jwks", jwks.value, jwks.source.text]) }
        if let key = settings.publicKey { rows.append(["  public-key", key.value, key.source.text]) }
        for (name, setting) in [("issuer", settings.issuer), ("audience", settings.audience)] {
            if let setting { rows.append(["  \(name)", setting.value, setting.source.text]) }
        }
        for issuer in settings.identity?.value.issuers ?? [] {
            rows.append(["  auth", issuer.name, settings.identity?.source.text ?? ""])
        }
        if let signIn = settings.identity?.value.signIn {
            let secret = signIn.secretFile.map { ", its secret (hidden) at \($0)" } ?? ", without a secret"
            rows.append([
                "  auth.sign-in", "\(signIn.clientID) at \(signIn.issuer), back to \(signIn.address)\(secret)",
                settings.identity?.source.text ?? "",
            ])
        }
        rows.append([
            "  token-leeway", String(settings.tokenLeeway.value), settings.tokenLeeway.source.text,
        ])
        if settings.jwks == nil, settings.publicKey == nil, settings.identity?.value.takesOwnTokens ?? true {
            rows.append(["  signing key", "(hidden) at \(settings.directory.keyPath)", "default"])
        }
        return ConflictTable.aligned(rows)
    }

    private static func checks(_ settings: ServerSettings) async -> [(String, Check)] {
        let data = settings.directory
        return [
            ("data directory", directory(data)), ("signing key", key(data)),
            ("database files", files(data)),
            ("database", await database(settings.database.value)), ("collections", collections(settings)),
            ("tokens", await tokens(settings)), ("sign-in", await signIn(settings)), ("tls", tls(settings)),
            ("address", address(settings)),
        ]
    }

    private static func directory(_ data: DataDirectory) -> Check {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: data.path, isDirectory: &isDirectory) else {
            return .note("not there yet; 'rejoin serve' makes it")
        }
        guard isDirectory.boolValue else { return .bad("\(data.path) is a file") }
        guard access(data.path, W_OK | X_OK) == 0 else { return .bad("\(data.path) is not writable") }
        return .good("writable")
    }

    /// Checks that the data is for nobody but the server, whatever the directory lets through.
    private static func files(_ data: DataDirectory) -> Check {
        let files = data.databaseFiles
        guard !files.isEmpty else { return .note("not there") }
        for file in files {
            let attributes = try? FileManager.default.attributesOfItem(atPath: file)
            let mode = (attributes?[.posixPermissions] as? NSNumber)?.intValue ?? 0
            guard mode & 0o077 == 0 else {
                return .bad("others can read \(file) (mode \(String(mode, radix: 8))); chmod 600 it")
            }
        }
        return .good("\(files.count), for their owner alone")
    }

    /// Checks the key. It is needed even where tokens come from elsewhere: cookies and cursors come from it.
    private static func key(_ data: DataDirectory) -> Check {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: data.keyPath) else {
            return .note("not there yet; 'rejoin serve' makes it")
        }
        let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
        guard mode & 0o077 == 0 else {
            return .bad(
                "others can read \(data.keyPath) (mode \(String(mode, radix: 8))); chmod 600 it and make a new one")
        }
        do {
            let secret = try data.secret()
            return .good("\(secret.count) bytes, mode \(String(mode, radix: 8))")
        } catch {
            return .bad(error.message)
        }
    }

    private static func database(_ database: Database) async -> Check {
        switch database {
        case .file(let data): await file(data)
        case .server(let conninfo, let options): await server(conninfo, options)
        }
    }

    private static func server(_ conninfo: Conninfo, _ options: PostgreSQLStore.Options) async -> Check {
        do {
            let findings = try await PostgreSQLStore.examine(conninfo, options: options)
            let text = ([findings.summary] + findings.faults + findings.warnings).joined(separator: "; ")
            guard findings.faults.isEmpty else { return .bad(text) }
            return findings.warnings.isEmpty ? .good(text) : .note(text)
        } catch {
            return .bad(error.line)
        }
    }

    private static func file(_ data: DataDirectory) async -> Check {
        guard FileManager.default.fileExists(atPath: data.databasePath) else {
            return .note("not there yet; 'rejoin serve' makes it")
        }
        do {
            let store = try data.openForReading()
            let findings = try await store.integrityFindings()
            let version = try await store.schemaVersion()
            await store.close()
            guard findings.isEmpty else { return .bad(findings.joined(separator: "; ")) }
            return .good("schema \(version), whole")
        } catch let failure as CommandFailure {
            return .bad(failure.message)
        } catch let error as StoreError {
            return .bad(error.line)
        } catch {
            return .bad("\(error)")
        }
    }

    private static func collections(_ settings: ServerSettings) -> Check {
        guard let path = settings.collections?.value else { return .note("none declared; every field is lww") }
        do {
            let schema = try CollectionsFile(path: path).schema
            let names = schema.collections.keys.map(\.text).sorted().joined(separator: ", ")
            return .good("\(schema.collections.count) declared: \(names)")
        } catch {
            return .bad(error.message)
        }
    }

    private static func tokens(_ settings: ServerSettings) async -> Check {
        do {
            let silent = Logger(label: "doctor") { _ in SwiftLogNoOpLogHandler() }
            guard let verifier = try await settings.namedVerifier(logger: silent) else {
                return .good("HS256 with the server's own key")
            }
            guard verifier.findings.isEmpty else { return .note(verifier.findings.joined(separator: "; ")) }
            if let issuers = settings.identity?.value.issuers {
                return .good("verified with the keys of \(issuers.count) issuers, which were read")
            }
            return .good(settings.jwks == nil ? "verified with a public key" : "verified with a key set")
        } catch {
            return .bad(error.message)
        }
    }

    /// Checks where reviewers sign in: that the provider says where, and that the client's secret is there for nobody else.
    private static func signIn(_ settings: ServerSettings) async -> Check {
        guard let signIn = settings.identity?.value.signIn else { return .good("reviewers sign in by links") }
        let client = ProviderClient(settings: signIn)
        do throws(KeySource.Unreadable) {
            _ = try await client.secret()
            if let path = signIn.secretFile {
                let attributes = try? FileManager.default.attributesOfItem(atPath: path)
                let mode = (attributes?[.posixPermissions] as? NSNumber)?.intValue ?? 0
                guard mode & 0o077 == 0 else {
                    return .bad("others can read \(path) (mode \(String(mode, radix: 8))); chmod 600 it")
                }
            }
            let endpoints = try await ProviderDiscovery.read(signIn.issuer).endpoints()
            return .good("at \(endpoints.authorization), with codes for \(endpoints.token)")
        } catch {
            return .bad(error.reason)
        }
    }

    private static func tls(_ settings: ServerSettings) -> Check {
        guard let files = settings.tls.files?.value else {
            return .note("none: a proxy in front, or --tls-certificate and --tls-key")
        }
        let now = Date()
        do {
            let certificate = try ServerCertificate(files, at: now)
            let text = "\(certificate.summary); the key has mode \(String(certificate.keyMode, radix: 8))"
            let warnings = certificate.warnings(at: now)
            return warnings.isEmpty ? .good(text) : .note(([text] + warnings).joined(separator: "; "))
        } catch {
            return .bad(error.message)
        }
    }

    private static func address(_ settings: ServerSettings) -> Check {
        let port = settings.port.value
        guard port != 0 else { return .good("a free port is taken") }
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        guard inet_pton(AF_INET, settings.host.value, &address.sin_addr) == 1 else {
            return .note("\(settings.host.value) is a name; it is looked up when the server starts")
        }
        var reuse: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if bound == 0 { return .good("\(settings.host.value):\(port) is free") }
        if errno == EADDRINUSE { return .note("\(settings.host.value):\(port) is in use, by a running server perhaps") }
        return .bad("\(settings.host.value):\(port): \(String(cString: strerror(errno)))")
    }
}
