import LoadDriver

/// Section (j): what a pull costs that finds nothing, and one that finds sixty records, with one client and with sixteen.
struct PullCosts: CostSection {
    let title = "(j) a pull: each figure is of one request"

    private let costs: Costs
    private let sqlite: [Subject]

    private static let tenant = "1500000"
    private static let records = 10_000
    private static let (batch, page) = (500, 60)

    init(_ costs: Costs) throws {
        self.costs = costs
        sqlite = try costs.contenders.map { try $0.startOnSQLite("sqlite-pulls") }
    }

    func stop() {
        for subject in sqlite { subject.server.stop() }
    }

    func loads() async throws -> [CostLoad] {
        var loads: [CostLoad] = []
        for (engine, subjects) in [("SQLite", sqlite), ("PostgreSQL", costs.postgresql)] {
            for subject in subjects { try fill(subject) }
            for count in [1, 16] {
                let clients = "\(count) client\(count == 1 ? "" : "s")"
                loads.append(
                    CostLoad(
                        name: "\(engine), \(clients): a poll that finds nothing", operations: 1, yardstick: nil,
                        runs: try subjects.map { try run($0, clients: count, records: 0) }))
                loads.append(
                    CostLoad(
                        name: "\(engine), \(clients): a page of \(Self.page) records", operations: 1, yardstick: nil,
                        runs: try subjects.map { try run($0, clients: count, records: Self.page) }))
            }
        }
        return loads
    }

    private func fill(_ subject: Subject) throws {
        var shape = Batches.Shape(
            .create, device: Bench.device(0), firstRecord: Bench.firstRecord(client: 0),
            firstNumber: Bench.firstNumber(client: 0), at: costs.context.at)
        shape.operations = Self.batch
        shape.windows = Self.records / Self.batch
        shape.fields = Batches.Shape.fiveFields
        let endpoint = try subject.endpoint(Self.tenant, device: shape.device)
        try [try Client(endpoint, Batches(endpoint, shape))].run(requests: shape.windows)
    }

    /// Clients with devices of their own, that pull from the end of what is there, or from many places in it.
    private func run(_ subject: Subject, clients count: Int, records: Int) throws -> CostLoad.Run {
        let clients = try (0..<count).map { client in
            let endpoint = try subject.endpoint(Self.tenant, device: Bench.device(client))
            let cursors = try Pulls.walk(endpoint, limit: Self.batch)
            return try Client(
                endpoint,
                Pulls(
                    endpoint, cursors: records == 0 ? [cursors.last] : cursors.dropLast(), limit: Self.page,
                    records: records))
        }
        return CostLoad.Run(meter: subject.meter, driver: .own) { try clients.run(for: $0) }
    }
}
