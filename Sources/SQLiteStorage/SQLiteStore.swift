import Dispatch
import GRDB
import GRDBSQLite
import SyncStorage

/// The embedded engine: one SQLite file, one writer, and readers beside it.
///
/// Every commit is one transaction of the writer, and `synchronous` is FULL. So when `transact` returns, the commit
/// survives a loss of power. Readers see whole commits and never wait for the writer.
public final class SQLiteStore: SyncStore {
    public let identity: StoreIdentity
    let storedLife: StoredLife
    public var life: LifeID { storedLife.id }
    let pool: DatabasePool
    let probe: StoreProbe?
    /// Tenants take turns at the connections that read.
    let readers: Readers
    /// Nil where another process may commit to the file.
    let knownHeads: KnownHeads?
    /// Tenants take turns at the connection that writes.
    private let writer = WriterTurns()
    let contention = Contention()
    private let busyTimeout: Duration
    private let lock: ServerLock?
    private let checkpointer: DatabaseQueue?
    /// One lock a tenant, so that one transaction of it is under way.
    let locks = TenantLocks()
    /// Asks whether the engine answers, whoever else keeps the pool busy.
    private let watcher: DatabaseQueue?
    let options: Options
    /// How much was written since the log was last copied into the file.
    private let log: LogGrowth

    /// How a file is opened.
    public struct Options: Sendable, Hashable {
        /// How long a statement waits for a lock that another process holds (a backup, a command line tool).
        public var busyTimeout: Duration = .seconds(5)
        /// Connections that read at the same time.
        public var readers = 4
        /// Pages written after which `keepLogShort` copies the log into the file, beside the writer.
        public var pagesBeforeCheckpoints = 8_000
        /// Pages in the write-ahead log at which the writer itself copies them into the file. The number is high,
        /// because all commits wait for it: it is for when `keepLogShort` does not keep up.
        public var pagesBeforeWriterCheckpoints = 32_000
        /// Bytes of the write-ahead log beyond which it is cut off as soon as everything in it is in the file. After a
        /// long reader it is as long as all that was written meanwhile.
        public var logBytes = 64 * 1024 * 1024
        /// Bytes that have to be free on the disk. With less, the store is not ready: a commit needs room in the log
        /// and, later, in the file.
        public var minimumFreeBytes = 64 * 1024 * 1024

        public init() {}
    }

    private init(
        pool: DatabasePool, readers: Readers, options: Options, identity: StoreIdentity, life: StoredLife,
        lock: ServerLock?,
        checkpointer: DatabaseQueue?, watcher: DatabaseQueue?, probe: StoreProbe?
    ) {
        self.readers = readers
        knownHeads = lock == nil ? nil : KnownHeads()
        self.watcher = watcher
        self.options = options
        log = LogGrowth(limit: options.pagesBeforeCheckpoints)
        busyTimeout = options.busyTimeout
        self.pool = pool
        self.identity = identity
        storedLife = life
        self.lock = lock
        self.checkpointer = checkpointer
        self.probe = probe
    }

    /// Where the file is.
    public var path: String { pool.path }

    // MARK: Opening

    /// Opens a file for serving, and makes it if it is not there. Its directory has to be there.
    ///
    /// Blocks until the file is open and its schema is the newest. The file is locked for this process until `close`.
    /// - Throws: `cannotOpen` when another server has it, or it cannot be written; `newerSchema`; `damaged`.
    public static func open(
        at path: String, options: Options = Options(), probe: StoreProbe? = nil
    ) throws(StoreError) -> SQLiteStore {
        let lock = try ServerLock(besides: path)
        do {
            try DatabaseFiles.makePrivate(at: path)
            let pool = try DatabasePool(path: path, configuration: configuration(options))
            let (identity, life) = try pool.writeWithoutTransaction { database in
                let connection = Connection(database: database, probe: nil)
                try connection.makeDurable(options)
                try connection.migrate()
                return (try connection.storedIdentity(), try connection.beginLife())
            }
            let checkpointer = try DatabaseQueue(path: path, configuration: configuration(options))
            let watcher = try DatabaseQueue(path: path, configuration: configuration(options))
            let readers = Readers(count: options.readers, at: path, Self.configuration(options))
            return SQLiteStore(
                pool: pool, readers: readers, options: options, identity: identity, life: life, lock: lock,
                checkpointer: checkpointer, watcher: watcher, probe: probe)
        } catch {
            lock.release()
            throw StoreError(opening: path, error)
        }
    }

