import Foundation
import GRDB
import MergeCore
import RejoinProcesses
import Testing

extension ProcessTests {
    /// `rejoin audit verify` finds what something other than the server did to the audit.
    @Suite("rejoin audit verify")
    struct AuditCommandTests {
        /// Runs the body with data in which a tenant has three entries, the server stopped.
        private func withAuditedData(_ body: (String) async throws -> Void) async throws {
            try await withTemporaryDirectory { directory in
                let data = directory + "/data"
                let server = try await ServerProcess.start(data: data)
                for name in ["a", "b", "c", "d"] {
                    let body = batchBody([
                        operation(.create, "jobs", "j", clock: [name: 1], fields: [("title", .string("by \(name)"))])
                    ])
                    let answer = try await server.caller(device: name).post(batch: body, key: "k")
                    try #require(answer.status == 200, "\(answer.text)")
                }
                let beside = try await runRejoin("audit", "verify", "--data", data)
                #expect(beside.exit == .code(0) && beside.output == "tenant acme: 3 entries, whole\n", "\(beside)")
                #expect(await server.stop() == .code(0))
                let after = try await runRejoin("audit", "verify", "--data", data)
                #expect(after.exit == .code(0) && after.output == beside.output, "\(after)")
                try await body(data)
            }
        }

        @Test(
            "a byte that was changed in the database is found, and the entry named",
            arguments: [
                ("UPDATE audit_sides SET value = '\"bY b\"' WHERE value = '\"by b\"' AND position = 2", 2),
                ("UPDATE audit_sides SET won = 1 - won WHERE position = 3", 3),
                ("UPDATE audit_entries SET recorded_at = recorded_at + 1 WHERE position = 1", 1),
                ("UPDATE audit_entries SET clock_after = clock_after || ' ' WHERE position = 2", 2),
                ("UPDATE audit_entries SET device = 'x' WHERE position = 3", 3),
                ("DELETE FROM audit_entries WHERE position = 2", 2),
                ("DELETE FROM audit_entries WHERE position = 3", 3),
            ])
        func changedByte(
            _ sql: String, _ position: Int
        ) async throws {
            try await withAuditedData { data in
                let database = try DatabaseQueue(path: data + "/rejoin.sqlite")
                let changes = try await database.writeWithoutTransaction { database in
                    try database.execute(sql: sql)
                    return database.changesCount
                }
                try database.close()
                try #require(changes > 0, "the statement changed nothing")
                let verify = try await runRejoin("audit", "verify", "--data", data)
                #expect(verify.exit == .code(1))
                #expect(verify.output.contains("tenant acme: entry \(position) "), "\(verify.output)")
                #expect(verify.complaints.count == 1, "\(verify.errors)")
            }
        }

        @Test("data without tenants has nothing to verify")
        func nothingToVerify() async throws {
            try await withFreshServer { server in
                let verify = try await runRejoin("audit", "verify", "--data", server.data)
                #expect(verify.exit == .code(0) && verify.output == "no tenants yet: nothing to verify\n")
            }
        }
    }
}
