import Foundation

/// `rejoin serve` on a free port.
package struct ServerProcess: Sendable {
    package let process: LaunchedProcess
    package let data: String
    /// The address as the server announced it: `http://127.0.0.1:40123`, or `https://…`.
    package let address: String
    /// What stands between the address and the server's TLS, where the test wants to speak in clear.
    private let tunnel: TLSTunnel?

    /// Starts a server and waits until it says where it listens.
    /// - Parameter wire: over what the test speaks with it. Over TLS the address is that of a tunnel.
    package static func start(
        data: String, _ arguments: [String] = [], environment: [String: String] = [:], descriptors: Int? = nil,
        over wire: Wire = .plain
    ) async throws -> ServerProcess {
        var arguments = arguments
        if wire == .tls {
            let directory = URL(filePath: data).deletingLastPathComponent().path
            arguments += try await TestCertificate.make(in: directory).options
        }
        let process = try await LaunchedProcess(
            ["serve", "--data", data, "--port", "0"] + arguments, environment: environment, descriptors: descriptors)
        guard let line = await process.output.firstLine(),
            let start = line.firstMatch(of: /https?:\/\//)?.range.lowerBound
        else {
            throw TestError("the server did not start (\(await process.exit)): \(process.errors.text)")
        }
        let address = String(line[start...].prefix { $0 != "," })
        let tunnel = wire == .tls ? try await TLSTunnel(to: address) : nil
        return ServerProcess(
            process: process, data: data, address: tunnel?.address ?? address, tunnel: tunnel)
    }

    /// SIGTERM, and waits for the end.
    package func stop() async -> Exit {
        process.send(SIGTERM)
        return await process.exit
    }
}

/// Runs the body beside a server, which is ended afterwards, whatever happened.
package func withServer<Answer>(
    data: String, _ arguments: [String] = [], over wire: Wire = .plain,
    _ body: (ServerProcess) async throws -> Answer
) async throws -> Answer {
    let server = try await ServerProcess.start(data: data, arguments, over: wire)
    do {
        let answer = try await body(server)
        server.process.send(SIGKILL)
        _ = await server.process.exit
        return answer
    } catch {
        server.process.send(SIGKILL)
        _ = await server.process.exit
        throw error
    }
}

/// Runs the body with a directory of its own, which is removed afterwards.
package func withTemporaryDirectory<Answer>(_ body: (String) async throws -> Answer) async throws -> Answer {
    let directory = FileManager.default.temporaryDirectory.appending(path: "rejoin-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    return try await body(directory.path)
}

/// Runs the body beside a server on a data directory of its own.
package func withFreshServer<Answer>(
    _ options: [String] = [], collections: String? = nil, over wire: Wire = .plain,
    _ body: (ServerProcess) async throws -> Answer
) async throws -> Answer {
    try await withTemporaryDirectory { directory in
        var arguments = options
        if let collections {
            try collections.write(toFile: directory + "/collections.yaml", atomically: true, encoding: .utf8)
            arguments += ["--collections", directory + "/collections.yaml"]
        }
        return try await withServer(data: directory + "/data", arguments, over: wire, body)
    }
}

/// Asks again and again until the condition holds.
/// - Returns: whether it did in time.
package func eventually(within bound: Duration = .seconds(10), _ condition: () async throws -> Bool) async rethrows
    -> Bool
{
    let deadline = ContinuousClock.now + bound
    while ContinuousClock.now < deadline {
        if try await condition() { return true }
        await Task.yield()
    }
    return false
}

/// The names of what lies in a directory, sorted.
package func files(in directory: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
}
