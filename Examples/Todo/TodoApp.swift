import ArgumentParser
import CommandToken
import Foundation
import GRDB
import RejoinClient

/// A to-do list in the terminal that works offline and syncs: what an app on `RejoinClient` looks like, in three files.
@main
struct TodoApp: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "todo",
        abstract: "A to-do list that works offline and syncs.",
        discussion: """
            Reads commands from standard input, one a line:
              list · add TITLE · edit N TITLE · done N · work N MINUTES · tag N TAG · delete N
              offline · online · sync · status · conflicts · choose N TITLE · parked · retry N · discard N · help · quit
            N is a number from `list` (or, for retry and discard, from `parked`).
            """)

    @Option(help: "The folder of this device's data.")
    var data: String

    @Option(help: "The server's address.")
    var server = "http://127.0.0.1:8080"

    @Option(
        help:
            "A command that prints a token; the device id is added to it: 'rejoin token --user ana --tenant demo --device'."
    )
    var tokenCommand: String

    @Flag(help: "Begin without the network.")
    var offline = false

    @Flag(help: "Tell on standard error what is asked of the server.")
    var verbose = false

    func run() async throws {
        let folder = URL(fileURLWithPath: data, isDirectory: true)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        guard let address = URL(string: server) else { throw ValidationError("'\(server)' is no address") }
        var options = ClientOptions()
        options.collections = ["todos"]
        if verbose {
            options.log = SyncLogger { level, line in FileHandle.standardError.write(Data("\(level): \(line)\n".utf8)) }
        }
        let command = tokenCommand
        let client = try RejoinClient(
            database: DatabasePool(path: folder.appendingPathComponent("todo.sqlite").path), server: address,
            options: options
        ) { device in try await CommandToken(command).token(for: device) }
        let session = TodoSession(client)
        if !offline { await session.goOnline() }
        while let line = await StandardInput.line() {
            do {
                guard try await session.perform(line) else { break }
            } catch {
                say("! \(error)")
            }
        }
        await session.goOffline()
    }
}

/// Prints a line at once, also into a pipe.
func say(_ text: String) {
    print(text)
    fflush(nil)
}

/// Lines from standard input. Reading blocks, so it is done on a thread of its own.
enum StandardInput {
    static func line() async -> String? {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: readLine()) }
        }
    }
}
