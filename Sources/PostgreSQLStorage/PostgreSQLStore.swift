import SyncStorage

/// The production engine: PostgreSQL, with one server on it or several.
///
/// The commits of all servers queue for the lock on their tenant's row. Every transaction that writes takes it first.
/// So no two commits of a tenant overlap on any server, and there can be no deadlock. A commit is two round trips,
/// whatever its size.
public final class PostgreSQLStore: SyncStore {
    public let identity: StoreIdentity
    /// What people may see of where the database is.
    public let location: String
    let threads: SessionThreads
    /// A session of its own, so that whether the database answers does not depend on who keeps the others busy.
    private let watcher: SessionThreads
    let broadcast: ChangeBroadcast
    let fullDisk = FullDiskMemory()
    private let latestLife: LatestLife
    public var life: LifeID { latestLife.value }
    let probe: StoreProbe?

    /// How the database is used.
    public struct Options: Sendable, Hashable {
        /// How many connections there are at most, each with a thread. About two to four times the cores of the
        /// database is right; more make a busy database slower.
        public var connections = 12
        /// How long a caller waits for a new connection or a free one.
        public var connectTimeout: Duration = .seconds(5)
        /// How long a commit waits for its tenant's lock while another server has it.
        public var lockTimeout: Duration = .seconds(10)
        /// How long a single statement may take, and, five seconds added, an answer.
        public var statementTimeout: Duration = .seconds(30)

        public init() {}
    }

    private init(
        identity: StoreIdentity, location: String, threads: SessionThreads, watcher: SessionThreads,
        broadcast: ChangeBroadcast, latestLife: LatestLife, probe: StoreProbe?
    ) {
        self.latestLife = latestLife
        self.watcher = watcher
        self.identity = identity
        self.location = location
        self.threads = threads
        self.broadcast = broadcast
        self.probe = probe
    }

    /// What to do about a schema that is not the newest.
    public enum SchemaMaintenance: Sendable, Hashable {
        case bringUpToDate, leaveAsItIs
    }

    /// Connects, and looks at the schema.
    ///
    /// - Throws: `unavailable` when there is no database to be reached; `cannotOpen` with what to do; `newerSchema`.
    public static func open(
        _ conninfo: Conninfo, schema: SchemaMaintenance = .bringUpToDate, options: Options = Options(),
        probe: StoreProbe? = nil
    ) async throws(StoreError) -> PostgreSQLStore {
        let latestLife = LatestLife()
        let connect: @Sendable () throws(StoreError) -> Session = { () throws(StoreError) in
            let session = try Session(conninfo, options: options).configured(options)
            session.latestLife = latestLife
            return session
        }
        let threads = SessionThreads(options: options, connect: connect)
        var alone = options
        alone.connections = 1
        let watcher = SessionThreads(options: alone, connect: connect)
        do throws(StoreError) {
            let identity = try await threads.run(probe: nil) { (session: Session) throws(StoreError) in
                if try session.needsMigration() {
                    switch schema {
                    case .bringUpToDate: try session.migrate()
                    case .leaveAsItIs:
                        let found = try session.schemaVersion()
                        throw .cannotOpen(
                            "The data has schema \(found) and has to be migrated to \(Migration.supported) first.")
                    }
                }
                return try session.storedIdentity()
            }
            return PostgreSQLStore(
                identity: identity, location: conninfo.description, threads: threads, watcher: watcher,
                broadcast: ChangeBroadcast(conninfo, options: options), latestLife: latestLife, probe: probe)
        } catch {
            await threads.close()
            throw error
        }
    }

    /// Brings the schema up to the newest, as the role that owns it, and gives another role what a server needs.
    public static func migrate(
        _ conninfo: Conninfo, grantingTo role: String?, options: Options = Options()
    ) async throws(StoreError) -> SchemaChange {
        try await onOneSession(conninfo, options) { (session: Session) throws(StoreError) in
            let before = try session.schemaVersion()
            if try session.needsMigration() { try session.migrate() }
            if let role { try session.grant(to: role) }
            let distribution = try session.distribution()
            return SchemaChange(
                from: before, to: try session.schemaVersion(), undistributedTables: distribution?.undistributed ?? [])
        }
    }

    // MARK: Maintenance

