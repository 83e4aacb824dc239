import Foundation
import Histogram
import LoadDriver

/// Runs a script with pgbench as the server's role, in sessions set as the server sets its own.
struct PGBench {
    let program: String
    let conninfo: String
    /// `-c name=value …`, see `PostgreSQLInstance.sessionSettings`.
    let sessionOptions: String
    var queries = Queries.prepared

    /// How it sends statements (`--protocol`).
    enum Queries: String {
        case prepared
        /// As texts, with its variables filled in.
        case simple
    }

    /// - Parameters:
    ///   - script: a file.
    ///   - variables: defined before the first transaction.
    func run(
        _ script: String, clients: Int, for duration: Duration, variables: [String: String] = [:]
    ) throws -> LoadResult {
        let directory =
            "\(FileManager.default.temporaryDirectory.path)/rejoin-pgbench-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let output = try Program.run(
            program,
            [
                "--no-vacuum", "--protocol=\(queries.rawValue)", "--client=\(clients)", "--jobs=\(min(clients, 2))",
                "--time=\(max(1, duration.components.seconds))", "--file=\(script)", "--log",
                "--log-prefix=\(directory)/log",
            ] + variables.sorted { $0.key < $1.key }.flatMap { ["--define", "\($0.key)=\($0.value)"] } + [conninfo],
            environment: ["PGOPTIONS": sessionOptions])
        guard let count = output.firstMatch(of: /transactions actually processed: (\d+)/).flatMap({ Int($0.1) }),
            let rate = output.firstMatch(of: /tps = ([0-9.]+) \(without/).flatMap({ Double($0.1) }), rate > 0,
            output.firstMatch(of: /failed transactions: ([0-9]+)/).map({ $0.1 == "0" }) ?? true
        else { throw BenchError("pgbench did not do its work: \(output)") }
        var latencies = LoadResult.noLatencies
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
            for line in try String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8).split(separator: "\n") {
                // client, transaction, microseconds, …
                guard let time = line.split(separator: " ").dropFirst(2).first.flatMap({ UInt64($0) }) else { continue }
                latencies.record(time * 1_000)
            }
        }
        return LoadResult(requests: count, seconds: Double(count) / rate, latencies: latencies)
    }
}
