import Crypto
import Foundation
import PostgreSQLCluster
import RejoinProcesses
import SyncWire
import Testing

extension ProcessTests {
    /// Who belongs to a tenant, said by commands beside running servers.
    @Suite("rejoin tenant and rejoin member")
    struct MemberCommandTests {
        private let key = P256.Signing.PrivateKey()

        private func write(_ directory: String) throws -> String {
            let point = key.publicKey.x963Representation
            let (x, y) = (Array(point.dropFirst().prefix(32)), Array(point.suffix(32)))
            try
                #"{"keys":[{"kty":"EC","crv":"P-256","kid":"k","x":"\#(Base64URL.encode(x))","y":"\#(Base64URL.encode(y))"}]}"#
                .write(toFile: directory + "/keys.json", atomically: true, encoding: .utf8)
            let settings = directory + "/settings.yaml"
            try """
            auth:
              issuers:
                - issuer: https://accounts.example
                  audience: shop
                  members: true
                  keys: {file: \(directory)/keys.json}
            """.write(toFile: settings, atomically: true, encoding: .utf8)
            return settings
        }

        private func token(_ user: String) throws -> String {
            let expiry = Int(Date().timeIntervalSince1970) + 600
            let claims =
                #"{"iss":"https://accounts.example","aud":"shop","sub":"\#(user)","exp":\#(expiry),"roles":["admin"]}"#
            let signed = [#"{"alg":"ES256","kid":"k"}"#, claims].map { Base64URL.encode(Array($0.utf8)) }
                .joined(separator: ".")
            let signature = try key.signature(for: Data(signed.utf8)).rawRepresentation
            return signed + "." + Base64URL.encode(Array(signature))
        }

        /// - Parameters:
        ///   - place: the options that say where the data is.
        ///   - serving: the options of the server.
        private func tell(_ place: [String], _ serving: [String], data: String) async throws {
            func run(_ arguments: String...) async throws -> CommandResult { try await runRejoin(arguments + place) }
            try await withServer(data: data, serving) { server in
                let ana = Caller(address: server.address, token: try token("ana"))
                #expect(try await ana.get("/v1/session").status == 403)
                // A name that was misspelt makes no tenant.
                let early = try await run("member", "add", "ana", "--tenant", "acme")
                #expect(early.exit == .code(1) && early.errors.contains("no tenant 'acme'"), "\(early)")
                for words in ["the tenant 'acme' is there\n", "the tenant 'acme' was there before\n"] {
                    #expect(try await run("tenant", "add", "acme").output == words)
                }
                #expect(
                    try await run("member", "add", "ana", "--tenant", "acme", "--role", "reviewer", "--role", "device")
                        .output
                        == "'ana' is a member of 'acme': device reviewer\n")
                // No claim adds a role.
                let session = try await ana.get("/v1/session").json
                #expect(session["tenant"]?.text == "acme")
                #expect(session["roles"]?.elements.compactMap(\.text) == ["device", "reviewer"])
                #expect(try await ana.get("/v1/conflicts").status == 200)
                #expect(try await run("member", "list", "--tenant", "acme").output == "ana  device reviewer\n")
                #expect(try await run("tenant", "list").output == "acme\n")
                #expect(
                    try await run("member", "add", "ana", "--tenant", "acme").output
                        == "'ana' is a member of 'acme': device\n")
                #expect(try await eventually { try await ana.get("/v1/conflicts").status == 403 })
                #expect(
                    try await run("member", "remove", "ana", "--tenant", "acme").output
                        == "'ana' is no member of 'acme' any more\n")
                #expect(try await eventually { try await ana.get("/v1/session").status == 403 })
                #expect(try await run("member", "remove", "ana", "--tenant", "acme").exit == .code(1))
                #expect(try await run("member", "add", "ana", "--tenant", "acme", "--role", "boss").exit == .code(2))
                #expect(try await run("member", "add", "", "--tenant", "acme").exit == .code(2))
                let ended = try await run("sessions", "end", "--tenant", "acme", "--everybody")
                #expect(ended.exit == .code(0), "\(ended.errors)")
                let log = try await run("tenant", "log", "--tenant", "acme").output.split(separator: "\n")
                let acts = log.map { $0.split(separator: "  ").dropFirst().joined(separator: "|") }
                #expect(
                    acts == [
                        "(command)|sessions ended|(all)", "(command)|member removed|ana",
                        "(command)|member set|ana|device", "(command)|member set|ana|device reviewer",
                        "(command)|tenant added|(all)",
                    ])
                #expect(await server.stop() == .code(0))
            }
        }

        @Test("who belongs to a tenant is said beside a running server, and what was done is told")
        func besideServer() async throws {
            try await withTemporaryDirectory { directory in
                let data = directory + "/data"
                try await tell(["--data", data], ["--config", try write(directory)], data: data)
            }
        }

        @Test("the same on PostgreSQL, as the server's role")
        func onPostgreSQL() async throws {
            try await withTemporaryDirectory { directory in
                let database = try await PostgreSQLCluster.shared().makeDatabase()
                let migrated = try await runRejoin(
                    "migrate", "--database", database.ownerConninfo, "--grant-to", PostgreSQLCluster.serverRole)
                try #require(migrated.exit == .code(0), "\(migrated.errors)")
                let place = ["--database", database.serverConninfo]
                try await tell(place, ["--config", try write(directory)] + place, data: directory + "/data")
            }
        }
    }
}
