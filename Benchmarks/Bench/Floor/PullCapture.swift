import LoadDriver

/// Has a server answer one pull and takes the transaction that reads the page from PostgreSQL's log.
struct PullCapture {
    let sessionOptions: String
    private let statements: [CapturedStatement]

    private static let tenant = "900001"
    private static let (start, limit) = (200, 77)

    init(_ context: Context, _ instance: PostgreSQLInstance) async throws {
        let logged = try await LoggedServer(context, instance)
        let endpoint = Endpoint(
            port: logged.server.port, token: try context.tokens.token(Self.tenant, Bench.device(0)))
        var creates = Batches.Shape(
            .create, device: Bench.device(0), firstRecord: Bench.firstRecord(client: 0),
            firstNumber: Bench.firstNumber(client: 0), at: context.at)
        creates.operations = 400
        creates.windows = 1
        try Client(endpoint, Batches(endpoint, creates)).step()
        let cursor = try Pulls.walk(endpoint, limit: Self.start)[0]
        statements = try logged.transaction(with: "ORDER BY sequence") {
            _ = try Pulls(endpoint, cursors: [cursor], limit: Self.limit, records: Self.limit)
        }
        sessionOptions = try await logged.finish()
    }

    /// A pgbench script that reads such pages.
    /// - Parameter positions: in the feed, to start from; several are multiples of the first.
    func script(tenant: Int, limit: Int, positions: [Int]) -> String {
        let step = positions.first ?? 0
        let since = positions.count > 1 ? "\(step) * random(1, \(positions.count))" : "\(step)"
        let lines = statements.map { statement in
            statement.sql.replacing(/\$(\d+)(::[a-z]+)/) { match in
                let index = (Int(match.1) ?? 0) - 1
                let value = statement.parameters.indices.contains(index) ? statement.parameters[index] ?? "" : ""
                switch value {
                case Self.tenant: return "'\(tenant)'\(match.2)"
                case "\(Self.start)": return ":since\(match.2)"
                default:
                    // The limit, or what the engine adds to it to see whether more follows.
                    guard let number = Int(value), (Self.limit...(Self.limit + 1)).contains(number) else {
                        return "'\(value)'\(match.2)"
                    }
                    return "'\(limit + number - Self.limit)'\(match.2)"
                }
            } + ";"
        }
        return (["\\set since \(since)", "\\startpipeline"] + lines + ["\\endpipeline"]).joined(separator: "\n") + "\n"
    }
}
