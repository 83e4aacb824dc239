import Foundation
import Subprocess
import Synchronization

/// How a process ended.
package enum Exit: Sendable, Hashable {
    case code(Int32)
    case signal(Int32)

    fileprivate init(_ status: TerminationStatus) {
        switch status {
        case .exited(let code): self = .code(code)
        case .signaled(let signal): self = .signal(signal)
        }
    }
}

/// The built `rejoin` as a process of its own, with its output collected.
package final class LaunchedProcess: Sendable {
    package let id: pid_t
    package let output: CollectedOutput
    package let errors: CollectedOutput
    private let ending: Task<Exit, Never>

    /// - Parameters:
    ///   - environment: added to the tests' own, which is passed on without the settings of a server.
    ///   - descriptors: how many the process may have open; nil for as many as the tests.
    package init(
        _ arguments: [String], environment: [String: String] = [:], directory: String? = nil, descriptors: Int? = nil
    ) async throws {
        var command = [try Self.executable().path] + arguments
        if let descriptors {
            command = ["/bin/sh", "-c", "ulimit -n \(descriptors) && exec \"$0\" \"$@\""] + command
        }
        let configuration = Configuration(
            executable: .path(.init(command[0])), arguments: Arguments(Array(command.dropFirst())),
            environment: Self.environment(adding: environment), workingDirectory: directory.map { .init($0) })
        let (output, errors) = (CollectedOutput(), CollectedOutput())
        let (starts, start) = AsyncThrowingStream.makeStream(of: pid_t.self)
        // The task is the scope that the process lives in. It ends when the process has ended and said all it had to say.
        ending = Task {
            do {
                let result = try await run(configuration, input: .none, output: .sequence, error: .sequence) {
                    execution in
                    start.yield(execution.processIdentifier.value)
                    async let isRead: Void = errors.collect(execution.standardError)
                    try await output.collect(execution.standardOutput)
                    try await isRead
                }
                return Exit(result.terminationStatus)
            } catch {
                start.finish(throwing: error)
                return .code(-1)
            }
        }
        self.output = output
        self.errors = errors
        var started: pid_t?
        for try await id in starts {
            started = id
            break
        }
        guard let started else { throw TestError("\(command[0]) was not started") }
        id = started
    }

    /// Waits for the end.
    package var exit: Exit { get async { await ending.value } }

    package func send(_ signal: Int32) { kill(id, signal) }

    private static func environment(adding values: [String: String]) -> Environment {
        var changes: [Environment.Key: String?] = [:]
        for name in ProcessInfo.processInfo.environment.keys where name.hasPrefix("REJOIN_") {
            if let key = Environment.Key(rawValue: name) { changes.updateValue(nil, forKey: key) }
        }
        for (name, value) in values {
            if let key = Environment.Key(rawValue: name) { changes.updateValue(value, forKey: key) }
        }
        return .inherit.updating(changes)
    }

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

/// What a process writes, read as it comes, so that it never waits for a reader, and kept.
package final class CollectedOutput: Sendable {
    private let collected = Mutex<[UInt8]>([])
    private let arrivals: AsyncStream<Void>
    private let arrival: AsyncStream<Void>.Continuation

    init() { (arrivals, arrival) = AsyncStream.makeStream() }

    fileprivate func collect(_ output: SubprocessOutputSequence) async throws {
        defer { arrival.finish() }
        for try await buffer in output {
            buffer.withUnsafeBytes { bytes in collected.withLock { $0 += bytes } }
            arrival.yield()
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
    let process = try await LaunchedProcess(arguments, environment: environment, directory: directory)
    async let output = process.output.whole()
    async let errors = process.errors.whole()
    return CommandResult(exit: await process.exit, output: await output, errors: await errors)
}

/// Something in the tests themselves went wrong, or an answer is not of the shape it must have.
package struct TestError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
