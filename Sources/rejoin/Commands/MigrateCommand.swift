import ArgumentParser
import PostgreSQLStorage
import SyncStorage
import SyncWire

struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Make the schema, or bring it up to date.",
        discussion: """
            'rejoin serve' does this when it starts, where its role may. On PostgreSQL the schema should belong to a role that \
            does not serve: run this as that role, and name the server's role with --grant-to.
            """)

    @OptionGroup var database: DatabaseOptions

    @Option(help: "The role that servers connect with; it is given what it needs, and nothing more.")
    var grantTo: String?

    @Flag(
        help:
            "The signing key was changed on purpose: take this one for that of all servers on the database."
    )
    var adoptKey = false

    func run() async throws {
        try await migrate()
        guard adoptKey else { return }
        let settings = try SettingsResolution(config: database.common.config)
        let check = ServerKeys(secret: try DataDirectory(settings, database.common).secret()).check
        let store = try await Database(database).openForCommand()
        _ = try await Database.saying { () throws(StoreError) in
            try await store.agree(on: check, .adopt)
        }
        await store.close()
        print("the servers on this data have this key now; restart those that have another")
    }

    private func migrate() async throws {
        switch try Database(database) {
        case .file(let data):
            guard grantTo == nil else { throw CommandFailure.cannotStart("--grant-to is for PostgreSQL") }
            try data.prepare()
            let store = try data.openForServing()
            let version = try await Database.saying { () throws(StoreError) in try await store.schemaVersion() }
            await store.close()
            print("\(data.databasePath) has schema \(version), the newest")
        case .server(let conninfo, let options):
            let change = try await Database.saying { () throws(StoreError) in
                try await PostgreSQLStore.migrate(conninfo, grantingTo: grantTo, options: options)
            }
            print(
                change.from == change.to
                    ? "the database has schema \(change.to), the newest"
                    : "the database has schema \(change.to) now; it had \(change.from == 0 ? "none" : "\(change.from)")"
            )
            if let grantTo { print("role \(grantTo) may serve") }
            if !change.undistributedTables.isEmpty {
                print(
                    "Citus is installed, and these tables are not distributed: "
                        + change.undistributedTables.joined(separator: ", ")
                        + "; run citus.sql before the first tenant (docs/postgresql.md, \"Citus\")")
            }
        }
    }
}