    /// Opens a file beside a server that may have it open, for the few writes of a command. The file and its schema
    /// have to be there. The two share nothing but the writer's lock of SQLite.
    public static func openBeside(
        at path: String, options: Options = Options(), probe: StoreProbe? = nil
    ) throws(StoreError) -> SQLiteStore {
        try open(besideServerAt: path, for: .writing, options, probe)
    }

    /// Opens a file for reading beside a server that may have it open. Every method that writes throws `cannotOpen`.
    public static func openReadOnly(
        at path: String, options: Options = Options(), probe: StoreProbe? = nil
    ) throws(StoreError) -> SQLiteStore {
        try open(besideServerAt: path, for: .reading, options, probe)
    }

    private static func open(
        besideServerAt path: String, for use: WorkUse, _ options: Options, _ probe: StoreProbe?
    ) throws(StoreError) -> SQLiteStore {
        do {
            var configuration = configuration(options)
            configuration.readonly = use == .reading
            let pool = try DatabasePool(path: path, configuration: configuration)
            let (identity, life): (StoreIdentity, StoredLife)
            switch use {
            case .reading: (identity, life) = try pool.unsafeRead { try stored(in: $0) }
            case .writing:
                (identity, life) = try pool.writeWithoutTransaction { database in
                    try Connection(database: database, probe: nil).makeDurable(options)
                    return try stored(in: database)
                }
            }
            return SQLiteStore(
                pool: pool, readers: Readers(count: options.readers, at: path, configuration), options: options,
                identity: identity, life: life, lock: nil, checkpointer: nil, watcher: nil, probe: probe)
        } catch {
            throw StoreError(opening: path, error)
        }
    }

    /// Reads the identity and the life from a file whose schema is the newest.
    private static func stored(in database: Database) throws(StoreError) -> (StoreIdentity, StoredLife) {
        let connection = Connection(database: database, probe: nil)
        try connection.requireNewestSchema()
        return (try connection.storedIdentity(), try connection.lastLife())
    }

    private static func configuration(_ options: Options) -> Configuration {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .timeout(options.busyTimeout / .seconds(1))
        configuration.maximumReaderCount = options.readers
        configuration.persistentReadOnlyConnections = true
        configuration.prepareDatabase { database in
            try database.execute(sql: Statements.setCacheSize.sql)
        }
        return configuration
    }

    // MARK: Maintenance

