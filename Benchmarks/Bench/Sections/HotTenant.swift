/// Section (k): eight clients that write to one tenant, beside eight that have one each, in large batches.
struct HotTenant: CostSection {
    let title = "(k) one hot tenant against tenants apart, 8 clients, batches of 500"

    private let costs: Costs
    private let sqlite: [Subject]

    private static let operations = 500
    private static let hot = 1_600_000
    private static let apart = 1_610_000

    init(_ costs: Costs) throws {
        self.costs = costs
        sqlite = try costs.contenders.map { try $0.startOnSQLite("sqlite-hot") }
    }

    func stop() {
        for subject in sqlite { subject.server.stop() }
    }

    func loads() async throws -> [CostLoad] {
        try [("SQLite", sqlite), ("PostgreSQL", costs.postgresql)].flatMap { engine, subjects in
            let name = "\(engine), a tenant each: new records, \(Self.operations) a batch"
            return [
                try load(name, .apart(first: Self.apart), subjects),
                try load(
                    "\(engine), one tenant: new records, \(Self.operations) a batch", .one(Self.hot), subjects,
                    CostLoad.Yardstick(row: name, title: "a tenant each")),
            ]
        }
    }

    private func load(
        _ name: String, _ tenants: Fleet.Tenants, _ subjects: [Subject], _ yardstick: CostLoad.Yardstick? = nil
    ) throws -> CostLoad {
        CostLoad(
            name: name, operations: Self.operations, yardstick: yardstick,
            runs: try subjects.map { subject in
                try BatchLoad(
                    context: costs.context, subject: subject, tenants: tenants, operations: Self.operations
                ).run(.new)
            })
    }
}
