import Foundation

/// The process of `keeper.sh` with the WebDriver server in it.
final class DriverProcess: Sendable {
    /// Open for as long as the browsers are to live.
    private let life: FileHandle
    private let output: FileHandle

    init() throws {
        let driver = try Self.executable("chromedriver")
        let unique = String(UInt64.random(in: 0...UInt64.max), radix: 36)
        let root = FileManager.default.temporaryDirectory.appending(path: "rejoin-browser-\(unique)").path
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = [
            "-c", String(decoding: PackageResources.keeper_sh, as: UTF8.self), "keeper.sh", root, driver, "--port=0",
        ]
        let (life, output) = (Pipe(), Pipe())
        process.standardInput = life
        process.standardOutput = output
        process.standardError = output
        try process.run()
        self.life = life.fileHandleForWriting
        self.output = output.fileHandleForReading
    }

    deinit { try? life.close() }

    /// Waits until the server says on which port it listens. Once only; what it prints later is read and forgotten.
    func port() async throws -> Int {
        let (ports, found) = AsyncThrowingStream.makeStream(of: Int.self)
        let descriptor = output.fileDescriptor
        Thread.detachNewThread { [output] in
            var text = ""
            var buffer = [UInt8](repeating: 0, count: 4_096)
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                guard text.utf8.count < 100_000 else { continue }
                text += String(decoding: buffer[..<count], as: UTF8.self)
                if let match = text.firstMatch(of: /successfully on port (\d+)\./), let port = Int(match.1) {
                    found.yield(port)
                    found.finish()
                }
            }
            found.finish(throwing: BrowserError("the WebDriver server did not start: \(text)"))
            withExtendedLifetime(output) {}
        }
        for try await port in ports { return port }
        throw BrowserError("the WebDriver server named no port")
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
