import Foundation
import MergeCore
import RejoinProcesses
import StrictJSON
import SyncWire
import Testing
import Values

extension ProcessTests {
    /// `rejoin conflicts` beside a running server, with values that devices chose to do harm with.
    @Suite("rejoin conflicts")
    struct ConflictsCommandTests {
        /// Clears a screen, turns the direction of writing, begins lines and columns, and ends with a one-byte CSI.
        private static let hostile = "\u{1B}[2J\u{202E}gnp\u{2066}\nid,kind\r\n=1+1\u{9B}31m\u{7F}\u{2028}end"
        private static let hostileRecord = "r\u{200B}1\u{2028}"

        /// What a terminal or the order of its text must never be given: controls but the line's end, and what turns text.
        private func isHarmless(_ text: String) -> Bool {
            !text.unicodeScalars.contains { scalar in
                switch scalar.properties.generalCategory {
                case .control: scalar != "\n"
                case .format, .lineSeparator, .paragraphSeparator: true
                default: false
                }
            }
        }

        private func makeConflicts(_ server: ServerProcess) async throws {
            for (name, value) in [("mac", Self.hostile), ("ipad", "plain"), ("phone", "third")] {
                let device = try await server.caller(device: name)
                let body = batchBody([
                    operation(
                        .create, "jobs", Self.hostileRecord, clock: [name: 1], fields: [("title", .string(value))]),
                    operation(.create, "jobs", "calm", clock: [name: 1], fields: [("title", .string(name))]),
                ])
                let answer = try await device.post(batch: body, key: "k")
                try #require(answer.status == 200, "\(answer.text)")
            }
        }

        @Test("conflicts are listed, shown and exported beside a running server, and steer no terminal")
        func listed()
            async throws
        {
            try await withFreshServer { server in
                try await makeConflicts(server)
                let list = try await runRejoin("conflicts", "list", "--data", server.data)
                #expect(list.exit == .code(0) && list.errors == "", "\(list.errors)")
                #expect(isHarmless(list.output), "\(list.output.debugDescription)")
                #expect(list.output.contains("plain") && list.output.contains("u{200b}"))

                let lines = try await runRejoin("conflicts", "list", "--json", "--data", server.data)
                #expect(isHarmless(lines.output), "\(lines.output.debugDescription)")
                let views = try lines.output.split(separator: "\n").map { try Value(json: String($0)) }
                #expect(views.count == 4)
                let values = views.flatMap { $0["sides"]?.elements ?? [] }.compactMap { $0["value"]?.text }
                #expect(values.contains(Self.hostile), "JSON says exactly what was sent")
                #expect(Set(views.compactMap { $0["record"]?.text }) == [Self.hostileRecord, "calm"])

                for id in views.compactMap({ $0["id"]?.text }) {
                    let shown = try await runRejoin("conflicts", "show", id, "--data", server.data)
                    #expect(shown.exit == .code(0) && isHarmless(shown.output), "\(shown.output.debugDescription)")
                    let json = try await runRejoin("conflicts", "show", id, "--json", "--data", server.data)
                    #expect(isHarmless(json.output), "\(json.output.debugDescription)")
                    #expect(try views.contains(Value(json: json.output)))
                }

                let export = try await runRejoin("conflicts", "export", "--data", server.data)
                #expect(isHarmless(export.output))
                let exported = try export.output.split(separator: "\n").map { try Value(json: String($0)) }
                #expect(exported == views.reversed(), "oldest first")
            }
        }

        @Test("the server's answer and the command's are the same conflicts")
        func sameConflicts() async throws {
            try await withFreshServer { server in
                try await makeConflicts(server)
                let reviewer = try await server.caller(roles: ["reviewer"])
                let lines = try await runRejoin("conflicts", "list", "--json", "--data", server.data)
                let views = try lines.output.split(separator: "\n").map { try Value(json: String($0)) }
                #expect(try await reviewer.get("/v1/conflicts").json["conflicts"] == .array(views))
            }
        }

        @Test("CSV has a line a side, and no field is a formula")
        func csv() async throws {
            try await withFreshServer { server in
                let values: [(String, Value)] = [("mac", "a,b\nc"), ("ipad", .integer(-5)), ("phone", "=1+1")]
                for (name, value) in values {
                    let body = batchBody([
                        operation(.create, "jobs", "=r", clock: [name: 1], fields: [("title", value)])
                    ])
                    let answer = try await server.caller(device: name).post(batch: body, key: "k")
                    try #require(answer.status == 200, "\(answer.text)")
                }
                let export = try await runRejoin("conflicts", "export", "--csv", "--data", server.data)
                let lines = export.output.split(separator: "\r\n")
                #expect(lines.count == 5, "a head and two sides of two conflicts: \(export.output)")
                #expect(lines.allSatisfy { $0.split(separator: ",")[5] == "'=r" || $0.hasPrefix("id,") })
                #expect(export.output.contains(#""""a,b\nc""""#), "\(export.output)")
                #expect(export.output.contains(",-5,"))
            }
        }

        @Test("a choice that means nothing, and a conflict or tenant that is not there, are named")
        func misnamed() async throws {
            try await withFreshServer { server in
                let empty = try await runRejoin("conflicts", "list", "--data", server.data)
                #expect(empty.exit == .code(2) && empty.errors.contains("no tenant"))
                try await makeConflicts(server)
                for (arguments, exit, word) in [
                    (["list", "--status", "odd"], Exit.code(2), "automatic, open, resolved, superseded"),
                    (["list", "--kind", "odd"], .code(2), "write_write"),
                    (["list", "--since", "noon"], .code(2), "--since"),
                    (["list", "--limit", "0"], .code(2), "--limit"),
                    (["list", "--tenant", "other"], .code(2), "'other'"),
                    (["show", "999"], .code(1), "no conflict 999"), (["show", "x"], .code(2), "'x'"),
                ] {
                    let result = try await runRejoin(["conflicts"] + arguments + ["--data", server.data])
                    #expect(result.exit == exit && result.output == "", "\(arguments)")
                    #expect(result.complaints.count == 1 && result.errors.contains(word), "\(result.errors)")
                }
                let none = try await runRejoin("conflicts", "list", "--collection", "none", "--data", server.data)
                #expect(none.exit == .code(0) && none.output == "no conflicts\n")
            }
        }
    }
}
