import ArgumentParser
import PostgreSQLStorage
import SyncStorage

struct ViewsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "views",
        abstract: "Make a view with typed columns for each declared collection, to be asked in plain SQL.",
        discussion: """
            For PostgreSQL. The views are made in the schema rejoin_views, and made anew when this is run again. They show what \
            the policies on the tenant let the asking role see.
            """)

    @OptionGroup var database: DatabaseOptions

    @Option(help: "The YAML file that declares the collections. (REJOIN_COLLECTIONS)")
    var collections: String?

    @Flag(name: .customLong("print"), help: "Print the statements and run nothing; needs no database.")
    var printsOnly = false

    func run() async throws {
        let settings = try SettingsResolution(config: database.common.config)
        guard let file = settings.text(.collections, collections) else {
            throw CommandFailure.cannotStart("name the file that declares the collections with --collections")
        }
        let schema = try CollectionsFile(path: file.value).schema
        let views: CollectionViews
        do throws(CollectionViews.NamingError) {
            views = try CollectionViews(schema)
        } catch {
            throw CommandFailure.cannotStart("\(file.value): \(error.message)")
        }
        if printsOnly { return print(views.script, terminator: "") }
        guard case .server(let conninfo, let options) = try Database(database) else {
            throw CommandFailure.cannotStart("views are made in PostgreSQL; name it with --database, or use --print")
        }
        try await Database.saying { () throws(StoreError) in
            try await PostgreSQLStore.create(views, in: conninfo, options: options)
        }
        for name in views.names { print(name) }
    }
}
