import Foundation
import MergeCore
import RejoinProcesses
import StrictJSON
import SyncWire
import Testing
import Values

extension ProcessTests {
    /// `rejoin token` with the key of a server.
    @Suite("rejoin token")
    struct TokenCommandTests {
        private func payload(_ token: Substring) throws -> Value {
            let parts = token.split(separator: ".")
            try #require(parts.count == 3, "\(token)")
            var text = parts[1].replacing("-", with: "+").replacing("_", with: "/")
            while text.count % 4 != 0 { text += "=" }
            let bytes = try #require(Data(base64Encoded: String(text)))
            return try Value(json: String(decoding: bytes, as: UTF8.self))
        }

        @Test("a token is printed alone and works")
        func printed() async throws {
            try await withFreshServer { server in
                let minted = try await runRejoin(
                    "token", "--tenant", "acme", "--device", "ipad", "--user", "ana", "--data", server.data)
                #expect(minted.exit == .code(0) && minted.errors == "")
                #expect(minted.output.hasSuffix("\n"))
                let token = try #require(minted.output.split(separator: "\n").first)
                #expect(minted.output == token + "\n")
                let session = try await Caller(address: server.address, token: String(token)).get("/v1/session")
                #expect(session.status == 200)
                let answer = try session.json
                #expect(answer["tenant"] == "acme" && answer["user"] == "ana" && answer["device"] == "ipad")
                #expect(answer["roles"] == ["device"])

                let roles = try await runRejoin(
                    "token", "--tenant", "acme", "--role", "reviewer", "--role", "admin", "--data", server.data)
                let reviewer = Caller(address: server.address, token: roles.output.trimmingCharacters(in: .newlines))
                #expect(try await reviewer.get("/v1/session").json["roles"] == ["admin", "reviewer"])
                #expect(try await reviewer.get("/v1/devices").status == 200)
            }
        }

        @Test(
            "a token ends when it was told to",
            arguments: [("1s", 1.0), ("5m", 300), ("2h", 7_200), ("30d", 2_592_000)])
        func validity(_ expires: String, _ seconds: Double) async throws {
            try await withFreshServer { server in
                let began = Date().timeIntervalSince1970
                let minted = try await runRejoin(
                    "token", "--tenant", "t", "--device", "d", "--expires", expires, "--data", server.data)
                let ended = Date().timeIntervalSince1970
                let token = try #require(minted.output.split(separator: "\n").first)
                let exp = Double(try #require(try payload(token)["exp"]?.integer))
                // Whole seconds, rounded.
                #expect(exp >= began + seconds - 0.5 && exp <= ended + seconds + 0.5)
            }
        }

        @Test("a token that has ended is refused")
        func ended() async throws {
            try await withFreshServer { server in
                let minted = try await runRejoin(
                    "token", "--tenant", "t", "--device", "d", "--expires", "1s", "--data", server.data)
                let caller = Caller(address: server.address, token: minted.output.trimmingCharacters(in: .newlines))
                let isRefused = try await eventually { try await caller.get("/v1/session").status == 401 }
                #expect(isRefused)
                #expect(try await caller.get("/v1/session").json["code"] == "token_expired")
            }
        }

        @Test(
            "a token that the server would not take is not minted",
            arguments: [
                (["--tenant", "t"], "--device"), (["--tenant", "t", "--role", "king"], "king"),
                (["--tenant", "t", "--role", "device"], "device"), (["--device", "d"], "--tenant"),
                (["--tenant", "t", "--device", "reviewer:ana"], "reviewer:"),
                (["--tenant", "t", "--device", ""], "--device"),
                (["--tenant", "t", "--device", "d\u{1B}"], "--device"),
                (["--tenant", "t", "--device", String(repeating: "x", count: 129)], "128"),
                (["--tenant", "", "--device", "d"], "--tenant"),
                (["--tenant", "t", "--device", "d", "--user", ""], "--user"),
                (["--tenant", "t", "--device", "d", "--expires", "soon"], "soon"),
                (["--tenant", "t", "--device", "d", "--expires", "0s"], "0s"),
                (["--tenant", "t", "--device", "d", "--expires", "30"], "30"),
            ])
        func unacceptable(_ arguments: [String], _ word: String) async throws {
            try await withFreshServer { server in
                let result = try await runRejoin(["token"] + arguments + ["--data", server.data])
                #expect(result.exit == .code(2) && result.output == "", "\(result)")
                #expect(result.complaints.count == 1 && result.errors.contains(word), "\(result.errors)")
            }
        }

        @Test("without a server's key no token is minted")
        func withoutKey() async throws {
            try await withTemporaryDirectory { directory in
                let data = directory + "/data"
                let missing = try await runRejoin("token", "--tenant", "t", "--device", "d", "--data", data)
                #expect(missing.exit == .code(2) && missing.output == "" && missing.complaints.count == 1)
                #expect(missing.errors.contains(data + "/signing.key"))
                try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
                for text in ["", "short", Data(repeating: 7, count: 31).base64EncodedString()] {
                    try text.write(toFile: data + "/signing.key", atomically: true, encoding: .utf8)
                    let bad = try await runRejoin("token", "--tenant", "t", "--device", "d", "--data", data)
                    #expect(bad.exit == .code(2) && bad.output == "" && bad.complaints.count == 1, "\(bad)")
                }
            }
        }
    }
}
