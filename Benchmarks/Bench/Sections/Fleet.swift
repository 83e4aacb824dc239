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

    /// Connects clients whose records are there; see `makeRecords`.
    init(_ context: Context, _ server: Server, _ tenants: Tenants, clients count: Int) throws {
        clients = try (0..<count).map { client in
            let device = tenants.device(client: client)
            let endpoint = try Self.endpoint(context, server, tenants, client)
            var updates = Batches.Shape(
                .update, device: device, firstRecord: Bench.firstRecord(client: client),
                firstNumber: Bench.firstNumber(client: client), at: context.at)
            updates.operations = Sample.operations
            updates.windows = Sample.windows
            updates.identifiers = .scattered
            return try Client(endpoint, Batches(endpoint, updates))
        }
    }

    /// Makes as many windows of records for each client as the sample has.
    static func makeRecords(_ context: Context, _ server: Server, _ tenants: Tenants, clients count: Int) throws {
        for client in 0..<count {
            let endpoint = try endpoint(context, server, tenants, client)
            var creates = Batches.Shape(
                .create, device: tenants.device(client: client), firstRecord: Bench.firstRecord(client: client),
                firstNumber: Bench.firstNumber(client: client) + Bench.numbersApart / 2, at: context.at)
            creates.operations = 10 * Sample.operations
            creates.windows = Sample.windows / 10
            creates.identifiers = .scattered
            let maker = try Client(endpoint, Batches(endpoint, creates))
            for _ in 0..<creates.windows { try maker.step() }
        }
    }

    private static func endpoint(
        _ context: Context, _ server: Server, _ tenants: Tenants, _ client: Int
    ) throws -> Endpoint {
        let token = try context.tokens.token(tenants.name(client: client), tenants.device(client: client))
        return Endpoint(port: server.port, token: token)
    }

    func run(clients count: Int, for duration: Duration) throws -> LoadResult {
        try Array(clients.prefix(count)).run(for: duration)
    }
}
