import LoadDriver
import PostgreSQLCluster

/// Section (i): the function that a team would write by hand instead (`HandWritten/push.sql`), by pgbench, and the server's
/// batches of as many operations over HTTP.
struct HandWritten: CostSection {
    let title = "(i) a function written by hand, called by pgbench, and the server on PostgreSQL"

    private enum Push: String, CaseIterable {
        case insert, update, stale

        var words: String {
            switch self {
            case .insert: "new rows"
            case .update: "updates"
            case .stale: "older rows"
            }
        }

        var kind: BatchLoad.Kind {
            switch self {
            case .insert: .new
            case .update: .update
            case .stale: .known
            }
        }

        var serverWords: String {
            switch self {
            case .insert: "new records"
            case .update: "updates"
            case .stale: "known operations"
            }
        }
    }

    private let costs: Costs

    private static let database = "by_hand"
    private static let tenants = [20: 1_200_000, 500: 1_300_000]
    private static let tenant = [20: 1_400_000, 500: 1_410_000]

    init(_ costs: Costs) { self.costs = costs }

    func stop() {}

    func loads() async throws -> [CostLoad] {
        let context = costs.context
        let database = try await costs.instance.cluster.makeDatabase(Self.database)
        try await costs.instance.cluster.psql(
            String(decoding: PackageResources.push_sql, as: UTF8.self), conninfo: database.ownerConninfo)
        let pgbench = PGBench(
            program: "\(costs.instance.cluster.programs)/pgbench", conninfo: database.ownerConninfo,
            sessionOptions: "", queries: .simple)
        let meter = CostMeter(server: nil, database: .postgresql(costs.instance, database))
        var loads: [CostLoad] = []
        for operations in [20, 500] {
            context.note("making records for batches of \(operations)")
            let script = PushScript(rows: operations)
            try await costs.instance.cluster.psql(
                script.filling(clients: BatchLoad.clients), conninfo: database.ownerConninfo, limit: .seconds(300))
            let apart = costs.postgresql.map {
                BatchLoad(
                    context: context, subject: $0, tenants: .apart(first: Self.tenants[operations] ?? 0),
                    operations: operations, part: 2)
            }
            for batches in apart { try await batches.fill(settle: costs.settle) }
            for push in Push.allCases {
                let file = "\(context.directory)/push-\(push)-\(operations).sql"
                try script.text(push.rawValue).write(toFile: file, atomically: true, encoding: .utf8)
                let name = "the function: \(push.words), \(operations) a call"
                loads.append(
                    CostLoad(
                        name: name, operations: operations, yardstick: nil,
                        runs: [
                            CostLoad.Run(meter: meter, driver: .children) { duration in
                                try pgbench.run(
                                    file, clients: BatchLoad.clients, for: duration,
                                    variables: ["m": "\(PushScript.nextStamps())"])
                            }
                        ]))
                let yardstick = CostLoad.Yardstick(row: name, title: "the function")
                loads.append(
                    CostLoad(
                        name: "the server, a tenant each: \(push.serverWords), \(operations) a batch",
                        operations: operations, yardstick: yardstick, runs: try apart.map { try $0.run(push.kind) }))
                guard push == .insert else { continue }
                let one = costs.postgresql.map {
                    BatchLoad(
                        context: context, subject: $0, tenants: .one(Self.tenant[operations] ?? 0),
                        operations: operations)
                }
                loads.append(
                    CostLoad(
                        name: "the server, one tenant: \(push.serverWords), \(operations) a batch",
                        operations: operations, yardstick: yardstick, runs: try one.map { try $0.run(push.kind) }))
            }
        }
        return loads
    }
}
