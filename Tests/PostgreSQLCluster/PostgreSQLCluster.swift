import Foundation
import Synchronization

/// A PostgreSQL cluster of the tests' own: a server in a directory of its own, reached over a socket there.
///
/// It touches nothing that was there before: no cluster of the system, no port but a free one, and that only when asked
/// for. It goes, with all of its processes and files, when `remove` is called, when the last reference to it goes, and
/// when this process ends, also by SIGKILL.
///
/// Nothing here blocks the threads of asynchronous code.
public final class PostgreSQLCluster: Sendable {
    public static let superuser = "postgres"
    /// Owns every database of `makeDatabase`; no superuser.
    public static let ownerRole = "rejoin_owner"
    /// Has no rights of its own, and is subject to row security.
    public static let serverRole = "rejoin_server"

    /// How long things may take that nothing else bounds: far longer than they do on a busy machine.
    public static let patience = Duration.seconds(120)

    /// The cluster's own directory, with its socket.
    public let directory: String
    public let dataDirectory: String
    /// The file system of its own that the data directory is on, where it was made with one.
    public let smallDisk: SmallDisk?

    let options: Options
    let installation: Installation
    let keeper: Keeper
    /// The password of every role, for TCP.
    let password: String
    /// The first process of the server, from its first start on.
    let postmaster = Mutex<pid_t?>(nil)
    /// How many databases were made. Locked while one is made: two from one template at once would get in each
    /// other's way.
    let databases = Mutex(0)
    let standbys = Mutex<[String]>([])
    private let portNumber: Mutex<Int>

    /// The port on 127.0.0.1, and in the name of the socket.
    public var port: Int { portNumber.withLock { $0 } }
    /// The certificate of the authority that signed the server's.
    public var authorityFile: String { certificates.authority }
    /// The certificate of an authority that has signed nothing.
    public var otherAuthorityFile: String { certificates.otherAuthority }
    /// The directory of PostgreSQL's programs.
    public var programs: String { installation.programs }
    /// What the server logs.
    public var logFile: String { "\(directory)/log" }

    var certificates: Certificates { Certificates(directory: directory) }

    /// The cluster that all tests of this process share: made when it is first asked for, and gone with the process.
    /// - Throws: also when PostgreSQL is not installed: tests that need it fail then, and say so.
    public static func shared() async throws(PostgreSQLClusterError) -> PostgreSQLCluster {
        try await sharedCluster.value.get()
    }

    private static let sharedCluster = Task.detached {
        do throws(PostgreSQLClusterError) {
            return Result<PostgreSQLCluster, PostgreSQLClusterError>.success(try await PostgreSQLCluster())
        } catch {
            return .failure(error)
        }
    }

    /// Makes a cluster, lends it, and removes it.
    public static func withCluster<R>(
        _ options: Options = Options(), _ body: (PostgreSQLCluster) async throws -> R
    ) async throws -> R {
        let cluster = try await PostgreSQLCluster(options)
        let result: R
        do {
            result = try await body(cluster)
        } catch {
            try await cluster.remove()
            throw error
        }
        try await cluster.remove()
        return result
    }

    /// Makes a cluster and starts its server.
    public convenience init(_ options: Options = Options()) async throws(PostgreSQLClusterError) {
        let parts = try await offPool { () throws(PostgreSQLClusterError) in try Parts(options) }
        self.init(parts)
        try await offPool { () throws(PostgreSQLClusterError) in
            try self.initialise()
            try self.startFirst()
            try self.makeRoles()
        }
    }

    /// Removes the server, its processes and all of its files, and waits for that. Removing twice is fine.
    public func remove() async throws(PostgreSQLClusterError) {
        try await offPool { () throws(PostgreSQLClusterError) in try self.keeper.end() }
    }

    /// What a cluster is made of before there is one.
    struct Parts: Sendable {
        let options: Options
        let installation: Installation
        let place: Keeper.Place
        let keeper: Keeper

        init(_ options: Options) throws(PostgreSQLClusterError) {
            self.options = options
            installation = try Installation.find()
            var place = try Keeper.Place(named: "pg")
            switch options.place {
            case .memory: place.moveDataToMemory()
            case .temporary: break
            case .within(let parent): place.moveData(to: parent)
            case .smallDisk(let megabytes):
                guard geteuid() == 0 else { throw .smallDiskRefused }
                place.diskMegabytes = megabytes
                place.data = "\(place.root)/disk/data"
            }
            self.place = place
            keeper = try Keeper(place, installation)
        }
    }

    init(_ parts: Parts) {
        directory = parts.place.root
        dataDirectory = parts.place.data
        smallDisk = parts.place.diskMegabytes.map { _ in SmallDisk(directory: "\(parts.place.root)/disk") }
        options = parts.options
        installation = parts.installation
        keeper = parts.keeper
        password = String(UInt64.random(in: 0...UInt64.max), radix: 36)
        portNumber = Mutex(5432)
    }

    // Below: on a thread that may block.

    private func initialise() throws(PostgreSQLClusterError) {
        if smallDisk == nil {
            try Seed.copy(to: dataDirectory, in: directory, installation)
        } else {
            try Seed.initialise(dataDirectory, in: directory, walSegment: 1, installation)
        }
    }

    /// Writes the configuration and starts the server for the first time, with another port when somebody was faster.
    /// - Parameter settings: over those of the options.
    func startFirst(_ settings: [String: String] = [:]) throws(PostgreSQLClusterError) {
        if case .tls = options.network { try certificates.make(installation) }
        var attempts = 5
        while true {
            let port = try choosePort()
            portNumber.withLock { $0 = port }
            try Configuration(
                settings: options.settings.merging(settings) { $1 }, socketDirectory: directory, port: port,
                network: options.network, certificates: certificates
            ).write(to: dataDirectory)
            attempts -= 1
            do throws(PostgreSQLClusterError) {
                return try startServer()
            } catch {
                guard attempts > 0, case .notStarted(let log) = error, log.contains("Address already in use") else {
                    throw error
                }
            }
        }
    }

    /// Without TCP the port is but a part of the socket's name.
    private func choosePort() throws(PostgreSQLClusterError) -> Int {
        switch options.network {
        case .socket: 5432
        case .tcp, .tls: try FreePort.find()
        }
    }

    private func makeRoles() throws(PostgreSQLClusterError) {
        _ = try runPSQL(
            """
            ALTER ROLE :"superuser" PASSWORD :'password';
            CREATE ROLE :"owner" LOGIN PASSWORD :'password';
            CREATE ROLE :"server" LOGIN NOBYPASSRLS PASSWORD :'password';
            """, conninfo(),
            variables: [
                "superuser": Self.superuser, "owner": Self.ownerRole, "server": Self.serverRole, "password": password,
            ])
    }
}