    /// Calls `checkpoint` when much was written, and every two seconds, until it is cancelled. A failure is tried again.
    public func keepLogShort() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [log] in
                while !Task.isCancelled {
                    try? await Task.sleep(for: .seconds(2))
                    log.ask()
                }
            }
            for await _ in log.requests where !Task.isCancelled { try? await checkpoint() }
            group.cancelAll()
        }
    }

    /// Copies what is in the write-ahead log into the file, as far as no reader needs the older pages. It uses a
    /// connection of its own, so neither the writer nor readers wait.
    ///
    /// A log that has become long is cut off when all of it is in the file and nobody uses it at this moment.
    public func checkpoint() async throws(StoreError) {
        guard let checkpointer else { return }
        do {
            try await checkpointer.writeWithoutTransaction { database in
                try probe?("checkpoint")
                let (log, copied) = try database.checkpoint(.passive)
                guard log == copied, logBytes > options.logBytes else { return }
                // While readers or the writer work, the log is busy. It is tried again next time.
                try? database.withoutWaiting(afterwards: options.busyTimeout) {
                    _ = try database.checkpoint(.truncate)
                }
            }
        } catch {
            throw StoreError(error, at: "checkpoint")
        }
    }

    public func ping() async throws(StoreError) {
        do {
            let reader: any DatabaseReader = watcher ?? pool
            try await reader.read { [probe] database in
                let connection = Connection(database: database, probe: probe)
                _ = try connection.prepare(Statements.ping).first { $0.integer(0) }
            }
        } catch {
            throw StoreError(error, at: "ping")
        }
        if let freeBytes, freeBytes < options.minimumFreeBytes {
            throw .unavailable("the disk of \(path) has only \(freeBytes) bytes left")
        }
    }

    public func close() async {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { [readers, checkpointer, watcher, pool, lock] in
                // An error here leaves nothing undone: what was committed is in the log, and the next opening reads it.
                // The library closes its readers last, which may not write: then nobody would copy the log into the file and
                // remove it. So a connection that writes is the last of all.
                try? readers.close()
                try? watcher?.close()
                try? pool.close()
                try? checkpointer?.close()
                lock?.release()
                continuation.resume()
            }
        }
    }

    // MARK: Access

    /// Reads one consistent state, however many statements that takes.
    /// - Parameters:
    ///   - tenant: whose turn it takes; nil for the server's own.
    ///   - extent: how much is read.
    func read<Answer: Sendable>(
        _ tenant: TenantID? = nil, _ extent: Readers.Extent = .manyRows,
        _ body: @escaping @Sendable (Connection) throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        try await readers.run(of: tenant, extent) { [probe] database throws(StoreError) in
            try Connection(database: database, probe: probe).reading(body)
        }
    }

    /// Runs one transaction of the writer.
    ///
    /// While another process holds the write lock, those who wait for it here are told so together after one time-out,
    /// and not one after the other.
    /// - Parameter tenant: whose turn it takes; nil for the server's own.
    func write<Answer: Sendable>(
        _ tenant: TenantID?,
        _ body: @Sendable (Connection) throws(StoreError) -> (Answer, Connection.TransactionEnd)
    ) async throws(StoreError) -> Answer {
        let arrival = ContinuousClock.now
        do {
            return try await writer.take(for: tenant) {
                try await pool.writeWithoutTransaction { [probe, contention, busyTimeout, log] database in
                    let patience = contention.patience(since: arrival, atMost: busyTimeout)
                    sqlite3_busy_timeout(database.sqliteConnection, Int32(clamping: Int(patience / .milliseconds(1))))
                    let connection = Connection(database: database, probe: probe)
                    let answer = try connection.transaction(whenLocked: { contention.note(after: patience) }, body)
                    log.note(database)
                    return answer
                }
            }
        } catch {
            throw StoreError(error, at: "write")
        }
    }
}

extension Connection {
    /// Makes commits survive a loss of power. GRDB sets `synchronous` to NORMAL when it turns the write-ahead log on,
    /// and that loses commits with the power. So it is set after that, and read again, because a setting that is
    /// silently not taken would be found out too late.
    fileprivate func makeDurable(_ options: SQLiteStore.Options) throws(StoreError) {
        try prepare(Statements.setSynchronousFull).execute()
        guard try prepare(Statements.synchronous).first({ $0.integer(0) }) == 2 else {
            throw .cannotOpen("SQLite does not keep synchronous=FULL, so commits would not be durable.")
        }
        guard try prepare(Statements.journalMode).first({ (row) throws(StoreError) in try row.text(0) }) == "wal" else {
            throw .cannotOpen("SQLite does not keep a write-ahead log here.")
        }
        sqlite3_wal_autocheckpoint(database.sqliteConnection, Int32(clamping: options.pagesBeforeWriterCheckpoints))
    }
}

extension StoreError {
    fileprivate init(opening path: String, _ error: any Error) {
        switch (StoreError(error, at: "open"), error) {
        case (.unavailable(let text), is DatabaseError): self = .cannotOpen("\(path) cannot be opened: \(text).")
        case (.damaged(let text), is DatabaseError): self = .damaged("\(path): \(text)")
        case (let found, _): self = found
        }
    }
}
