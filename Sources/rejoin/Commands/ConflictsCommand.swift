import ArgumentParser
import Causality
import Foundation
import MergeCore
import SyncEngine
import SyncStorage
import SyncWire

struct ConflictsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conflicts", abstract: "Read the audit of conflicts, also beside a running server, and decide.",
        subcommands: [List.self, Show.self, Resolve.self, Export.self])

    /// Whose conflicts, and which.
    struct Selection: ParsableArguments {
        @OptionGroup var database: DatabaseOptions

        @Option(help: "The tenant; not needed where there is one only.")
        var tenant: String?

        @OptionGroup var filter: ConflictFilter

        @Flag(help: "Oldest first.")
        var oldest = false

        func open() async throws(CommandFailure) -> (store: any SyncStore, tenant: TenantID) {
            let store = try await Database(database).openForReading()
            return (store, try await TenantChoice.tenant(tenant, in: store))
        }

        func query(limit: Int) throws(CommandFailure) -> ConflictQuery {
            var query = try filter.query(limit: limit)
            query.order = oldest ? .oldest : .newest
            return query
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List conflicts as a table.")

        @OptionGroup var selection: Selection

        @Option(help: "At most so many.") var limit = 50
        @Flag(help: "One JSON object a line.") var json = false

        func run() async throws {
            guard limit > 0 else { throw CommandFailure.cannotStart("--limit is 1 or more") }
            let query = try selection.query(limit: limit)
            let (store, tenant) = try await selection.open()
            let views = try await Self.views(store, tenant, query)
            if json {
                for view in views { print(view.terminalJSON) }
            } else if views.isEmpty {
                print("no conflicts")
            } else {
                print(ConflictTable.text(views), terminator: "")
            }
            await store.close()
        }

        static func views(
            _ store: any SyncStore, _ tenant: TenantID, _ query: ConflictQuery
        ) async throws(CommandFailure) -> [ConflictView] {
            do {
                var views: [ConflictView] = []
                for file in try await store.conflicts(tenant, query) { views.append(try ConflictView(file)) }
                return views
            } catch {
                throw .cannotStart(error.line)
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one conflict with all its sides.")

        @OptionGroup var database: DatabaseOptions
        @Option(help: "The tenant; not needed where there is one only.") var tenant: String?
        @Flag(help: "As JSON.") var json = false
        @Argument(help: "The conflict's id.") var id: Int64

        func run() async throws {
            let store = try await Database(database).openForReading()
            let tenant = try await TenantChoice.tenant(tenant, in: store)
            let view: ConflictView?
            do {
                view = try await store.conflict(tenant, ConflictID(position: id)).map(ConflictView.init(_:))
            } catch {
                throw CommandFailure.cannotStart(error.line)
            }
            guard let view else { throw CommandFailure.found("there is no conflict \(id)") }
            print(json ? view.terminalJSON : ConflictTable.detail(view), terminator: json ? "\n" : "")
            await store.close()
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write all conflicts, oldest first, as one JSON object a line or as CSV with a line a side.")

        @OptionGroup var selection: Selection
        @Flag(help: "CSV instead of JSON lines.") var csv = false

        func run() async throws {
            var query = try selection.query(limit: 500)
            query.order = .oldest
            let (store, tenant) = try await selection.open()
            if csv { print(WireConflict.csvHeader, terminator: "") }
            while true {
                let views = try await List.views(store, tenant, query)
                for view in views { print(csv ? view.csv : view.terminalJSON, terminator: csv ? "" : "\n") }
                guard let last = views.last, views.count == query.limit else { break }
                query.beyond = ConflictID(position: last.row.id)
            }
            await store.close()
        }
    }
}

extension ConflictView {
    /// One line a side.
    fileprivate var csv: String {
        var lines: [UInt8] = []
        document.writeCSV(to: &lines)
        return String(decoding: lines, as: UTF8.self)
    }

    /// On one line, and safe to look at.
    var terminalJSON: String { TerminalText.json(String(decoding: document.encoded(), as: UTF8.self)) }
}
