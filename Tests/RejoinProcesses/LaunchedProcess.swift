import Foundation
import Synchronization

/// How a process ended.
package enum Exit: Sendable, Hashable {
    case code(Int32)
    case signal(Int32)
}

/// The built `rejoin` as a process of its own, with its output collected.
package final class LaunchedProcess: Sendable {
    package let id: pid_t
    package let output: OutputReader
    package let errors: OutputReader
    private let ending: Task<Exit, Never>

    /// - Parameters:
    ///   - environment: added to the tests' own, which is passed on without the settings of a server.
    ///   - descriptors: how many the process may have open; nil for as many as the tests.
    package init(
        _ arguments: [String], environment: [String: String] = [:], directory: String? = nil, descriptors: Int? = nil
    ) throws {
        let process = Process()
        if let descriptors {
            process.executableURL = URL(filePath: "/bin/sh")
            process.arguments =
                ["-c", "ulimit -n \(descriptors) && exec \"$0\" \"$@\"", try Self.executable().path] + arguments
        } else {
            process.executableURL = try Self.executable()
            process.arguments = arguments
        }
        process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("REJOIN_") }
            .merging(environment) { $1 }
        if let directory { process.currentDirectoryURL = URL(filePath: directory) }
        let output = Pipe()
        let errors = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        let (exits, exit) = AsyncStream.makeStream(of: Exit.self)
        process.terminationHandler = { process in
            exit.yield(
                process.terminationReason == .exit
                    ? .code(process.terminationStatus) : .signal(process.terminationStatus))
            exit.finish()
        }
        try process.run()
        id = process.processIdentifier
        ending = Task { await exits.first { _ in true } ?? .code(-1) }
        self.output = OutputReader(output.fileHandleForReading)
        self.errors = OutputReader(errors.fileHandleForReading)
    }

    /// Waits for the end.
    package var exit: Exit { get async { await ending.value } }

    package func send(_ signal: Int32) { kill(id, signal) }

    /// The executable lies beside the bundle that these tests run in.
    private static func executable() throws -> URL {
        let starts = [Bundle.main.executableURL, URL(filePath: CommandLine.arguments[0]), Bundle.main.bundleURL]
        for start in starts.compactMap({ $0 }) {
            var place = start.standardizedFileURL
            while place.path != "/" {
                place.deleteLastPathComponent()
                let candidate = place.appending(path: "rejoin")
                var isDirectory: ObjCBool = false
                if FileManager.default.fileExists(atPath: candidate.path, isDirectory: &isDirectory),
                    !isDirectory.boolValue, FileManager.default.isExecutableFile(atPath: candidate.path)
                {
                    return candidate
                }
            }
        }
        throw TestError("the executable is not beside the tests")
    }
}

/// Reads a pipe to its end, so that whoever writes into it never waits, and keeps what came.
package final class OutputReader: Sendable {
    private let collected = Mutex<[UInt8]>([])
    private let arrivals: AsyncStream<Void>

    init(_ handle: FileHandle) {
        let (arrivals, arrival) = AsyncStream.makeStream(of: Void.self)
        self.arrivals = arrivals
        Thread.detachNewThread { [self] in
            // `availableData` is not used: it ends the process when a signal interrupts the reading.
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(handle.fileDescriptor, &buffer, buffer.count)
                if count > 0 {
                    collected.withLock { $0 += buffer[..<count] }
                    arrival.yield()
                } else if count == 0 || errno != EINTR {
                    break
                }
            }
            arrival.finish()
        }
    }

    package var text: String { String(decoding: collected.withLock { $0 }, as: UTF8.self) }

    /// Waits until everything has come and returns it. One caller only.
    package func whole() async -> String {
        for await _ in arrivals {}
        return text
    }

    /// Waits for the first line. One caller only.
    /// - Returns: nil when the process ended without one.
    package func firstLine() async -> String? {
        for await _ in arrivals where text.contains("\n") { break }
        let text = text
        return text.contains("\n") ? String(text.prefix { $0 != "\n" }) : nil
    }
}

/// What a command did.
package struct CommandResult: Sendable {
    package let exit: Exit
    package let output: String
    package let errors: String

    /// The lines on standard error.
    package var complaints: [Substring] { errors.split(separator: "\n") }
}

/// Runs `rejoin` to its end.
package func runRejoin(
    _ arguments: String..., environment: [String: String] = [:], directory: String? = nil
) async throws -> CommandResult {
    try await runRejoin(arguments, environment: environment, directory: directory)
}

package func runRejoin(
    _ arguments: [String], environment: [String: String] = [:], directory: String? = nil
) async throws -> CommandResult {
    let process = try LaunchedProcess(arguments, environment: environment, directory: directory)
    async let output = process.output.whole()
    async let errors = process.errors.whole()
    return CommandResult(exit: await process.exit, output: await output, errors: await errors)
}

/// Something in the tests themselves went wrong, or an answer is not of the shape it must have.
package struct TestError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
