import LoadDriver

/// Batches of a kind that eight clients send to a server.
struct BatchLoad {
    enum Kind {
        case new
        case update
        /// Of a record that another device wrote, by one that has not heard of it.
        case conflict
        /// The same request under the same key.
        case replay
        /// The same operations in a batch with another key.
        case known
    }

    let context: Context
    let subject: Subject
    let tenants: Fleet.Tenants
    var identifiers = Identifiers.random
    var operations = 20
    /// The part of the plan's filling that is made, one over this.
    var part = 1

    static let clients = 8
    /// How many batches of each client are sent again.
    private var repeated: Int { max(4, 1_000 / operations) }
    /// For who makes records without end.
    private static let manyWindows = 1_000_000_000

    /// Ranges of a client's numbers, so that no two loads make the same ids. The last may go beyond its range.
    private enum Place: Int {
        case updated, contested, replayed, known, new

        var firstRecord: Int { rawValue * 150_000 }
        var firstNumber: Int { rawValue * 100_000_000 }
    }

    /// The first records of each client, to be updated and fought over: as many in all as the plan says.
    /// - Parameter settle: when the first of them are there.
    func fill(settle: () async throws -> Void = {}) async throws {
        let batch = 500
        for place in [Place.updated, .contested] {
            let clients = try clients {
                shape(.create, $0, place: place, operations: batch, windows: windows)
            }
            try clients.run(requests: 1)
            if place == .updated { try await settle() }
            try clients.run(requests: windows - 1)
        }
    }

    /// How many batches of 500 each client fills a place with.
    private var windows: Int { max(1, context.plan.filling / part / 2 / Self.clients / 500) }

    func run(_ kind: Kind) throws -> CostLoad.Run {
        let windows = self.windows * 500 / operations
        let clients: [Client<Batches>]
        switch kind {
        case .new:
            clients = try self.clients {
                shape(.create, $0, place: .new, operations: operations, windows: Self.manyWindows)
            }
        case .update:
            clients = try self.clients { client in
                var shape = shape(.update, client, place: .updated, operations: operations, windows: windows)
                shape.firstNumber += Bench.numbersApart / 2
                return shape
            }
        case .conflict:
            clients = try self.clients { client in
                var shape = shape(.update, client, place: .contested, operations: operations, windows: windows)
                shape.device += "-unaware"
                shape.firstNumber += Bench.numbersApart / 2
                shape.counter = 0
                shape.outcomes = [("conflicted", operations)]
                return shape
            }
        case .replay, .known:
            clients = try self.clients { client in
                var shape = shape(
                    .create, client, place: kind == .replay ? .replayed : .known, operations: operations,
                    windows: Self.manyWindows)
                shape.repetition = kind == .replay ? .batches(of: repeated) : .operations(of: repeated)
                return shape
            }
            try clients.run(requests: repeated)
        }
        return CostLoad.Run(meter: subject.meter, driver: .own) { try clients.run(for: $0) }
    }

    private func clients(_ shape: (Int) -> Batches.Shape) throws -> [Client<Batches>] {
        try (0..<Self.clients).map { client in
            let shape = shape(client)
            let endpoint = try subject.endpoint(tenants.name(client: client), device: shape.device)
            return try Client(endpoint, Batches(endpoint, shape))
        }
    }

    private func shape(
        _ kind: Batches.Kind, _ client: Int, place: Place, operations: Int, windows: Int
    ) -> Batches.Shape {
        var shape = Batches.Shape(
            kind, device: tenants.device(client: client),
            firstRecord: Bench.firstRecord(client: client) + place.firstRecord,
            firstNumber: Bench.firstNumber(client: client) + place.firstNumber, at: context.at)
        shape.operations = operations
        shape.windows = windows
        shape.identifiers = identifiers
        shape.fields = Batches.Shape.fiveFields
        return shape
    }
}
