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

/// A program as a process of its own, with its output collected.
///
/// It is not Foundation's `Process`, which on Linux crashes now and then where many processes are started.
package final class LaunchedProcess: Sendable {
    /// What is run.
    package enum Program: Sendable {
        /// What was built beside the tests.
        case built(String)
        /// What the system has under this name.
        case found(String)
    }

    package let id: pid_t
    package let output: CollectedOutput
    package let errors: CollectedOutput
    private let ending: Task<Exit, Never>
    private let input: ProcessInput

    /// - Parameters:
    ///   - program: what is run with the arguments.
    ///   - environment: added to the tests' own, which is passed on without the settings of a server.
    ///   - descriptors: how many the process may have open; nil for as many as the tests.
    package init(
        _ arguments: [String], program: Program = .built("rejoin"), environment: [String: String] = [:],
        directory: String? = nil, descriptors: Int? = nil
    ) async throws {
        var command = try Self.command(program) + arguments
        if let descriptors {
            command = ["/bin/sh", "-c", "ulimit -n \(descriptors) && exec \"$0\" \"$@\""] + command
        }
        let configuration = Configuration(
            executable: .path(.init(command[0])), arguments: Arguments(Array(command.dropFirst())),
            environment: Self.environment(adding: environment), workingDirectory: directory.map { .init($0) })
        let (output, errors) = (CollectedOutput(), CollectedOutput())
        let input = try ProcessInput()
        self.input = input
        let (starts, start) = AsyncThrowingStream.makeStream(of: pid_t.self)
        // The task is the scope that the process lives in. It ends when the process has ended and said all it had to say.
        ending = Task {
            do {
                let result = try await run(
                    configuration, input: .fileDescriptor(.init(rawValue: input.read), closeAfterSpawningProcess: true),
                    output: .sequence, error: .sequence
                ) { execution in
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

    package func send(_ signal: Int32) { Foundation.kill(id, signal) }

    /// Ends it, wherever it is.
    package func kill() async {
        send(SIGKILL)
        _ = await exit
    }

    /// Gives it a line. It may be gone already.
    package func tell(_ line: String) { input.tell(line) }

    /// The whole lines that it has said so far.
    package var said: [String] {
        output.text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    /// Waits until it has said a line with this.
    package func line(holding text: String) async throws -> String {
        for _ in 0..<3_000 {
            if let line = said.first(where: { $0.contains(text) }) { return line }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw TestError("'\(text)' was not said: \(said)")
    }

    private static func command(_ program: Program) throws -> [String] {
        switch program {
        case .built(let name): [try executable(name).path]
        case .found(let name): ["/usr/bin/env", name]
        }
    }

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
    private static func executable(_ name: String) throws -> URL {
        let starts = [Bundle.main.executableURL, URL(filePath: CommandLine.arguments[0]), Bundle.main.bundleURL]
        for start in starts.compactMap({ $0 }) {
            var place = start.standardizedFileURL
            while place.path != "/" {
                place.deleteLastPathComponent()
                let candidate = place.appending(path: name)
                var isDirectory: ObjCBool = false
                if FileManager.default.fileExists(atPath: candidate.path, isDirectory: &isDirectory),
                    !isDirectory.boolValue, FileManager.default.isExecutableFile(atPath: candidate.path)
                {
                    return candidate
                }
            }
        }
        throw TestError("'\(name)' is not beside the tests")
    }
}

/// What a process is told, over a pipe.
private final class ProcessInput: Sendable {
    /// The process's end. Whoever starts it closes it here.
    let read: Int32
    private let write: Int32

    init() throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw TestError("no pipe: \(String(cString: strerror(errno)))") }
        // Other processes that are started do not hold it.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        (read, write) = (ends[0], ends[1])
    }

    deinit { close(write) }

    func tell(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = Foundation.write(write, bytes, bytes.count)
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

/// Runs a program of the system to its end.
package func runFound(_ name: String, _ arguments: String...) async throws -> CommandResult {
    try await result(of: LaunchedProcess(arguments, program: .found(name)))
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
    try await result(of: LaunchedProcess(arguments, environment: environment, directory: directory))
}

private func result(of process: LaunchedProcess) async throws -> CommandResult {
    async let output = process.output.whole()
    async let errors = process.errors.whole()
    return CommandResult(exit: await process.exit, output: await output, errors: await errors)
}

/// Something in the tests themselves went wrong, or an answer is not of the shape it must have.
package struct TestError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
