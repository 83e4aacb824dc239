import Foundation

/// Programs that are run to their end.
enum Program {
    /// - Returns: what it printed.
    @discardableResult
    static func run(
        _ program: String, _ arguments: [String], environment: [String: String] = [:]
    ) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let (output, errors) = (Pipe(), Pipe())
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        try process.runWithAllSignals()
        nonisolated(unsafe) var complaint = Data()
        let finished = DispatchSemaphore(value: 0)
        DispatchQueue.global().async {
            complaint = errors.fileHandleForReading.readDataToEndOfFile()
            finished.signal()
        }
        let text = output.fileHandleForReading.readDataToEndOfFile()
        finished.wait()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw BenchError(
                "\(program) ended with status \(process.terminationStatus): \(String(decoding: complaint, as: UTF8.self))"
            )
        }
        return String(decoding: text, as: UTF8.self)
    }
}

extension Process {
    /// Starts it with no signal blocked. It would inherit what the thread blocks that starts it, and the threads of Swift's
    /// tasks block all: pgbench would never hear that its time is over.
    func runWithAllSignals() throws {
        var (none, before) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try run()
    }
}