    /// Asks whether the database answers.
    /// - Throws: `unavailable` when there is no answer within the time for a connection, whatever takes longer. It is
    ///   also thrown for a while after a commit that found the disk full, because nothing else tells of that.
    public func ping() async throws(StoreError) {
        let patience = watcher.options.connectTimeout
        try await watcher.run(probe: probe, waiting: .untilAnswered) { (session: Session) throws(StoreError) in
            _ = try session.exchange([Request(Statements.ping)], within: patience)
        }
        if fullDisk.isFresh { throw .unavailable("the database's disk was full a moment ago") }
    }

    public func close() async {
        await broadcast.close()
        await watcher.close()
        await threads.close()
    }

    public func changeNotifications() -> AsyncStream<ChangeNotification> { broadcast.changeNotifications() }

    // MARK: Access

    /// Reads one consistent state of one tenant.
    func read<Answer: Sendable>(
        _ tenant: TenantID, _ body: @escaping @Sendable (Reading) throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        try await threads.run(of: tenant, for: .reading, probe: probe) { (session: Session) throws(StoreError) in
            try body(Reading(session: session, tenant: tenant.name.text))
        }
    }
}

/// A transaction that reads one state of one tenant. Its first question begins it and its last one ends it, so that one
/// with a single question is one round trip.
final class Reading {
    let tenant: String
    private let session: Session
    private var hasBegun = false

    init(session: Session, tenant: String) {
        self.session = session
        self.tenant = tenant
    }

    /// Asks a question after which more will be asked. `askLast` has to follow.
    func ask(_ requests: Request...) throws(StoreError) -> [QueryResult] { try ask(requests) }

    func ask(_ requests: [Request]) throws(StoreError) -> [QueryResult] { try ask(requests, ends: []) }

    func askLast(_ requests: Request...) throws(StoreError) -> [QueryResult] { try askLast(requests) }

    func askLast(_ requests: [Request]) throws(StoreError) -> [QueryResult] {
        try ask(requests, ends: [Request(Statements.endReading)])
    }

    /// What reads operations within this transaction.
    var operations: OperationReading {
        OperationReading(tenant: tenant) { (requests: [Request]) throws(StoreError) in try self.ask(requests) }
    }

    /// The life that is read in. It is asked for before anything else is.
    func life() throws(StoreError) -> StoredLife { try session.currentLife() }

    /// Whether the database follows another one. This is asked after a reading: a replica that is promoted in between
    /// answers no, and whoever minds reads again.
    func isOfReplica() throws(StoreError) -> Bool {
        try session.exchange([Request(Statements.selectRecovery)])[0].first { $0.boolean(0) } ?? false
    }

    private func ask(_ requests: [Request], ends: [Request]) throws(StoreError) -> [QueryResult] {
        var begin: [Request] = []
        if !hasBegun { begin = session.begin(Statements.beginReading, naming: tenant) }
        hasBegun = true
        let results = try session.exchange(begin + requests + ends)
        return Array(results.dropFirst(begin.count).dropLast(ends.count))
    }
}

extension Session {
    /// Makes the session one that the engine's statements are meant for.
    func configured(_ options: PostgreSQLStore.Options) throws(StoreError) -> Session {
        let results = try exchange([
            Request(Statements.configure) { row in
                row.text(options.statementTimeout.milliseconds)
                row.text(options.lockTimeout.milliseconds)
                // A server that stands still in the middle of a commit must not keep its tenants' locks.
                row.text(options.statementTimeout.milliseconds)
            },
            Request(Statements.selectServer),
        ])
        let server = try results[1].first { (row: Columns) throws(StoreError) in
            (version: row.integer(0), encoding: try row.text(1), topology: row.boolean(2) ? Topology.citus : .oneNode)
        }
        guard let server, server.version >= 140_000 else {
            throw .cannotOpen("PostgreSQL 14 or later is needed; this is \(server.map { $0.version / 10_000 } ?? 0)")
        }
        guard server.encoding == "UTF8" else {
            throw .cannotOpen("the database has the encoding \(server.encoding); UTF8 is needed")
        }
        topology = server.topology
        return self
    }

    /// What begins a transaction of a tenant. Everything that has to reach the node of the tenant is set anew in it: of a
    /// session's settings Citus takes none there.
    func begin(_ begin: Statement, naming tenant: String) -> [Request] {
        let name = Request(Statements.setTenant) { $0.text(tenant) }
        return switch topology {
        case .oneNode: [Request(begin), name]
        case .citus: [Request(begin), Request(Statements.setOnNodes), name]
        }
    }
}

extension Duration {
    /// Whole milliseconds, as PostgreSQL reads them.
    fileprivate var milliseconds: String {
        "\(components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000)"
    }
}
