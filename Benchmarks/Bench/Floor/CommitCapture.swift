import LoadDriver
import PostgreSQLCluster

/// Has a server make one commit and takes its statements from PostgreSQL's log.
///
/// So the floor cannot drift from the engine: it is made anew, from what the engine sends, in every run.
struct CommitCapture {
    let sample: Sample
    let statements: [CapturedStatement]
    let sessionOptions: String

    private static let tenant = "900000"

    init(_ context: Context, _ instance: PostgreSQLInstance) async throws {
        let logged = try await LoggedServer(context, instance)
        let endpoint = Endpoint(
            port: logged.server.port, token: try context.tokens.token(Self.tenant, Bench.device(0)))
        let firstRecord = Bench.firstRecord(client: 0)
        func client(_ kind: Batches.Kind, firstNumber: Int, counter: Int) throws -> Client<Batches> {
            var shape = Batches.Shape(
                kind, device: Bench.device(0), firstRecord: firstRecord, firstNumber: firstNumber, at: context.at)
            shape.operations = Sample.operations
            shape.windows = 1
            shape.counter = counter
            shape.identifiers = .scattered
            return try Client(endpoint, Batches(endpoint, shape))
        }
        try client(.create, firstNumber: 700_000_000_000, counter: 0).step()
        // A counter that no flag and no count of the other columns is.
        let updates = try client(.update, firstNumber: 710_000_000_000, counter: 1)
        for _ in 2...6 { try updates.step() }
        let (sequence, ordinal) = (5_000_000_000, 6_000_000_000)
        try await instance.database.psql(
            "UPDATE rejoin.tenants SET sequence = :sequence, operation_ordinal = :ordinal WHERE tenant = :'tenant'",
            variables: ["sequence": "\(sequence)", "ordinal": "\(ordinal)", "tenant": Self.tenant])
        let last = try client(.update, firstNumber: 720_000_000_000, counter: 6)
        statements = try logged.transaction(with: "INSERT INTO batches") { try last.step() }
        sample = Sample(
            tenant: Self.tenant, device: Bench.device(0), firstRecord: firstRecord, firstOperation: 720_000_000_000,
            batch: 720_000_000_000, sequence: sequence, ordinal: ordinal, counter: 7)
        sessionOptions = try await logged.finish()
    }
}
