import Foundation
import LoadDriver

/// Rows (a) and (b): commits of twenty operations over HTTP against PostgreSQL, beside pgbench running the statements of such
/// a commit. The server is to stay near that floor where every client has its own tenant, and above it where all clients
/// write to one, because only the server commits many batches together.
struct PostgreSQLCommits {
    private static let apart = 1_000_000
    private static let hot = 3_000_000
    /// The distance from a tenant of the server to that of the floor.
    private static let offset = 1_000_000

    enum Part {
        case apart, hot

        fileprivate var title: String {
            switch self {
            case .apart: "(a) PostgreSQL, tenants apart: commits of 20 operations over HTTP, floor: pgbench"
            case .hot: "(b) PostgreSQL, one hot tenant: the same"
            }
        }

        /// The target with 16 clients.
        fileprivate var target: Report.Target {
            switch self {
            case .apart: Report.Target(ratio: 0.5)
            case .hot: Report.Target(ratio: 1)
            }
        }
    }

    static func run(_ context: Context, _ parts: [Part]) async throws {
        context.note("starting PostgreSQL; capturing the statements of a commit")
        let instance = try await PostgreSQLInstance(context)
        let capture = try await CommitCapture(context, instance)
        let pgbench = instance.pgbench(sessionOptions: capture.sessionOptions)
        let server = try Server(context.server, data: context.data, database: instance.database.serverConninfo)
        let turns = Turns(context: context, meter: CPUMeter(server: server.process, postmaster: instance.postmaster))
        for part in parts {
            let (tenants, floorTenants, counts): (Fleet.Tenants, CommitScript.Tenants, [Int]) =
                switch part {
                case .apart: (.apart(first: apart), .apart(first: apart + offset), context.plan.clients)
                case .hot: (.one(hot), .one(hot + offset), context.plan.hotClients)
                }
            context.note("making records")
            let most = counts.max() ?? 1
            try Fleet.makeRecords(context, server, tenants, clients: most)
            let fleet = try Fleet(context, server, tenants, clients: most)
            switch part {
            case .apart: try await instance.copyTenants(apart...(apart + most - 1), by: offset)
            case .hot: try await instance.copyTenants(hot...hot, by: offset)
            }
            let script = try CommitScript(capture.statements, of: capture.sample, tenants: floorTenants)
            let file = "\(context.directory)/floor-\(part).sql"
            try script.text.write(toFile: file, atomically: true, encoding: .utf8)
            var n = 0
            for count in counts {
                let comparison = try await turns.compare(reset: instance.reset) { _ in
                    var variables = script.variables
                    variables["n"] = "\(n)"
                    n += 1_000_000
                    let result = try pgbench.run(file, clients: count, for: context.plan.run, variables: variables)
                    try await checkFloor(instance, transactions: result.requests)
                    return result
                } server: { round in
                    if round == 0 { _ = try fleet.run(clients: count, for: context.plan.warmUp) }
                    return try fleet.run(clients: count, for: context.plan.run)
                }
                context.report.add(
                    part.title, "\(count) client\(count == 1 ? "" : "s")", comparison, operations: Sample.operations,
                    target: count == 16 ? part.target : nil)
            }
        }
        server.stop()
        try await instance.cluster.remove()
    }

    /// The floor has to have done the work: every transaction a batch and its operations.
    private static func checkFloor(_ instance: PostgreSQLInstance, transactions: Int) async throws {
        let counts = try await instance.database.psql(
            "SELECT (SELECT count(*) FROM rejoin.batches), (SELECT count(*) FROM rejoin.operations)")
        // Those under way when the time was over are finished too.
        let numbers = counts.split(separator: "|").compactMap { Int($0) }
        guard numbers.count == 2, numbers[0] >= transactions, numbers[1] == numbers[0] * Sample.operations else {
            throw BenchError("\(transactions) transactions of pgbench stored \(counts) batches and operations")
        }
    }
}
