import Foundation
import PostgreSQLCluster
import RejoinProcesses
import SeededRandom
import Testing

/// Two server processes on one PostgreSQL database. They share a data directory, so that a token of one is good for both.
struct TwoServers: Sendable {
    let data: String
    private let collections: String
    private let environment: [String: String]
    /// The database's name, in whichever cluster it is.
    let name: String
    let first: CrashableServer
    let second: CrashableServer

    var servers: [CrashableServer] { [first, second] }

    /// Short patience: what a server has to sit out while its database stands still is what a test has to.
    static let impatient = [
        "REJOIN_DATABASE_CONNECT_TIMEOUT": "2", "REJOIN_DATABASE_LOCK_TIMEOUT": "2",
        "REJOIN_DATABASE_STATEMENT_TIMEOUT": "2",
    ]

    /// How long a server may take to be well again once its database is.
    static let recovery = Duration.seconds(20)

    /// Makes a database and starts the servers, lends them, and sees at the end that they were still alive.
    /// - Parameter conninfo: how the servers find a database of a name; nil: where it was made.
    static func with<Answer>(
        on cluster: PostgreSQLCluster, environment: [String: String] = impatient,
        conninfo: ((String) -> String)? = nil, _ body: (TwoServers) async throws -> Answer
    ) async throws -> Answer {
        try await withTemporaryDirectory { directory in
            let database = try await cluster.makeDatabase()
            let migrated = try await runRejoin(
                "migrate", "--database", database.ownerConninfo, "--grant-to", PostgreSQLCluster.serverRole)
            try #require(migrated.exit == .code(0), "\(migrated.errors)")
            let collections = directory + "/collections.yaml"
            try DeviceFleet.collections.write(toFile: collections, atomically: true, encoding: .utf8)
            let site = TwoServers(
                data: directory + "/data", collections: collections, environment: environment, name: database.name,
                conninfo?(database.name) ?? database.serverConninfo)
            do {
                for server in site.servers { try await server.start() }
                let answer = try await body(site)
                for server in site.servers {
                    let log = await server.log
                    let exit = await server.kill()
                    #expect(exit == .signal(SIGKILL), "a server ended by itself: \(log)")
                }
                return answer
            } catch {
                for server in site.servers { await server.kill() }
                throw error
            }
        }
    }

    private init(
        data: String, collections: String, environment: [String: String], name: String, _ conninfo: String
    ) {
        self.data = data
        self.collections = collections
        self.environment = environment
        self.name = name
        let arguments = Self.arguments(conninfo, collections: collections)
        first = CrashableServer(data: data, arguments, environment: environment)
        second = CrashableServer(data: data, arguments, environment: environment)
    }

    private static func arguments(_ conninfo: String, collections: String) -> [String] {
        [
            "--database", conninfo, "--collections", collections, "--requests-per-second", "100000",
            "--log-level", "critical",
        ]
    }

    func fleet(writers: Int = 8, watchers: Int = 2) -> DeviceFleet {
        DeviceFleet(
            data: data, servers: .together(servers), seed: DeviceFleet.seed(), writers: writers, watchers: watchers)
    }

    /// A caller of one of the servers.
    func caller(
        of server: CrashableServer, device: String? = nil, roles: [String] = []
    ) async throws -> Caller {
        let (_, address) = try await server.running()
        return try await Caller(data: data, address: address, tenant: DeviceFleet.tenant, device: device, roles: roles)
    }

    /// Kills both and starts them on another database.
    func move(to conninfo: String) async throws {
        for server in servers {
            let exit = await server.kill()
            #expect(exit == .signal(SIGKILL), "a server ended by itself")
            try await server.start(Self.arguments(conninfo, collections: collections))
        }
    }

    // MARK: Trouble

    /// Makes trouble again and again while devices write, and sees each time that the same servers are ready and commit again.
    /// - Parameter trouble: one fault, from its beginning until the database is there again; given how many were before.
    /// - Returns: the reports of the devices that wrote to one server each to see that.
    func endure(
        _ count: Int, _ fleet: DeviceFleet, _ traffic: Traffic, trouble: (Int) async throws -> Void
    ) async throws -> [RetryingDevice.Report] {
        var probes: [RetryingDevice] = []
        for (number, server) in servers.enumerated() {
            probes.append(try await fleet.writer("probe-\(number)", .together([server]), traffic))
        }
        var generator = SeededGenerator(seed: fleet.seed)
        var slowest = Duration.zero
        for number in 0..<count {
            let batches = 1 + generator.below(40)
            await traffic.reach(generator.below(2) == 0 ? .sent(batches) : .answered(batches))
            if await traffic.isOver { break }
            try await trouble(number)
            let start = ContinuousClock.now
            for (index, server) in servers.enumerated() {
                guard try await isReady(server, within: Self.recovery) else {
                    throw TestError("a server is not ready again: \(await server.log)")
                }
                try await probes[index].writeOnce()
            }
            slowest = max(slowest, .now - start)
        }
        #expect(slowest < Self.recovery * 2, "a server took \(slowest) to be well again; seed \(fleet.seed)")
        print("\(count) faults; the servers were well again after \(slowest) at most")
        return probes.map(\.report)
    }

    func isReady(_ server: CrashableServer, within bound: Duration) async throws -> Bool {
        let (_, address) = try await server.running()
        let anybody = Caller(address: address, token: "")
        return try await eventually(within: bound) {
            if try await anybody.get("/readyz").status == 200 { return true }
            try await Task.sleep(for: .milliseconds(20))
            return false
        }
    }

    // MARK: The verdict

    /// No acknowledged operation was lost, none doubled, no reader skipped anything, and the audit is whole.
    /// - Parameters:
    ///   - faults: how many there were that broke into batches on their way, which had to be sent again.
    ///   - cluster: where the database is now.
    func judge(
        _ outcome: DeviceFleet.Outcome, _ fleet: DeviceFleet, after faults: Int, in cluster: PostgreSQLCluster
    ) async throws {
        let verdict = Verdict(reports: outcome.reports, seed: fleet.seed)
        print(verdict.summary)
        verdict.check(thatFaultsHurt: faults)
        let reviewer = try await fleet.reviewer()
        try await verdict.checkBatches(reviewer)
        try await verdict.checkRecords(reviewer)
        try await verdict.checkReaders(outcome.seen, reviewer)
        try verdict.checkSequence()
        try await verdict.checkRows(in: cluster, database: name)
        let conninfo = cluster.conninfo(database: name, user: PostgreSQLCluster.serverRole)
        try await verdict.checkAudit(["--database", conninfo])
    }
}

extension Verdict {
    /// The tables hold what was acknowledged and nothing else.
    func checkRows(in cluster: PostgreSQLCluster, database: String) async throws {
        let batches = reports.flatMap(\.acknowledged)
        let conflicts = try Set(
            batches.flatMap { batch in
                try (batch.answer.json["results"]?.elements ?? []).flatMap { result in
                    (result["conflicts"]?.elements ?? []).compactMap { $0["id"]?.text }
                }
            })
        // The office's batch made the shared records.
        let expected = [
            batches.count + 1, batches.map(\.operations.count).reduce(RetryingDevice.shared.count, +), conflicts.count,
        ]
        let found = try await cluster.psql(
            """
            SELECT (SELECT count(*) FROM rejoin.batches), (SELECT count(*) FROM rejoin.operations),
                (SELECT count(*) FROM rejoin.conflicts)
            """, database: database)
        #expect(found == expected.map(String.init).joined(separator: "|"), "batches|operations|conflicts; seed \(seed)")
    }
}
