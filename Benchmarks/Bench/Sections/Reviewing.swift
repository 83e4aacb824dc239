import Foundation
import LoadDriver

/// Row (g): what reviewers read in a tenant with many records and conflicts, beside the same in one with a hundredth of them,
/// on one server. What a page costs must not depend on what the tenant has beyond it.
struct Reviewing {
    private static let batch = 1_000

    private struct Tenant {
        let number: Int
        let records: Int
        let conflicts: Int
        let token: String
        let cookie: String
    }

    private let context: Context
    private let server: Server
    private let turns: Turns

    private let engine: String

    /// Measures the embedded engine, and PostgreSQL.
    static func run(_ context: Context) async throws {
        try await run(context, on: "SQLite", database: nil, postmaster: nil)
        let instance = try await PostgreSQLInstance(context)
        try await run(
            context, on: "PostgreSQL", database: instance.database.serverConninfo, postmaster: instance.postmaster)
        try await instance.cluster.remove()
    }

    private static func run(
        _ context: Context, on engine: String, database: String?, postmaster: pid_t?
    ) async throws {
        let server = try Server(context.server, data: context.data, database: database)
        let run = Reviewing(
            context: context, server: server,
            turns: Turns(context: context, meter: CPUMeter(server: server.process, postmaster: postmaster)),
            engine: engine)
        let most = context.plan.sizes.max() ?? 100_000
        let small = try run.makeTenant(7_000_001, records: most / 100, conflicts: max(batch, most / 1_000))
        let large = try run.makeTenant(7_000_002, records: most, conflicts: most / 10)
        let device = Bench.device(1)
        for (name, path) in [
            ("page of what waits", "/review"), ("page of all", "/review?status=all"),
            ("page of a device", "/review?status=all&device=\(device)"),
            ("page of a device, nothing there", "/review?status=superseded&device=\(device)"),
            ("page of a field", "/review?status=all&unit=title&kind=write_write"),
            ("page of a conflict", "/review/conflicts/1"),
        ] {
            try await run.compare(name, small, large, containing: "</html>") { (path, "Cookie: \($0.cookie)") }
        }
        for (name, path) in [
            ("50 conflicts as JSON", "/v1/conflicts?status=automatic"),
            ("500 conflicts as JSON", "/v1/conflicts?limit=500"),
            ("summary", "/v1/conflicts/summary"),
        ] {
            try await run.compare(name, small, large, containing: "}") {
                (path, "Authorization: Bearer \($0.token)")
            }
        }
        try run.export(large)
        server.stop()
    }

    private func compare(
        _ name: String, _ small: Tenant, _ large: Tenant, containing text: String,
        _ request: (Tenant) -> (path: String, header: String)
    ) async throws {
        func client(_ tenant: Tenant) throws -> Client<Readings> {
            let (path, header) = request(tenant)
            let endpoint = Endpoint(port: server.port, token: tenant.token)
            return try Client(endpoint, Readings(endpoint, paths: [path], header: header, containing: text))
        }
        let (floor, reader) = (try client(small), try client(large))
        let comparison = try await turns.compare(floorDriver: .own) { round in
            if round == 0 { _ = try [floor].run(for: context.plan.warmUp) }
            return try [floor].run(for: context.plan.run)
        } server: { round in
            if round == 0 { _ = try [reader].run(for: context.plan.warmUp) }
            return try [reader].run(for: context.plan.run)
        }
        context.report.add(
            "(g) \(engine): a reviewer in a tenant of \(large.records) records and \(large.conflicts) conflicts, floor: of "
                + "\(small.records) and \(small.conflicts)", name, comparison, operations: 1)
    }

    /// All conflicts as lines of JSON, with the memory that the server has before and after.
    private func export(_ tenant: Tenant) throws {
        for round in 1...3 {
            let before = CPUMeter.residentMegabytes(server.process)
            let start = ContinuousClock.now
            let lines = try Program.run(
                "/bin/bash",
                [
                    "-c", "curl -sS --fail -H \"$0\" \"$1\" | wc -l", "Authorization: Bearer \(tenant.token)",
                    "http://127.0.0.1:\(server.port)/v1/conflicts/export",
                ]
            ).trimmingCharacters(in: .whitespacesAndNewlines)
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            context.note(
                String(
                    format: "export %d: %@ conflicts in %.1f s, resident %.0f MB before and %.0f MB after", round,
                    lines,
                    seconds, before, CPUMeter.residentMegabytes(server.process)))
        }
    }

    // MARK: Filling

    /// Records that one device creates; in the first of them another changes the title, and the first, who has not heard of
    /// that, changes it too.
    private func makeTenant(_ number: Int, records: Int, conflicts: Int) throws -> Tenant {
        context.note("making \(records) records and \(conflicts) conflicts")
        let tenant = "\(number)"
        let first = Endpoint(port: server.port, token: try context.tokens.token(tenant, Bench.device(0)))
        let other = Endpoint(port: server.port, token: try context.tokens.token(tenant, Bench.device(1)))
        func send(_ shape: Batches.Shape, _ endpoint: Endpoint) throws {
            let client = try Client(endpoint, Batches(endpoint, shape))
            for _ in 0..<shape.windows { try client.step() }
        }
        func shape(_ kind: Batches.Kind, device: Int, numbers: Int, of count: Int) -> Batches.Shape {
            var shape = Batches.Shape(
                kind, device: Bench.device(device), firstRecord: Bench.firstRecord(client: 0),
                firstNumber: Bench.firstNumber(client: numbers), at: context.at)
            shape.operations = Self.batch
            shape.windows = count / Self.batch
            return shape
        }
        try send(shape(.create, device: 0, numbers: 0, of: records), first)
        let title = #"{"title":"Attic, revision ########"}"#
        var change = shape(.update, device: 1, numbers: 1, of: conflicts)
        (change.counter, change.seen, change.fields) = (0, [(Bench.device(0), 1)], title)
        try send(change, other)
        var unaware = shape(.update, device: 0, numbers: 2, of: conflicts)
        unaware.fields = title
        unaware.outcomes = [("conflicted", Self.batch)]
        try send(unaware, first)
        return Tenant(
            number: number, records: records, conflicts: conflicts, token: try reviewerToken(tenant),
            cookie: try cookie(tenant))
    }

    private func mint(_ tenant: String, _ arguments: String...) throws -> String {
        try Program.run(
            context.server,
            ["token", "--data", context.data, "--tenant", tenant, "--role", "reviewer", "--user", "rita"] + arguments
        ).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func reviewerToken(_ tenant: String) throws -> String { try mint(tenant) }

    private func cookie(_ tenant: String) throws -> String {
        let address = "http://127.0.0.1:\(server.port)"
        let link = try mint(tenant, "--link", "--url", address)
        guard let code = link.split(separator: "=", maxSplits: 1).last else { throw BenchError("no link: \(link)") }
        let head = try Program.run(
            "/usr/bin/curl",
            [
                "-sS", "-D", "-", "-o", "/dev/null", "--data-urlencode", "code=\(code)", address + "/review/sign-in",
            ])
        guard let cookie = head.firstMatch(of: /rejoin_review=[^;]+/) else { throw BenchError("no cookie: \(head)") }
        return String(cookie.0)
    }
}
