import LoadDriver

/// The clients of a server: each has a connection, a token and records of its own.
struct Fleet {
    /// Names of tenants are numbers, so that pgbench can compute them.
    enum Tenants {
        case apart(first: Int)
        case one(Int)

        func name(client: Int) -> String {
            switch self {
            case .apart(let first): String(first + client)
            case .one(let tenant): String(tenant)
            }
        }

        /// Alone in its tenant, every client's device has the name of the first.
        func device(client: Int) -> String {
            switch self {
            case .apart: Bench.device(0)
            case .one: Bench.device(client)
            }
        }
    }

    private let clients: [Client<Batches>]

    /// Makes the records too: as many windows for each client as the sample has.
    init(_ context: Context, _ server: Server, _ tenants: Tenants, clients count: Int) throws {
        clients = try (0..<count).map { client in
            let device = tenants.device(client: client)
            let endpoint = Endpoint(
                port: server.port, token: try context.tokens.token(tenants.name(client: client), device))
            var creates = Batches.Shape(
                .create, device: device, firstRecord: Bench.firstRecord(client: client),
                firstNumber: Bench.firstNumber(client: client) + Bench.numbersApart / 2, at: context.at)
            creates.operations = 10 * Sample.operations
            creates.windows = Sample.windows / 10
            let maker = try Client(endpoint, Batches(endpoint, creates))
            for _ in 0..<creates.windows { try maker.step() }
            var updates = Batches.Shape(
                .update, device: device, firstRecord: Bench.firstRecord(client: client),
                firstNumber: Bench.firstNumber(client: client), at: context.at)
            updates.operations = Sample.operations
            updates.windows = Sample.windows
            return try Client(endpoint, Batches(endpoint, updates))
        }
    }

    func run(clients count: Int, for duration: Duration) throws -> LoadResult {
        try Array(clients.prefix(count)).run(for: duration)
    }
}
