import LoadDriver

/// Section (h): what an operation costs: new records, updates, writes that conflict, and batches that come again, on both
/// engines.
struct OperationCosts: CostSection {
    let title = "(h) an operation, 8 clients, batches of 20"

    private let costs: Costs
    /// On the embedded engine, a server for each kind of ids, for each contender.
    private let sqlite: [(identifiers: Identifiers, subjects: [Subject])]

    private static let tenant = 1_000_000
    private static let tenants = 1_100_000

    init(_ costs: Costs) throws {
        self.costs = costs
        sqlite = try [Identifiers.random, .timeOrdered, .ascending].map { identifiers in
            (identifiers, try costs.contenders.map { try $0.startOnSQLite("sqlite-\(identifiers)") })
        }
    }

    func stop() {
        for subject in sqlite.flatMap(\.subjects) { subject.server.stop() }
    }

    func loads() async throws -> [CostLoad] {
        var loads: [CostLoad] = []
        for (identifiers, subjects) in sqlite {
            let title = "SQLite, one tenant"
            let batches = subjects.map {
                BatchLoad(
                    context: costs.context, subject: $0, tenants: .one(Self.tenant), identifiers: identifiers)
            }
            try await fill(batches, "\(title), \(identifiers.words)")
            switch identifiers {
            case .random: loads += try rows(title, batches)
            case .timeOrdered, .scattered, .ascending:
                for (kind, words) in [(BatchLoad.Kind.new, "new records"), (.update, "updates")] {
                    loads.append(
                        CostLoad(
                            name: "\(title), \(identifiers.words): \(words)", operations: 20, yardstick: nil,
                            runs: try batches.map { try $0.run(kind) }))
                }
            }
        }
        // Random ids beside the others.
        for index in loads.indices {
            for words in ["new records", "updates"] where loads[index].name == "SQLite, one tenant: \(words)" {
                loads[index].yardstick = CostLoad.Yardstick(
                    row: "SQLite, one tenant, \(Identifiers.ascending.words): \(words)", title: "ascending ids")
            }
        }
        for (title, tenants) in [
            ("PostgreSQL, one tenant", Fleet.Tenants.one(Self.tenant)),
            ("PostgreSQL, a tenant each", .apart(first: Self.tenants)),
        ] {
            let batches = costs.postgresql.map { BatchLoad(context: costs.context, subject: $0, tenants: tenants) }
            try await fill(batches, title)
            loads += try rows(title, batches)
        }
        return loads
    }

    private func fill(_ batches: [BatchLoad], _ title: String) async throws {
        costs.context.note("making \(costs.context.plan.filling) records: \(title)")
        for batch in batches { try await batch.fill(settle: costs.settle) }
    }

    private func rows(_ title: String, _ batches: [BatchLoad]) throws -> [CostLoad] {
        let kinds: [(BatchLoad.Kind, String)] = [
            (.new, "new records"), (.update, "updates"), (.conflict, "concurrent updates, each a conflict"),
            (.replay, "stored batches sent again"),
        ]
        return try kinds.map { kind, words in
            CostLoad(
                name: "\(title): \(words)", operations: 20,
                yardstick: kind == .new ? nil : CostLoad.Yardstick(row: "\(title): new records", title: "new records"),
                runs: try batches.map { try $0.run(kind) })
        }
    }
}

extension Identifiers {
    /// As rows of tables call them.
    var words: String {
        switch self {
        case .random: "random ids"
        case .timeOrdered: "ids of version 7"
        case .scattered: "scattered ids"
        case .ascending: "ascending ids"
        }
    }
}
