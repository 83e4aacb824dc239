#if !canImport(SwiftUI)
    import ArgumentParser
    import CommandToken
    import Foundation
    import GRDB
    import RejoinClient

    /// The app in the terminal, where there is no SwiftUI. Each call does one thing and ends; all but `sync` work offline.
    @main
    struct EstimatesCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "estimates", abstract: "Estimates that are made offline, and sync.",
            subcommands: [List.self, Add.self, Set.self, Visit.self, Decide.self, Delete.self, Sync.self])

        @Option(help: "The folder of this device's data.")
        var data: String

        /// The app's data.
        /// - Parameter tokenCommand: nil where the server is asked nothing.
        func store(server: String = "http://127.0.0.1:8080", tokenCommand: String? = nil) throws -> EstimateStore {
            guard let address = URL(string: server), address.scheme != nil else {
                throw ValidationError("'\(server)' is no address")
            }
            return try EstimateStore(folder: URL(fileURLWithPath: data, isDirectory: true), server: address) { device in
                guard let tokenCommand else { throw CommandToken.NoToken() }
                return try await CommandToken(tokenCommand).token(for: device)
            }
        }
    }

    extension EstimatesCommand {
        struct List: AsyncParsableCommand {
            static let configuration = CommandConfiguration(abstract: "List the estimates.")

            @ParentCommand var app: EstimatesCommand

            func run() async throws {
                let store = try app.store()
                let undecided = try await store.undecidedStatuses()
                for estimate in try await store.estimates() {
                    print(estimate.line)
                    if let statuses = undecided[estimate.id] {
                        print("  which status? \(statuses.joined(separator: " or "))")
                    }
                }
            }
        }

        struct Add: AsyncParsableCommand {
            static let configuration = CommandConfiguration(abstract: "Add an estimate, and print its id.")

            @ParentCommand var app: EstimatesCommand
            @Argument(help: "What it is for.") var title: [String]

            func run() async throws { print(try await app.store().add(title.joined(separator: " ")).id) }
        }

        struct Set: AsyncParsableCommand {
            static let configuration = CommandConfiguration(abstract: "Change a column of an estimate.")

            @ParentCommand var app: EstimatesCommand
            @OptionGroup var chosen: Chosen
            @Argument(help: "title, client, total (in cents), status, tags (with commas between them), or notes.")
            var column: String
            @Argument(help: "What it is to hold.") var value: String

            func run() async throws {
                let store = try app.store()
                let shown = try await chosen.estimate(in: store)
                var edited = shown
                switch column {
                case "title": edited.title = value
                case "client": edited.client = value
                case "total":
                    guard let cents = Int(value) else { throw ValidationError("'\(value)' is no number of cents") }
                    edited.total = cents
                case "status": edited.status = value
                case "tags": edited.tags = value.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
                case "notes": edited.notes = value
                case _: throw ValidationError("'\(column)' is no column that is set")
                }
                try await store.save(edited, shown: shown)
            }
        }

        struct Visit: AsyncParsableCommand {
            static let configuration = CommandConfiguration(abstract: "Count a visit.")

            @ParentCommand var app: EstimatesCommand
            @OptionGroup var chosen: Chosen

            func run() async throws {
                let store = try app.store()
                try await store.countVisit(chosen.estimate(in: store).id)
            }
        }

        struct Decide: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Choose a status for an estimate to which devices gave different ones.")

            @ParentCommand var app: EstimatesCommand
            @OptionGroup var chosen: Chosen
            @Argument(help: "The status that it has.") var status: String

            func run() async throws {
                let store = try app.store()
                try await store.decideStatus(status, of: chosen.estimate(in: store).id)
            }
        }

        struct Delete: AsyncParsableCommand {
            static let configuration = CommandConfiguration(abstract: "Delete an estimate.")

            @ParentCommand var app: EstimatesCommand
            @OptionGroup var chosen: Chosen

            func run() async throws {
                let store = try app.store()
                try await store.delete(chosen.estimate(in: store).id)
            }
        }

        struct Sync: AsyncParsableCommand {
            static let configuration = CommandConfiguration(abstract: "Send what was done here, take what others did.")

            @ParentCommand var app: EstimatesCommand
            @Option(help: "The server's address.") var server = "http://127.0.0.1:8080"
            @Option(
                help:
                    "A command that prints a token; the device id is added to it: 'rejoin token --user ana --tenant demo --device'."
            )
            var tokenCommand: String

            func run() async throws {
                let client = try app.store(server: server, tokenCommand: tokenCommand).client
                let seen = try await client.conflicts().last?.position ?? 0
                do {
                    try await client.syncNow()
                } catch let failure as SyncFailure {
                    print("not synced: \(failure.words). What was done here is kept, and goes with the next sync.")
                    throw ExitCode.failure
                }
                print("synced, \(try await client.status().parked) refused")
                for conflict in try await client.conflicts(after: seen) { print("conflict: \(conflict.words)") }
            }
        }
    }

    /// The estimate that is meant.
    struct Chosen: ParsableArguments {
        @Argument(help: "The estimate's id, or how it begins.") var id: String

        func estimate(in store: EstimateStore) async throws -> Estimate {
            let found = try await store.estimates().filter { $0.id.hasPrefix(id) }
            if let exact = found.first(where: { $0.id == id }) { return exact }
            guard let estimate = found.first, found.count == 1 else {
                throw ValidationError(
                    "\(found.isEmpty ? "no estimate has" : "several estimates have") an id that begins with '\(id)'")
            }
            return estimate
        }
    }

    extension Estimate {
        /// The estimate in a line of the terminal.
        fileprivate var line: String {
            var line = "\(id)  \(title)"
            if let client { line += " for \(client)" }
            if let total { line += ", \(String(format: "%.2f", Double(total) / 100))" }
            line += ", \(status ?? "no status"), \(visits) visits"
            if !tags.isEmpty { line += " #" + tags.joined(separator: " #") }
            if let notes { line += " (\(notes))" }
            return line
        }
    }
#endif
