import Foundation
import Synchronization

/// A built program as a process of its own, which is given commands and may be killed at any time.
final class ChildProcess: Sendable {
    private let process: Mutex<Process>
    private let input: FileHandle
    private let lines = Mutex<[String]>([])
    let id: pid_t

    init(_ name: String, _ arguments: [String], environment: [String: String]) throws {
        let program = try Self.program(name)
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        id = process.processIdentifier
        self.input = input.fileHandleForWriting
        self.process = Mutex(process)
        let reading = output.fileHandleForReading
        Thread.detachNewThread { [self] in
            var rest = ""
            while case let data = reading.availableData, !data.isEmpty {
                rest += String(decoding: data, as: UTF8.self)
                let parts = rest.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
                rest = parts.last ?? ""
                lines.withLock { $0 += parts.dropLast() }
            }
        }
    }

    /// What it has said so far.
    var said: [String] { lines.withLock { $0 } }

    /// Gives it a command. It may be gone already.
    func tell(_ command: String) { try? input.write(contentsOf: Data((command + "\n").utf8)) }

    /// Waits until it has said a line with this.
    func line(holding text: String) async throws -> String {
        for _ in 0..<3_000 {
            if let line = said.first(where: { $0.contains(text) }) { return line }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw Unexpected("'\(text)' was not said: \(said)")
    }

    func kill() {
        Foundation.kill(id, SIGKILL)
        wait()
    }

    func wait() { process.withLock { $0.waitUntilExit() } }

    /// The program lies beside the bundle that these tests run in.
    private static func program(_ name: String) throws -> URL {
        for start in [Bundle.main.executableURL, URL(filePath: CommandLine.arguments[0])].compactMap({ $0 }) {
            var place = start.standardizedFileURL
            while place.path != "/" {
                place.deleteLastPathComponent()
                let candidate = place.appending(path: name)
                if FileManager.default.isExecutableFile(atPath: candidate.path),
                    (try? FileManager.default.contentsOfDirectory(atPath: candidate.path)) == nil
                {
                    return candidate
                }
            }
        }
        throw Unexpected("'\(name)' is not beside the tests")
    }
}
