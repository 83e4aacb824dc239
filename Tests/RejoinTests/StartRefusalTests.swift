import Foundation
import GRDB
import RejoinProcesses
import Testing

extension ProcessTests {
    /// Why a command cannot start: one line on standard error that says what is wrong, exit code 2, nothing on standard output.
    @Suite("a server that cannot start says why in one line")
    struct StartRefusalTests {
        private func expectRefusal(
            _ result: CommandResult, saying words: String..., sourceLocation: SourceLocation = #_sourceLocation
        ) {
            #expect(result.exit == .code(2), sourceLocation: sourceLocation)
            #expect(result.output == "", sourceLocation: sourceLocation)
            #expect(result.complaints.count == 1, "\(result.errors)", sourceLocation: sourceLocation)
            #expect(result.errors.hasPrefix("rejoin: "), "\(result.errors)", sourceLocation: sourceLocation)
            for word in words {
                #expect(result.errors.contains(word), "\(result.errors)", sourceLocation: sourceLocation)
            }
        }

        @Test("a second server on the same data is told who has it")
        func sameData() async throws {
            try await withFreshServer { server in
                let second = try await runRejoin("serve", "--data", server.data, "--port", "0")
                expectRefusal(second, saying: server.data, "already open in another server")
            }
        }

        @Test("a port in use is named")
        func portInUse() async throws {
            try await withFreshServer { server in
                let port = try #require(server.address.split(separator: ":").last)
                let second = try await runRejoin("serve", "--data", server.data + "-2", "--port", String(port))
                #expect(second.errors.contains("127.0.0.1:\(port) is in use"))
                expectRefusal(second, saying: "--port")
            }
        }

        @Test("an address that cannot be had is named")
        func address() async throws {
            try await withTemporaryDirectory { directory in
                for host in ["203.0.113.7", "no-such-host.invalid"] {
                    let result = try await runRejoin(
                        "serve", "--data", directory + "/data", "--host", host, "--port", "0")
                    expectRefusal(result, saying: host)
                }
            }
        }

        @Test(
            "an option that means nothing is named",
            arguments: [
                (["serve", "--prot", "1"], "--prot"), (["serve", "--port", "x"], "--port"),
                (["serve", "extra"], "extra"),
                (["serve", "--port", "65536"], "from 0 to 65535"), (["serve", "--port", "-1"], "--port"),
                (["serve", "--port", "0", "--log-level", "loud"], "loud"), (["teleport"], "teleport"),
                (["serve", "--collections", "/nowhere/c.yaml"], "/nowhere/c.yaml"),
                (["serve", "--config", "/nowhere/s.yaml"], "/nowhere/s.yaml"),
                (["serve", "--jwks", "/nowhere/k.json", "--issuer", "i", "--audience", "a"], "/nowhere/k.json"),
                (["serve", "--jwks", "a"], "'issuer'"),
                (["serve", "--public-key", "a", "--issuer", "i"], "'audience'"),
                (["serve", "--jwks", "a", "--issuer", "", "--audience", "a"], "'issuer'"),
                (["serve", "--issuer", "i"], "goes with"), (["serve", "--audience", "a"], "goes with"),
                (["serve", "--token-leeway", "-1"], "--token-leeway"),
                (["serve", "--jwks", "a", "--public-key", "b"], "not both"),
                (["serve", "--tls-certificate", "a"], "'tls-key'"), (["serve", "--tls-key", "a"], "'tls-certificate'"),
                (["serve", "--tls-certificate", "/nowhere/c.pem", "--tls-key", "/nowhere/k.pem"], "/nowhere/c.pem"),
                (["serve", "--trusted-proxy", "10.1.2.3/8"], "10.1.2.3/8"),
                (["serve", "--trusted-proxy", "::1,proxy.example"], "'proxy.example'"),
            ])
        func unknownOption(_ arguments: [String], _ word: String) async throws {
            try await withTemporaryDirectory { directory in
                let result = try await runRejoin(arguments, directory: directory)
                expectRefusal(result, saying: word)
                #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [], "nothing is left behind")
            }
        }

