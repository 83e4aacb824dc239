import Foundation

/// A `rejoin serve` of its own, in a process of its own, on a free port.
///
/// A shell keeps it: it ends the server when its standard input ends, and that is the case as soon as this process is gone,
/// however that happens.
final class Server {
    private let shell = Process()
    private let input = Pipe()
    let process: pid_t
    let port: UInt16

    private static let script = """
        exec 3<&0
        "$@" </dev/null &
        echo "process $!"
        read -r _ <&3
        kill -TERM $! && wait $!
        """

    /// - Parameters:
    ///   - program: the release build of `rejoin`.
    ///   - data: its data directory, which is made.
    ///   - database: a libpq connection string; nil: the embedded database in the data directory.
    init(_ program: String, data: String, database: String?) throws {
        shell.executableURL = URL(filePath: "/bin/bash")
        var arguments = [
            program, "serve", "--data", data, "--port", "0", "--requests-per-second", "1000000",
            "--bytes-per-second", "1000000000000", "--log-level", "error",
        ]
        if let database { arguments += ["--database", database] }
        shell.arguments = ["-c", Self.script, "bash"] + arguments
        let output = Pipe()
        shell.standardInput = input
        shell.standardOutput = output
        try shell.runWithAllSignals()
        var text = ""
        var process: pid_t?
        var port: UInt16?
        while process == nil || port == nil {
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else { throw BenchError("the server did not start: \(text)") }
            text += String(decoding: data, as: UTF8.self)
            process = text.firstMatch(of: /process (\d+)/).flatMap { pid_t($0.1) }
            port = text.firstMatch(of: /listening on http:\/\/127\.0\.0\.1:(\d+)/).flatMap { UInt16($0.1) }
        }
        guard let process, let port else { throw BenchError("the server did not start") }
        self.process = process
        self.port = port
    }

    /// Ends it and waits for that.
    func stop() {
        try? input.fileHandleForWriting.close()
        shell.waitUntilExit()
    }

    deinit { stop() }
}

/// Why there is no measurement.
struct BenchError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
