import Foundation
import Subprocess

/// The process of `keeper.sh` with the WebDriver server in it.
final class DriverProcess: Sendable {
    /// Finished when the browsers are to end.
    private let life: AsyncStream<Never>.Continuation
    private let ports: AsyncThrowingStream<Int, any Error>

    init() throws {
        let driver = try Self.executable("chromedriver")
        let unique = String(UInt64.random(in: 0...UInt64.max), radix: 36)
        let root = FileManager.default.temporaryDirectory.appending(path: "rejoin-browser-\(unique)").path
        let configuration = Configuration(
            executable: .path("/bin/bash"),
            arguments: [
                "-c", String(decoding: PackageResources.keeper_sh, as: UTF8.self), "keeper.sh", root, driver,
                "--port=0",
            ])
        let (lifetime, life) = AsyncStream.makeStream(of: Never.self)
        let (ports, found) = AsyncThrowingStream.makeStream(of: Int.self)
        Task {
            do {
                _ = try await run(
                    configuration, input: .inputWriter, output: .sequence, error: .combinedWithOutput
                ) { execution in
                    async let isRead: Void = Self.read(execution.standardOutput, for: found)
                    // The keeper ends the browsers when its input ends, with this scope or with this process.
                    for await _ in lifetime {}
                    try await execution.standardInputWriter.finish()
                    try await isRead
                }
            } catch {
                found.finish(throwing: error)
            }
        }
        self.life = life
        self.ports = ports
    }

    deinit { life.finish() }

    /// Waits until the server says on which port it listens. Once only; what it prints later is read and forgotten.
    func port() async throws -> Int {
        for try await port in ports { return port }
        throw BrowserError("the WebDriver server named no port")
    }

    private static func read(
        _ output: SubprocessOutputSequence, for found: AsyncThrowingStream<Int, any Error>.Continuation
    ) async throws {
        var text = ""
        for try await buffer in output where text.utf8.count < 100_000 {
            text += buffer.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
            if let match = text.firstMatch(of: /successfully on port (\d+)\./), let port = Int(match.1) {
                found.yield(port)
                found.finish()
            }
        }
        found.finish(throwing: BrowserError("the WebDriver server did not start: \(text)"))
    }

    /// The first of the programs that the path has.
    static func executable(_ names: String...) throws -> String {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        for name in names {
            for directory in path.split(separator: ":") {
                let candidate = "\(directory)/\(name)"
                if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
            }
        }
        throw BrowserError("\(names[0]) is not installed; `make test` installs chromium and chromium-driver")
    }
}
