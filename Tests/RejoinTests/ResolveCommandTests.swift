import Foundation
import MergeCore
import RejoinProcesses
import StrictJSON
import SyncWire
import Testing
import Values

extension ProcessTests {
    /// `rejoin conflicts resolve` through a running server.
    @Suite("rejoin conflicts resolve")
    struct ResolveCommandTests {
        private static let collections = """
            collections:
              jobs:
                fields:
                  title: {type: string, merge: manual}
            """

        /// Records with a title from the mac, "first", and one from the iPad, "second", which shows.
        private func makeConflicts(_ server: ServerProcess, records: Int) async throws {
            for (name, value, at): (String, String, Int64) in [
                ("mac", "first", 1_767_323_045_000), ("ipad", "second", 1_767_323_046_000),
            ] {
                let device = try await server.caller(device: name)
                let body = batchBody(
                    (0..<records).map {
                        operation(
                            .create, "jobs", "r\($0)", clock: [name: 1], at: at,
                            fields: [("title", .string(value))])
                    })
                let answer = try await device.post(batch: body, key: "k")
                try #require(answer.status == 200, "\(answer.text)")
            }
        }

        private func resolve(_ server: ServerProcess, _ arguments: String...) async throws -> CommandResult {
            try await runRejoin(
                ["conflicts", "resolve"] + arguments
                    + ["--url", server.address, "--data", server.data, "--tenant", "acme", "--as", "rita"])
        }

        private func title(_ server: ServerProcess, _ record: String) async throws -> Value? {
            try await server.caller(device: "mac").get("/v1/records/jobs/\(record)").json["fields"]?["title"]
        }

