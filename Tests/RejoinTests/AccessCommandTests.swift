import Crypto
import Foundation
import PostgreSQLCluster
import RejoinProcesses
import SyncWire
import Testing

@testable import rejoin

extension ProcessTests {
    /// What ends access beside a running server, and what its servers share.
    @Suite("rejoin access, and keys that change")
    struct AccessCommandTests {
        private func minted(_ server: ServerProcess, _ arguments: String...) async throws -> Caller {
            let minted = try await runRejoin(
                ["token", "--tenant", "acme", "--data", server.data] + arguments)
            try #require(minted.exit == .code(0), "\(minted.errors)")
            return Caller(address: server.address, token: minted.output.trimmingCharacters(in: .newlines))
        }

        @Test("tokens that were revoked are refused by a running server, and new ones are not")
        func revoked()
            async throws
        {
            try await withFreshServer { server in
                let (ana, ben) = (
                    try await minted(server, "--device", "ipad", "--user", "ana"),
                    try await minted(server, "--device", "mac", "--user", "ben")
                )
                #expect(try await ana.get("/v1/changes").status == 200)
                #expect(try await ben.get("/v1/changes").status == 200)
                let revoked = try await runRejoin(
                    "token", "revoke", "--tenant", "acme", "--user", "ana", "--data", server.data)
                #expect(revoked.exit == .code(0), "\(revoked.errors)")
                #expect(revoked.output.contains("'ana'"))
                #expect(try await eventually { try await ana.get("/v1/session").status == 401 })
                #expect(try await ben.get("/v1/session").status == 200)
                #expect(
                    try await minted(server, "--device", "ipad", "--user", "ana").get("/v1/session").status
                        == 200)
            }
        }

        @Test("what is missing or means nobody is named, and ends nothing")
        func misnamed() async throws {
            try await withFreshServer { server in
                let ana = try await minted(server, "--device", "ipad", "--user", "ana")
                #expect(try await ana.get("/v1/changes").status == 200)
                for command in [["sessions", "end"], ["token", "revoke"]] {
                    for (arguments, word) in [
                        (["--tenant", "acme"], "--everybody"), (["--user", "ana"], "--tenant"),
                        (["--tenant", "acme", "--user", "ana", "--everybody"], "--everybody"),
                        (["--tenant", "acmee", "--user", "ana"], "acmee"),
                        (["--tenant", "acme", "--user", ""], "--user"),
                    ] {
                        let result = try await runRejoin(command + arguments + ["--data", server.data])
                        #expect(
                            result.exit != .code(0) && result.errors.contains(word), "\(command) \(arguments)")
                    }
                }
                let nowhere = try await runRejoin(
                    "token", "revoke", "--tenant", "acme", "--user", "ana", "--data", server.data + "/none")
                #expect(nowhere.exit == .code(2))
                #expect(try await ana.get("/v1/session").status == 200)
            }
        }

        @Test("a key that an identity provider adds is found, and a signal has the file read")
        func addedKey()
            async throws
        {
            try await withTemporaryDirectory { directory in
                let (old, new) = (P256.Signing.PrivateKey(), P256.Signing.PrivateKey())
                let path = directory + "/keys.json"
                func write(_ keys: [(String, P256.Signing.PrivateKey)]) throws {
                    let members = keys.map { id, key in
                        let point = key.publicKey.x963Representation
                        let (x, y) = (Array(point.dropFirst().prefix(32)), Array(point.suffix(32)))
                        return
                            #"{"kty":"EC","crv":"P-256","kid":"\#(id)","x":"\#(Base64URL.encode(x))","y":"\#(Base64URL.encode(y))"}"#
                    }
                    try #"{"keys":[\#(members.joined(separator: ","))]}"#.write(
                        toFile: path, atomically: true, encoding: .utf8)
                }
                func token(_ id: String, _ key: P256.Signing.PrivateKey) throws -> String {
                    let exp = Int(Date().timeIntervalSince1970) + 60
                    let claims =
                        #"{"iss":"i","aud":"rejoin","sub":"ana","tenant":"acme","device":"ipad","exp":\#(exp)}"#
                    let signed =
                        Base64URL.encode(Array(#"{"alg":"ES256","kid":"\#(id)"}"#.utf8)) + "."
                        + Base64URL.encode(Array(claims.utf8))
                    return signed + "."
                        + Base64URL.encode(Array(try key.signature(for: Data(signed.utf8)).rawRepresentation))
                }
                try write([("old", old)])
                let arguments = ["--jwks", path, "--issuer", "i", "--audience", "rejoin"]
                try await withServer(data: directory + "/data", arguments) { server in
                    let withOld = Caller(address: server.address, token: try token("old", old))
                    let withNew = Caller(address: server.address, token: try token("new", new))
                    #expect(try await withOld.get("/v1/session").status == 200)
                    try write([("old", old), ("new", new)])
                    #expect(try await withNew.get("/v1/session").status == 200)
                    // A key that was taken away is not asked for by any name that is unknown.
                    try write([("new", new)])
                    server.process.send(SIGHUP)
                    #expect(try await eventually { try await withOld.get("/v1/session").status == 401 })
                    #expect(try await withNew.get("/v1/session").status == 200)
                    #expect(await server.stop() == .code(0))
                }
            }
        }

        @Test("a server with another key than the others on its database does not start, until it is adopted")
        func adoptedKey()
            async throws
        {
            try await withTemporaryDirectory { directory in
                let database = try await PostgreSQLCluster.shared().makeDatabase()
                let migrated = try await runRejoin(
                    "migrate", "--database", database.ownerConninfo, "--grant-to",
                    PostgreSQLCluster.serverRole,
                    "--data", directory)
                try #require(migrated.exit == .code(0), "\(migrated.errors)")
                let arguments = ["--database", database.serverConninfo]
                let (one, two) = (directory + "/one", directory + "/two")
                try await withServer(data: one, arguments) { server in
                    let device = try await minted(server, "--device", "ipad")
                    let cursor = try #require(try await device.get("/v1/changes").json["cursor"]?.text)
                    let refused = try await runRejoin(["serve", "--port", "0", "--data", two] + arguments)
                    #expect(refused.exit == .code(2))
                    #expect(
                        refused.errors.contains("--signing-key") && refused.errors.contains("--adopt-key"))
                    // With the other's key it takes what the other gave out.
                    let shared = arguments + ["--signing-key", one + "/signing.key"]
                    try await withServer(data: two, shared) { second in
                        let there = Caller(address: second.address, token: device.token)
                        let status = try await there.get("/v1/changes?since=\(cursor)").status
                        #expect(status == 200)
                    }
                    let adopted = try await runRejoin(["migrate", "--adopt-key", "--data", two] + arguments)
                    #expect(adopted.exit == .code(0), "\(adopted.errors)")
                    try await withServer(data: two, arguments) { second in
                        let there = try await minted(second, "--device", "ipad")
                        #expect(try await there.get("/v1/session").status == 200)
                    }
                }
                let gone = try await runRejoin(
                    ["serve", "--port", "0", "--data", two, "--signing-key", directory + "/none"] + arguments)
                #expect(gone.exit == .code(2) && gone.errors.contains(directory + "/none"))
                try await database.drop()
            }
        }
    }
}
