import Foundation
import GRDB
import MergeCore
import RejoinProcesses
import Testing
import Values

extension ProcessTests {
    /// `rejoin audit export`, and `rejoin audit verify --file` where there is no database.
    @Suite("an exported audit")
    struct AuditExportTests {
        /// Runs the body with the data of a tenant that has three entries, and a directory to write to, beside the server.
        private func withAuditedServer(_ body: (ServerProcess, _ directory: String) async throws -> Void) async throws {
            try await withTemporaryDirectory { directory in
                try await withServer(data: directory + "/data") { server in
                    for name in ["a", "b", "c", "d"] {
                        // What would steer a terminal is in the file as it is.
                        let title = Value.string("by \(name) \u{202E}\u{9B}31m")
                        let body = batchBody([
                            operation(.create, "jobs", "j", clock: [name: 1], fields: [("title", title)])
                        ])
                        let answer = try await server.caller(device: name).post(batch: body, key: "k")
                        try #require(answer.status == 200, "\(answer.text)")
                    }
                    try await body(server, directory)
                }
            }
        }

        private func verify(_ file: String, _ arguments: String...) async throws -> CommandResult {
            try await withTemporaryDirectory { elsewhere in
                let result = try await runRejoin(
                    ["audit", "verify", "--file", file] + arguments, directory: elsewhere)
                #expect(try files(in: elsewhere) == [], "no data is opened or made")
                return result
            }
        }

        @Test("an audit is exported beside a running server, and proven where there is no database")
        func exported() async throws {
            try await withAuditedServer { server, directory in
                let file = directory + "/audit.ndjson"
                let export = try await runRejoin("audit", "export", "--output", file, "--data", server.data)
                #expect(export.exit == .code(0) && export.output == "" && export.errors == "", "\(export)")
                let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? NSNumber
                #expect(mode == 0o600)

                let whole = try await verify(file)
                #expect(whole.exit == .code(0) && whole.errors == "", "\(whole)")
                let said = whole.output.split(separator: "\n")
                #expect(said.count == 2 && said[0] == "tenant acme: 3 entries, whole", "\(said)")
                let database = try DatabaseQueue(path: server.data + "/rejoin.sqlite")
                let hash = try await database.read {
                    try String.fetchOne($0, sql: "SELECT lower(hex(audit_hash)) FROM tenants") ?? "none"
                }
                #expect(said[1].hasSuffix("last hash \(hash)"))
                #expect(try await verify(file, "--tenant", "acme").exit == .code(0))

                // Into a pipe the same comes, but for the time in the first line and the digest over it in the last.
                let piped = try await runRejoin("audit", "export", "--tenant", "acme", "--data", server.data)
                let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
                #expect(piped.output.split(separator: "\n")[1..<4] == lines[1..<4])
                #expect(lines.count == 5 && lines[1].contains("\u{202E}"))
            }
        }

        @Test("a file that was changed is found out, and the line and the entry are named")
        func changedFile() async throws {
            try await withAuditedServer { server, directory in
                let export = try await runRejoin("audit", "export", "--data", server.data)
                let lines = export.output.split(separator: "\n").map(String.init)
                try #require(lines.count == 5)
                let cases: [([String], String)] = [
                    (
                        [lines[0], lines[1], lines[2].replacing("by c", with: "by x")] + lines[3...],
                        "line 3: entry 2 is not"
                    ),
                    ([lines[0], lines[2], lines[1]] + lines[3...], "line 2: entry 2 stands before"),
                    ([lines[0], lines[1]] + lines[3...], "line 3: entry 2 is missing"),
                    (Array(lines[...3]), "line 5: the file ends too early"),
                    ([lines[0], " " + lines[1]] + lines[2...], "line 2: this is not what an export writes here"),
                    (["id,kind"], "line 1: this is not what an export writes here"),
                ]
                for (number, (changed, complaint)) in cases.enumerated() {
                    let file = directory + "/\(number).ndjson"
                    try (changed.joined(separator: "\n") + "\n").write(toFile: file, atomically: true, encoding: .utf8)
                    let result = try await verify(file)
                    #expect(result.exit == .code(1) && result.complaints.count == 1, "\(result)")
                    #expect(result.output.contains(complaint), "\(result.output)")
                }
            }
        }

        @Test("what was changed in the database is in the file, which says so")
        func changedDatabase() async throws {
            try await withAuditedServer { server, directory in
                _ = await server.stop()
                let database = try DatabaseQueue(path: server.data + "/rejoin.sqlite")
                try await database.write {
                    try $0.execute(sql: "UPDATE audit_sides SET won = 1 - won WHERE position = 2")
                }
                try database.close()
                let file = directory + "/audit.ndjson"
                let export = try await runRejoin("audit", "export", "--output", file, "--data", server.data)
                #expect(export.exit == .code(0))
                let result = try await verify(file)
                #expect(result.exit == .code(1))
                #expect(result.output == "tenant acme: line 3: entry 2 is not what was written\n")
            }
        }

        @Test("a file or tenant that will not do is named")
        func misnamed() async throws {
            try await withAuditedServer { server, directory in
                let file = directory + "/audit.ndjson"
                let export = ["audit", "export", "--data", server.data, "--output", file]
                #expect(try await runRejoin(export).exit == .code(0))
                let bytes = try Data(contentsOf: URL(filePath: file))
                for (arguments, exit, word) in [
                    (export, Exit.code(2), "audit.ndjson cannot be made"),
                    (export + ["--tenant", "other"], .code(2), "'other'"),
                    (
                        ["audit", "export", "--data", server.data, "--output", directory + "/none/f"], .code(2),
                        "/none/f"
                    ),
                    (["audit", "verify", "--file", directory + "/none"], .code(2), "/none cannot be read"),
                    (["audit", "verify", "--file", directory], .code(2), "cannot be read"),
                    (["audit", "verify", "--file", file, "--tenant", "other"], .code(1), "not the audit"),
                ] {
                    let result = try await runRejoin(arguments)
                    #expect(result.exit == exit && result.complaints.count == 1, "\(arguments): \(result)")
                    #expect(result.errors.contains(word), "\(result.errors)")
                }
                #expect(try Data(contentsOf: URL(filePath: file)) == bytes, "a file that is there is left alone")
            }
        }
    }
}