        @Test("a conflict is decided for a side or another value, and the audit names who decided")
        func decided() async throws {
            try await withFreshServer(collections: Self.collections) { server in
                try await makeConflicts(server, records: 3)
                for (arguments, wanted) in [
                    (["1", "--choose", "stored", "--note", "as agreed"], "first"), (["2", "--choose", "1"], "second"),
                    (["3", "--value", #""third""#], "third"),
                ] {
                    let result = try await runRejoin(
                        ["conflicts", "resolve"] + arguments
                            + ["--url", server.address, "--data", server.data, "--tenant", "acme", "--as", "rita"])
                    #expect(result.exit == .code(0), "\(result.errors)")
                    #expect(result.output == "conflict \(arguments[0]): decided for \"\(wanted)\"\n")
                }
                #expect(try await title(server, "r0") == "first")
                #expect(try await title(server, "r2") == "third")
                let shown = try await runRejoin("conflicts", "show", "1", "--data", server.data)
                #expect(shown.output.contains("resolved by rita") && shown.output.contains("as agreed"))
                // The same again is fine; another decision is not.
                #expect(try await resolve(server, "1", "--choose", "0").exit == .code(0))
                let other = try await resolve(server, "1", "--choose", "incoming")
                #expect(other.exit == .code(1) && other.errors.contains("ended otherwise"), "\(other.errors)")
                let old = try await resolve(server, "2", "--choose", "0", "--version", "0")
                #expect(old.exit == .code(1) && old.errors.contains("changed since"), "\(old.errors)")
                let audit = try await runRejoin("audit", "verify", "--data", server.data)
                #expect(audit.exit == .code(0), "\(audit.errors)")
            }
        }

        @Test("a dry run tells what the decision on many does, and the decision does that")
        func dryRun() async throws {
            try await withFreshServer(collections: Self.collections) { server in
                try await makeConflicts(server, records: 5)
                let dry = try await resolve(server, "--all", "--status", "open", "--choose", "loser", "--dry-run")
                #expect(dry.exit == .code(0), "\(dry.errors)")
                #expect(dry.output.contains(#"conflict 1: "second" → "first""#), "\(dry.output)")
                #expect(dry.output.hasSuffix("5 would be decided, 0 could not be\n"), "\(dry.output)")
                #expect(try await title(server, "r0") == "second")
                let done = try await resolve(server, "--all", "--status", "open", "--choose", "loser")
                #expect(done.output.hasSuffix("5 decided, 0 refused\n"), "\(done.output)")
                #expect(try await title(server, "r0") == "first")
                let json = try await resolve(server, "--all", "--status", "resolved", "--choose", "loser", "--json")
                #expect(try Value(json: json.output)["decided"] == 5)
            }
        }

        @Test("what cannot be asked for is named in one line")
        func misnamed() async throws {
            try await withFreshServer(collections: Self.collections) { server in
                try await makeConflicts(server, records: 1)
                for (arguments, exit, word) in [
                    ([], Exit.code(2), "--choose or --value"), (["1"], .code(2), "--choose or --value"),
                    (["1", "--choose", "best"], .code(2), "incoming"),
                    (["1", "--value", "{"], .code(2), "--value is JSON"),
                    (["1", "--choose", "0", "--value", "1"], .code(2), "one of them"),
                    (["--choose", "0"], .code(2), "name one conflict"),
                    (["1", "--choose", "0", "--status", "open"], .code(2), "name one conflict"),
                    (["1", "--choose", "0", "--dry-run"], .code(2), "--all"),
                    (["--all", "--choose", "0"], .code(2), "--all needs"),
                    (["99", "--choose", "0"], .code(1), "nothing here"),
                    (["1", "--choose", "7"], .code(1), "sides 0 to 1"),
                    (["1", "--value", "7"], .code(1), "type is string"),
                ] {
                    let result = try await runRejoin(
                        ["conflicts", "resolve"] + arguments
                            + ["--url", server.address, "--data", server.data, "--tenant", "acme"])
                    #expect(result.exit == exit && result.output == "", "\(arguments)")
                    #expect(result.complaints.count == 1 && result.errors.contains(word), "\(result.errors)")
                }
                let gone = try await runRejoin(
                    "conflicts", "resolve", "1", "--choose", "0", "--url", "http://127.0.0.1:1", "--data", server.data,
                    "--tenant", "acme")
                #expect(gone.exit == .code(2) && gone.errors.contains("no server answers"), "\(gone.errors)")
                #expect(try await title(server, "r0") == "second")
            }
        }
    }

    @Suite("rejoin link")
    struct LinkTests {
        @Test("a link signs its user in once, and is no token")
        func link() async throws {
            try await withFreshServer { server in
                let printed = try await runRejoin(
                    "token", "--tenant", "acme", "--role", "reviewer", "--user", "rita", "--link", "--url",
                    server.address + "/", "--data", server.data)
                #expect(printed.exit == .code(0), "\(printed.errors)")
                let link = printed.output.trimmingCharacters(in: .newlines)
                let start = server.address + "/review/sign-in?code="
                try #require(link.hasPrefix(start), "\(link)")
                let stranger = Caller(address: "", token: "")
                #expect(try await stranger.get(link).text.contains("rita"))
                let code = String(link.dropFirst(start.count))
                let asToken = try await Caller(address: server.address, token: code).get("/v1/session")
                #expect(asToken.status == 401)
            }
        }

        @Test("a link is for reviewers, to where a browser can go")
        func linkLimits() async throws {
            try await withTemporaryDirectory { directory in
                for (arguments, word) in [
                    (["--role", "admin"], "--role reviewer"),
                    (["--role", "reviewer", "--role", "admin"], "--role reviewer"),
                    (["--role", "reviewer", "--device", "d"], "--role reviewer"),
                    (["--role", "reviewer", "--url", "sync.example"], "--url"),
                    (["--role", "reviewer", "--url", "file:///x"], "--url"),
                    (["--role", "reviewer", "--url", "http://x/?a"], "--url"),
                ] {
                    let result = try await runRejoin(
                        ["token", "--tenant", "acme", "--link", "--data", directory] + arguments)
                    #expect(result.exit == .code(2) && result.output == "", "\(arguments)")
                    #expect(result.errors.contains(word), "\(result.errors)")
                }
            }
        }
    }
}
