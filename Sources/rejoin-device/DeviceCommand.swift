import ArgumentParser
import AsyncHTTPConnection
import Causality
import CommandToken
import Foundation
import GRDB
import MergeCore
import RejoinClient

/// Keeps tables of any SQLite file in sync, from the shell. A program in any language that writes SQL is a client with it.
@main
struct DeviceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rejoin-device",
        abstract: "Keep tables of a SQLite file in sync with a server.",
        discussion: """
            Programs go on to write the file as before: triggers note what they change. Each call sends and takes once; --stay goes on.

            A table is NAME or NAME=COLLECTION, with ':singleton' where it has one row, ':read-only' where nothing is sent, or ':observe' where
            nothing is sent or taken: --table estimates --table settings:singleton --table prices=cost_book_items:read-only
            """)

    @Argument(help: "The SQLite file.")
    var database: String

    @Option(help: "The server's address.")
    var server = "http://127.0.0.1:8080"

    @Option(help: ArgumentHelp("A table that is synced; can be given more than once.", valueName: "name"))
    var table: [TableArgument] = []

    @Option(
        help: ArgumentHelp(
            "'TABLE: CONDITION': only rows for which the SQL condition is true are sent; can be given more than once.",
            valueName: "condition"))
    var push: [PushArgument] = []

    @Option(
        help:
            "A command that prints a token; the device id is added to it: 'rejoin token --user ana --tenant demo --device'. (default: the variable REJOIN_TOKEN)"
    )
    var tokenCommand: String?

    @Option(help: "The device id to begin with, where the token is for a certain one.")
    var device: String?

    @Option(help: "The tenant that is meant, where the token names none and its user is a member of several.")
    var tenant: String?

    @Flag(help: "Go on until it is interrupted: send what is written, take what others do.")
    var stay = false

    @Flag(help: "Only tell how things stand; ask the server nothing.")
    var status = false

    @Flag(help: "Remove all that this program has put into the file: triggers and tables. What was not sent is lost.")
    var detach = false

    @Option(help: ArgumentHelp("Send a refused edit again; can be given more than once.", valueName: "id"))
    var retry: [String] = []

    @Option(help: ArgumentHelp("Let a refused edit go; can be given more than once.", valueName: "id"))
    var discard: [String] = []

    @Flag(help: "Tell it as JSON, an object a line.")
    var json = false

    @Flag(help: "Tell on standard error what is asked of the server.")
    var verbose = false

    func run() async throws {
        guard FileManager.default.fileExists(atPath: database) else {
            throw ValidationError("there is no file '\(database)'")
        }
        guard let address = URL(string: server), address.scheme != nil else {
            throw ValidationError("'\(server)' is no address")
        }
        guard !table.isEmpty else { throw ValidationError("no table is named: --table NAME") }
        var options = ClientOptions()
        options.device = device.map { DeviceID(ExactString($0)) }
        options.tenant = tenant.map { ExactString($0) }
        if verbose {
            options.log = SyncLogger { level, line in FileHandle.standardError.write(Data("\(level): \(line)\n".utf8)) }
        }
        let command = tokenCommand
        let client = try RejoinClient(
            database: try open(), tables: try tables(), connection: AsyncHTTPConnection(server: address.absoluteString),
            options: options
        ) { device in
            if let command { return try await CommandToken(command).token(for: device) }
            guard let token = ProcessInfo.processInfo.environment["REJOIN_TOKEN"] else { throw CommandToken.NoToken() }
            return token
        }
        try await perform(client)
    }

    private func perform(_ client: RejoinClient) async throws {
        if detach {
            try await client.detach()
            return
        }
        for id in retry where try await client.retry(OperationID(id)) == nil {
            throw ValidationError("no refused edit has the id '\(id)'")
        }
        for id in discard { try await client.discard(OperationID(id)) }
        if status {
            try await report(client)
        } else if stay {
            try await stay(client)
        } else {
            try await syncOnce(client)
        }
    }

    private func open() throws -> DatabasePool {
        var configuration = Configuration()
        // Others write the same file.
        configuration.busyMode = .timeout(10)
        return try DatabasePool(path: database, configuration: configuration)
    }

    private func tables() throws -> [SyncedTable] {
        var tables = table.map(\.table)
        for condition in push {
            guard let index = tables.firstIndex(where: { $0.name == condition.table }) else {
                throw ValidationError("'\(condition.table)' is no table of --table")
            }
            tables[index].push = .where(condition.condition)
        }
        return tables
    }

    // MARK: Syncing

    private func syncOnce(_ client: RejoinClient) async throws {
        do {
            try await client.syncNow()
        } catch let failure as SyncFailure {
            try await report(client, failure)
            throw ExitCode.failure
        }
        try await Report(client, hasSynced: true).tell(json: json)
    }

    private func stay(_ client: RejoinClient) async throws {
        let json = json
        let telling = Task {
            for await _ in client.phase { try await Report(client).tell(json: json) }
        }
        defer { telling.cancel() }
        do {
            try await client.run()
        } catch let failure as SyncFailure {
            try await report(client, failure)
            throw ExitCode.failure
        }
    }

    private func report(_ client: RejoinClient, _ failure: SyncFailure? = nil) async throws {
        try await Report(client, failure).tell(json: json)
    }
}

/// `NAME[=COLLECTION][:singleton][:read-only][:observe]`
struct TableArgument: ExpressibleByArgument {
    var table: SyncedTable

    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let names = parts[0].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard names.allSatisfy({ !$0.isEmpty }) else { return nil }
        table = SyncedTable(names[0], collection: names.count > 1 ? ExactString(names[1]) : nil)
        for part in parts.dropFirst() {
            switch part {
            case "singleton": table.key = .singleton
            case "read-only": table.mode = .readOnly
            case "observe": table.mode = .observe
            case _: return nil
            }
        }
    }
}

/// `TABLE: CONDITION`
struct PushArgument: ExpressibleByArgument {
    let table: String
    let condition: String

    init?(argument: String) {
        let parts = argument.split(separator: ":", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return nil }
        table = parts[0].trimmingCharacters(in: .whitespaces)
        condition = parts[1].trimmingCharacters(in: .whitespaces)
    }
}
