import Foundation
import LoadDriver

/// Row (c): commits of twenty operations over HTTP against the embedded engine, beside the statements of such a commit through
/// SQLite's C interface in this process.
struct SQLiteCommits {
    private static let apart = 1_000_000
    private static let hot = 3_000_000

    static func run(_ context: Context) async throws {
        context.note("capturing the statements of a commit to SQLite; making records")
        let capture = try await SQLiteCapture(context)
        let most = context.plan.clients.max() ?? 1
        let database = "\(context.data)/rejoin.sqlite"
        let base = "\(context.directory)/base.sqlite"
        do {
            let server = try Server(context.server, data: context.data, database: nil)
            try Fleet.makeRecords(context, server, .apart(first: apart), clients: most)
            try Fleet.makeRecords(context, server, .one(hot), clients: most)
            server.stop()
            try FileManager.default.copyItem(atPath: database, toPath: base)
        }
        let rows: [(String, Fleet.Tenants, Int)] =
            context.plan.clients.map { ("\($0) apart", .apart(first: apart), $0) }
            + context.plan.hotClients.map { ("\($0) on one tenant", .one(hot), $0) }
        for (name, tenants, count) in rows {
            // Both sides of a row start from the same file.
            try copy(base, to: database)
            let floorFile = "\(context.directory)/floor.sqlite"
            try copy(base, to: floorFile)
            let floor = try SQLiteFloor(floorFile, capture, tenants: tenants)
            let server = try Server(context.server, data: context.data, database: nil)
            let fleet = try Fleet(context, server, tenants, clients: count)
            let turns = Turns(context: context, meter: CPUMeter(server: server.process))
            let comparison = try await turns.compare(floorDriver: .own) { _ in
                try floor.run(clients: count, for: context.plan.run)
            } server: { round in
                if round == 0 { _ = try fleet.run(clients: count, for: context.plan.warmUp) }
                return try fleet.run(clients: count, for: context.plan.run)
            }
            context.report.add(
                "(c) SQLite: commits of 20 operations over HTTP, floor: the same statements through the C interface, one writer",
                "\(name)", comparison, operations: Sample.operations)
            server.stop()
        }
    }

    private static func copy(_ source: String, to target: String) throws {
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: target + suffix) }
        try FileManager.default.copyItem(atPath: source, toPath: target)
    }
}
