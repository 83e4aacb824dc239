import Foundation
import LoadDriver

/// Row (e): what a commit costs where the tenant has more records, where more devices have written them, and where more of the
/// operations conflict. The "floor" is the same server and the smallest case; the first row of each kind measures that case
/// beside itself, which tells how much of the other ratios is noise.
struct CostAgainstSize {
    private let context: Context
    private let server: Server
    private let turns: Turns
    private let instance: PostgreSQLInstance

    private static let records = 400

    static func run(_ context: Context) async throws {
        context.note("starting PostgreSQL; making tenants of \(context.plan.sizes) records")
        let instance = try await PostgreSQLInstance(context)
        let filling = RecordFilling(context: context, instance: instance)
        try filling.seed()
        let sizes = context.plan.sizes
        var next = 6_000_000
        func tenant(records: Int) async throws -> Int {
            next += 1
            try await filling.fill(next, records: records)
            return next
        }
        var sized: [(Int, Int)] = []
        for size in [sizes[0]] + sizes { sized.append((size, try await tenant(records: size))) }
        var plain: [Int] = []
        for _ in 0..<8 { plain.append(try await tenant(records: records)) }
        try await filling.finish()

        let server = try Server(context.server, data: context.data, database: instance.database.serverConninfo)
        let run = CostAgainstSize(
            context: context, server: server,
            turns: Turns(context: context, meter: CPUMeter(server: server.process, postmaster: instance.postmaster)),
            instance: instance)
        let base = try run.client(sized[0].1, records: sized[0].0)
        for (size, tenant) in sized.dropFirst() {
            try await run.compare("\(size) records", base, run.client(tenant, records: size))
        }
        let oneDevice = try run.client(plain[0], records: records)
        for (devices, tenant) in zip([1, 10, 100], plain[1...]) {
            context.note("having \(devices) devices write")
            try await run.compare("clocks of \(devices)", oneDevice, run.client(tenant, writtenBy: devices))
        }
        let noConflict = try run.client(plain[4], records: records)
        for (share, tenant) in zip([0, 10, 100], plain[5...]) {
            try await run.compare("\(share) % conflicts", noConflict, run.client(tenant, conflictPercent: share))
        }
        server.stop()
        try await instance.cluster.remove()
    }

    private func compare(_ name: String, _ base: Client<Batches>, _ other: Client<Batches>) async throws {
        let comparison = try await turns.compare(floorDriver: .own) { round in
            if round == 0 { _ = try [base].run(for: context.plan.warmUp) }
            return try [base].run(for: context.plan.run)
        } server: { round in
            if round == 0 { _ = try [other].run(for: context.plan.warmUp) }
            return try [other].run(for: context.plan.run)
        }
        context.report.add(
            "(e) PostgreSQL: one client, commits of 20 operations; floor: the same with the smallest number",
            name, comparison, operations: Sample.operations)
    }

    // MARK: Clients

    private func endpoint(_ tenant: Int, _ device: Int) throws -> Endpoint {
        Endpoint(port: server.port, token: try context.tokens.token("\(tenant)", Bench.device(device)))
    }

    private func updates(_ device: Int) -> Batches.Shape {
        var shape = Batches.Shape(
            .update, device: Bench.device(device), firstRecord: Bench.firstRecord(client: 0),
            firstNumber: Bench.firstNumber(client: device), at: context.at)
        // Those of `RecordFilling`.
        shape.identifiers = .scattered
        return shape
    }

    private func client(_ tenant: Int, records: Int) throws -> Client<Batches> {
        let endpoint = try endpoint(tenant, 0)
        var shape = updates(0)
        shape.windows = records / shape.operations
        shape.layout = .spread
        return try Client(endpoint, Batches(endpoint, shape))
    }

    /// Before it, each of the other devices has updated every record once, knowing all that was written before.
    private func client(_ tenant: Int, writtenBy devices: Int) throws -> Client<Batches> {
        var seen: [(device: String, counter: Int)] = []
        for device in 1..<max(1, devices) {
            let endpoint = try endpoint(tenant, device)
            var shape = updates(device)
            shape.counter = 0
            shape.operations = 200
            shape.windows = Self.records / 200
            shape.seen = [(Bench.device(0), 1)] + seen
            let client = try Client(endpoint, Batches(endpoint, shape))
            for _ in 0..<shape.windows { try client.step() }
            seen.append((Bench.device(device), 1))
        }
        let endpoint = try endpoint(tenant, 0)
        var shape = updates(0)
        shape.seen = seen
        return try Client(endpoint, Batches(endpoint, shape))
    }

    /// Another device has changed one field in a share of the records of every batch, and this client never learns of it.
    private func client(_ tenant: Int, conflictPercent share: Int) throws -> Client<Batches> {
        var shape = updates(0)
        let conflicts = shape.operations * share / 100
        if conflicts > 0 {
            let other = try endpoint(tenant, 1)
            for window in 0..<shape.windows {
                var change = updates(1)
                change.counter = 0
                change.firstRecord += window * shape.operations
                change.firstNumber += window * 1_000
                change.operations = conflicts
                change.windows = 1
                change.seen = [(Bench.device(0), 1)]
                change.fields = #"{"title":"Attic, revision ########"}"#
                try Client(other, Batches(other, change)).step()
            }
            shape.outcomes = [("conflicted", conflicts), ("applied", shape.operations - conflicts)]
        }
        let endpoint = try endpoint(tenant, 0)
        return try Client(endpoint, Batches(endpoint, shape))
    }
}
