import ArgumentParser
import PostgreSQLStorage
import SQLiteStorage
import SyncStorage

/// Options of every command that opens the data.
struct DatabaseOptions: ParsableArguments {
    @OptionGroup var common: CommonOptions

    @Option(
        help: """
            PostgreSQL instead of the file in the data directory: postgres://user@host/name or 'host=… dbname=…', with \
            everything that libpq reads. (REJOIN_DATABASE; at most REJOIN_DATABASE_CONNECTIONS connections, 12, and three \
            at least, so that nobody has to wait for the slowest.)
            """)
    var database: String?
}

/// Where the data is. This is the composition root's choice between the engines.
enum Database: Sendable {
    case file(DataDirectory)
    case server(Conninfo, PostgreSQLStore.Options)

    init(_ options: DatabaseOptions) throws(CommandFailure) {
        self = try Self.named(options, try SettingsResolution(config: options.common.config)).value
    }

    static func named(
        _ options: DatabaseOptions, _ settings: SettingsResolution
    ) throws(CommandFailure) -> Setting<Database> {
        let data = settings.text(.data, options.common.data, default: DataDirectory.standardPath)
        guard let database = settings.text(.database, options.database) else {
            return Setting(value: .file(DataDirectory(settings, options.common)), source: data.source)
        }
        guard Conninfo.isMeant(by: database.value) else {
            throw .cannotStart(
                "'database' is for PostgreSQL, as 'postgres://user@host/name'; the embedded database is where --data says"
            )
        }
        let options = try PostgreSQLStore.Options.resolved(settings)
        do {
            return Setting(value: .server(try Conninfo(database.value), options), source: database.source)
        } catch {
            throw .cannotStart(error.line)
        }
    }

    /// What people may see of the place.
    var description: String {
        switch self {
        case .file(let data): data.databasePath
        case .server(let conninfo, _): conninfo.description
        }
    }

    /// Opens it for a server, its schema brought up to date.
    func openForServing() async throws(CommandFailure) -> any SyncStore {
        switch self {
        case .file(let data): return try data.openForServing()
        case .server(let conninfo, let options):
            return try await Self.saying { () throws(StoreError) in
                try await PostgreSQLStore.open(conninfo, schema: .bringUpToDate, options: options)
            }
        }
    }

    /// Opens it beside running servers, for reading.
    func openForReading() async throws(CommandFailure) -> any SyncStore {
        switch self {
        case .file(let data): return try data.openForReading()
        case .server(let conninfo, var options):
            // A command asks one thing at a time.
            options.connections = 2
            let few = options
            return try await Self.saying { () throws(StoreError) in
                try await PostgreSQLStore.open(conninfo, schema: .leaveAsItIs, options: few)
            }
        }
    }

    /// Opens it beside running servers, for what a command writes.
    func openForCommand() async throws(CommandFailure) -> any SyncStore {
        switch self {
        case .file(let data): try data.openForCommand()
        case .server: try await openForReading()
        }
    }

    static func saying<Answer>(
        _ body: () async throws(StoreError) -> Answer
    ) async throws(CommandFailure) -> Answer {
        do {
            return try await body()
        } catch {
            throw .cannotStart(error.line)
        }
    }
}

extension PostgreSQLStore.Options {
    /// Reads what the environment and the settings file say. These options are for operators, and have no place among a
    /// command's options.
    fileprivate static func resolved(_ settings: SettingsResolution) throws(CommandFailure) -> Self {
        var options = Self()
        options.connections = try settings.integer(.databaseConnections, nil, in: 1...500, default: options.connections)
            .value
        options.connectTimeout = try settings.seconds(.databaseConnectTimeout, default: options.connectTimeout)
        options.lockTimeout = try settings.seconds(.databaseLockTimeout, default: options.lockTimeout)
        options.statementTimeout = try settings.seconds(.databaseStatementTimeout, default: options.statementTimeout)
        return options
    }
}

extension SettingsResolution {
    fileprivate func seconds(_ name: SettingName, default standard: Duration) throws(CommandFailure) -> Duration {
        .seconds(try integer(name, nil, in: 1...3600, default: Int(standard.components.seconds)).value)
    }
}
