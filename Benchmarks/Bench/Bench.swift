import ArgumentParser
import Foundation

/// Measures the server beside what it stands on, and prints one table of ratios.
@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure the server beside what it stands on, in turns, and print one table.",
        discussion: "docs/benchmarks.md says what each row means.")

    enum Section: String, CaseIterable, ExpressibleByArgument {
        case a, b, c, d, e, f, g, h, i, j, k

        /// Those that `--quick` measures when none is named. The others take minutes to make what they measure.
        static let quick: [Section] = [.a, .b, .c, .h, .i, .j, .k]
    }

    @Argument(help: "What to measure. Everything when nothing is named; with --quick all but d to g.")
    var sections: [Section] = []

    @Flag(help: "Less than five minutes instead of half an hour: fewer and shorter runs, fewer records.")
    var quick = false

    @Option(help: "The release build of rejoin.")
    var server = ".build/release/rejoin"

    @Option(help: "Another release build of rejoin, measured beside it in sections h to k.")
    var against: String?

    @Option(help: "Where databases are made: on a disk, not in memory.")
    var directory = FileManager.default.temporaryDirectory.path

    @Option(help: "Other numbers of clients, such as 16 or 1,16.")
    var clients: String?

    @Option(help: "Another length of each run, in seconds.")
    var seconds: Int?

    @Option(help: "Another number of runs of each side.")
    var rounds: Int?

    @Option(help: "A file for the table.")
    var output: String?

    func run() async throws {
        let place = "\(directory)/rejoin-bench-\(UInt64.random(in: 0...UInt64.max))"
        let context = try Context(server: server, against: against, directory: place, plan: plan)
        defer { try? FileManager.default.removeItem(atPath: place) }
        // Servers end with this process by themselves, files do not.
        let interrupted = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
        interrupted.setEventHandler {
            try? FileManager.default.removeItem(atPath: place)
            Foundation.exit(130)
        }
        signal(SIGINT, SIG_IGN)
        interrupted.resume()
        let chosen = !sections.isEmpty ? sections : quick ? Section.quick : Section.allCases
        let commits: [PostgreSQLCommits.Part] =
            (chosen.contains(.a) ? [.apart] : []) + (chosen.contains(.b) ? [.hot] : [])
        if !commits.isEmpty { try await PostgreSQLCommits.run(context, commits) }
        if chosen.contains(.c) { try await SQLiteCommits.run(context) }
        if chosen.contains(.d) { try await PostgreSQLPulls.run(context) }
        if chosen.contains(.e) { try await CostAgainstSize.run(context) }
        if chosen.contains(.f) { try await RowSecurity.run(context) }
        if chosen.contains(.g) { try await Reviewing.run(context) }
        var tables = context.report.isEmpty ? [] : [context.report.text]
        let parts = chosen.compactMap { Costs.Part(rawValue: $0.rawValue) }
        if !parts.isEmpty { tables.append(try await Costs.run(context, parts)) }
        let text = tables.joined(separator: "\n\n")
        print("\n\(text)")
        if let output { try text.write(toFile: output, atomically: true, encoding: .utf8) }
    }
}

extension Bench {
    private var plan: Plan {
        var plan = quick ? Plan.quick : .full
        if let counts = clients?.split(separator: ",").compactMap({ Int($0) }), !counts.isEmpty {
            (plan.clients, plan.hotClients) = (counts, counts)
        }
        if let seconds { plan.run = .seconds(max(1, seconds)) }
        if let rounds { plan.rounds = max(1, rounds) }
        return plan
    }

    /// Between the records of two clients.
    static let recordsApart = 1_000_000
    /// Between the operations of two clients.
    static let numbersApart = 1_000_000_000

    static func firstRecord(client: Int) -> Int { 100_000_000_000 + client * recordsApart }
    static func firstNumber(client: Int) -> Int { 100_000_000_000 + client * numbersApart }
    static func device(_ client: Int) -> String { "device-\(client)" }
}
