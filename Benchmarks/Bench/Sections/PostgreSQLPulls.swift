import Foundation
import LoadDriver
import PostgreSQLCluster

/// Row (d): pulls from a large feed, beside pgbench running the statements of such a pull. A million records, one tenant with
/// three hundred thousand, one with thirty thousand: what a pull costs must not depend on what others have, nor on what the
/// tenant has beyond the page.
struct PostgreSQLPulls {
    private static let large = 5_000_001
    private static let small = 5_000_002
    /// The tenants that only fill the tables.
    private static let others = 5_100_000
    private static let recordsOfOthers = 10_000

    private struct Pull {
        let name: String
        let limit: Int
        let records: Int
        /// Positions in the feed, and the cursors that stand for them; nil: the beginning.
        let starts: [(position: Int, cursor: String?)]
    }

    static func run(_ context: Context) async throws {
        let plan = context.plan
        context.note("starting PostgreSQL; making \(plan.records.all) records")
        let instance = try await PostgreSQLInstance(context)
        let capture = try await PullCapture(context, instance)
        let filling = RecordFilling(context: context, instance: instance)
        try filling.seed()
        try await filling.fill(large, records: plan.records.large)
        try await filling.fill(small, records: plan.records.small)
        let rest = plan.records.all - plan.records.large - plan.records.small
        for index in 0..<(rest / recordsOfOthers) { try await filling.fill(others + index, records: recordsOfOthers) }
        try await filling.finish()

        let server = try Server(context.server, data: context.data, database: instance.database.serverConninfo)
        let turns = Turns(context: context, meter: CPUMeter(server: server.process, postmaster: instance.postmaster))
        for (tenant, count) in [(large, plan.records.large), (small, plan.records.small)] {
            let endpoint = Endpoint(port: server.port, token: try context.tokens.token("\(tenant)", Bench.device(0)))
            // A cursor every so many records, the last at the end.
            let step = min(5_000, count / 6)
            let cursors = try Pulls.walk(endpoint, limit: step)
            let positions = cursors.enumerated().map {
                (position: min(count, ($0.offset + 1) * step), cursor: $0.element)
            }
            guard let end = positions.last else { continue }
            for pull in [
                Pull(name: "incremental page of 60", limit: 60, records: 60, starts: Array(positions.dropLast())),
                Pull(name: "first page of 1,000", limit: 1_000, records: 1_000, starts: [(0, nil)]),
                Pull(name: "empty poll", limit: 500, records: 0, starts: [end]),
            ] {
                try await measure(pull, endpoint, tenant: tenant, of: count, turns, instance, capture)
            }
        }
        server.stop()
        try await instance.cluster.remove()
    }

    private static func measure(
        _ pull: Pull, _ endpoint: Endpoint, tenant: Int, of count: Int, _ turns: Turns, _ instance: PostgreSQLInstance,
        _ capture: PullCapture
    ) async throws {
        let context = turns.context
        let script = capture.script(
            tenant: tenant, limit: pull.limit, positions: pull.starts.map(\.position))
        let file = "\(context.directory)/pull.sql"
        try script.write(toFile: file, atomically: true, encoding: .utf8)
        let pgbench = instance.pgbench(sessionOptions: capture.sessionOptions)
        let pulls = try Pulls(
            endpoint, cursors: pull.starts.map(\.cursor), limit: pull.limit, records: pull.records)
        let client = try Client(endpoint, pulls)
        let comparison = try await turns.compare { _ in
            try pgbench.run(file, clients: 1, for: context.plan.run)
        } server: { round in
            if round == 0 { _ = try [client].run(for: context.plan.warmUp) }
            return try [client].run(for: context.plan.run)
        }
        context.report.add(
            "(d) PostgreSQL, \(context.plan.records.all) records: pulls by one client, floor: pgbench",
            "\(pull.name), tenant of \(count)", comparison, operations: max(1, pull.records))
    }
}
