import Foundation
import LoadDriver

/// Sections (h) to (k): what an operation or a request costs, in one table. All their rows run against the same few servers, in
/// turns.
struct Costs {
    enum Part: String {
        case operations = "h"
        case handWritten = "i"
        case pulls = "j"
        case hotTenant = "k"
    }

    let context: Context
    let contenders: [Contender]
    let instance: PostgreSQLInstance
    /// The servers on PostgreSQL, one for each contender.
    let postgresql: [Subject]

    /// - Returns: the table.
    static func run(_ context: Context, _ parts: [Part]) async throws -> String {
        context.note("starting PostgreSQL")
        let builds = [("server", context.server)] + (context.against.map { [("before", $0)] } ?? [])
        let contenders = try builds.map { try Contender(context, name: $0, program: $1) }
        // A checkpoint has whole pages logged again, so that bytes a row would depend on when it comes.
        let instance = try await PostgreSQLInstance(
            context, settings: ["checkpoint_timeout": "1h", "max_wal_size": "20GB"])
        var postgresql: [Subject] = []
        for contender in contenders { postgresql.append(try await contender.startOnPostgreSQL(instance)) }
        let costs = Costs(context: context, contenders: contenders, instance: instance, postgresql: postgresql)
        for subject in postgresql {
            // Plans that are made for empty tables are too bad to be measured.
            try await BatchLoad(context: context, subject: subject, tenants: .apart(first: 1_050_000), part: 8)
                .fill(settle: costs.settle)
        }
        var table = CostTable(contenders: contenders.map(\.name))
        for part in parts {
            let section: any CostSection =
                switch part {
                case .operations: try OperationCosts(costs)
                case .handWritten: HandWritten(costs)
                case .pulls: try PullCosts(costs)
                case .hotTenant: try HotTenant(costs)
                }
            let loads = try await section.loads()
            try await costs.settle()
            table.add(section.title, loads, try await loads.measure(context))
            section.stop()
            // What comes next may fail.
            if part != parts.last {
                print("\n\(table.text)")
                fflush(nil)
            }
        }
        for subject in postgresql { subject.server.stop() }
        try await instance.cluster.remove()
        return table.text
    }

    /// What autovacuum does by and by.
    func settle() async throws {
        for contender in contenders {
            try await instance.cluster.psql("VACUUM (ANALYZE)", database: contender.name, limit: .seconds(900))
        }
    }
}

/// Some of the rows.
protocol CostSection {
    var title: String { get }
    /// Makes what is there before, and tells what to measure.
    func loads() async throws -> [CostLoad]
    /// Ends the servers that are its own.
    func stop()
}