        @Test("a data path that is a file or below one is named")
        func dataPath() async throws {
            try await withTemporaryDirectory { directory in
                let file = directory + "/file"
                try "text".write(toFile: file, atomically: true, encoding: .utf8)
                expectRefusal(try await runRejoin("serve", "--data", file, "--port", "0"), saying: file, "is a file")
                expectRefusal(
                    try await runRejoin("serve", "--data", file + "/data", "--port", "0"), saying: file + "/data")
                for command in [["conflicts", "list"], ["audit", "verify"]] {
                    let result = try await runRejoin(command[0], command[1], "--data", file + "/data")
                    expectRefusal(result, saying: file + "/data")
                }
            }
        }

        @Test(
            "a collections file that is wrong is named with the place",
            arguments: [
                ("collections: [", "YAML"),
                ("collections: {jobs: {fields: {a: {merge: lw}}}}", "collections.jobs.fields.a.merge"),
                ("colections: {}", "colections"),
            ])
        func collectionsFile(_ yaml: String, _ place: String) async throws {
            try await withTemporaryDirectory { directory in
                let path = directory + "/collections.yaml"
                try yaml.write(toFile: path, atomically: true, encoding: .utf8)
                let result = try await runRejoin(
                    "serve", "--data", directory + "/data", "--port", "0", "--collections", path)
                expectRefusal(result, saying: path, place)
            }
        }

        @Test(
            "a settings file that is wrong is named with the place",
            arguments: [
                ("prot: 1", "prot"), ("- port", "option: value"), ("port: [1]", "port"), ("port: many", "many"),
                ("port: {", "YAML"), ("auth: {}", "auth.issuers"), ("auth: {isuers: []}", "isuers"),
                ("auth: {issuers: [{issuer: i, audience: a, tenant: t, keys: {file: /nowhere/k}}]}", "/nowhere/k"),
                ("auth: {issuers: [{issuer: i, audience: a, tenant: t, keys: {file: k}}]}\njwks: k", "'jwks'"),
                ("auth: {issuers: [{issuer: i, audience: a, tenant: t, keys: {file: k}}]}\ntoken-leeway: 3", "leeway"),
            ])
        func settingsFile(_ yaml: String, _ place: String) async throws {
            try await withTemporaryDirectory { directory in
                let path = directory + "/settings.yaml"
                try yaml.write(toFile: path, atomically: true, encoding: .utf8)
                let result = try await runRejoin("serve", "--data", directory + "/data", "--config", path)
                expectRefusal(result, saying: path, place)
            }
        }

        @Test("a key file that is no key is named")
        func keyFile() async throws {
            try await withTemporaryDirectory { directory in
                let path = directory + "/key"
                try "no key".write(toFile: path, atomically: true, encoding: .utf8)
                for option in ["--jwks", "--public-key"] {
                    let result = try await runRejoin(
                        "serve", "--data", directory + "/data", "--port", "0", option, path, "--issuer", "i",
                        "--audience", "a")
                    expectRefusal(result, saying: path)
                }
            }
        }

        @Test("data of a later version is left alone")
        func laterVersion() async throws {
            try await withTemporaryDirectory { directory in
                let data = directory + "/data"
                try await withServer(data: data) { _ in }
                let database = try DatabaseQueue(path: data + "/rejoin.sqlite")
                try await database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA user_version = 99") }
                try database.close()
                for command in [["serve", "--port", "0"], ["conflicts", "list"], ["audit", "verify"]] {
                    let result = try await runRejoin(command + ["--data", data])
                    expectRefusal(result, saying: "99", "later version")
                }
            }
        }

        @Test("a database of something else is left alone")
        func foreignDatabase() async throws {
            try await withTemporaryDirectory { directory in
                let data = directory + "/data"
                try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
                let database = try DatabaseQueue(path: data + "/rejoin.sqlite")
                try await database.write { try $0.execute(sql: "CREATE TABLE other (x)") }
                try database.close()
                expectRefusal(try await runRejoin("serve", "--data", data, "--port", "0"), saying: "something else")
                try Data("no database, not at all. ".utf8).write(to: URL(filePath: data + "/rejoin.sqlite"))
                expectRefusal(try await runRejoin("serve", "--data", data, "--port", "0"), saying: data)
            }
        }
    }
}
