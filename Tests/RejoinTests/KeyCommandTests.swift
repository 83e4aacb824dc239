import Foundation
import RejoinProcesses
import SyncHTTP
import Testing

@testable import rejoin

extension ProcessTests {
    /// The server's own keys, beside a running server.
    @Suite("keys of one's own")
    struct KeyCommandTests {
        private func output(_ arguments: String..., data: String) async throws -> String {
            let result = try await runRejoin(arguments + ["--data", data])
            try #require(result.exit == .code(0), "\(result.errors)")
            return result.output.trimmingCharacters(in: .newlines)
        }

        private func token(data: String) async throws -> String {
            try await output("token", "--tenant", "acme", "--role", "admin", data: data)
        }

        private func status(_ server: ServerProcess, _ token: String) async throws -> Int {
            try await Caller(address: server.address, token: token).get("/v1/session").status
        }

        @Test("a new one signs at once, and what earlier ones signed is good until they are dropped")
        func rotation() async throws {
            try await withFreshServer { server in
                let old = try await token(data: server.data)
                let name = try await output("key", "rotate", data: server.data)
                #expect(try await output("key", "list", data: server.data) == "first\n\(name)")
                let new = try await token(data: server.data)
                #expect(new.split(separator: ".").first != old.split(separator: ".").first)
                // Nobody told the server: the token's name for its key does.
                #expect(try await status(server, new) == 200)
                #expect(try await status(server, old) == 200)

                _ = try await output("key", "drop", "first", data: server.data)
                #expect(try await output("key", data: server.data) == name)
                server.process.send(SIGHUP)
                #expect(try await eventually { try await status(server, old) == 401 })
                #expect(try await status(server, new) == 200)
                let file = server.data + "/signing.key"
                let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? NSNumber
                #expect(mode?.intValue == 0o600)
                #expect(
                    try FileManager.default.contentsOfDirectory(atPath: server.data).contains { $0.hasSuffix(".new") }
                        == false)
                // It starts with them again, and cookies and cursors come from the same key as ever.
                #expect(await server.stop() == .code(0))
                try await withServer(data: server.data) { again in
                    let (after, before) = (try await status(again, new), try await status(again, old))
                    #expect(after == 200 && before == 401)
                    #expect(!again.process.errors.text.contains("signing key was changed"))
                }
            }
        }

        @Test("the one that signs is not dropped, nor one that is not there, and who was interrupted is told")
        func refusals() async throws {
            try await withFreshServer { server in
                for (arguments, code, word) in [
                    (["drop", "first"], 2, "the key that signs"), (["drop", "none"], 1, "no key 'none'"),
                ] as [([String], Int32, String)] {
                    let result = try await runRejoin(["key"] + arguments + ["--data", server.data])
                    #expect(result.exit == .code(code) && result.errors.contains(word), "\(result)")
                }
                try "".write(toFile: server.data + "/signing.key.new", atomically: true, encoding: .utf8)
                let result = try await runRejoin("key", "rotate", "--data", server.data)
                #expect(result.exit == .code(2) && result.errors.contains("signing.key.new is there"), "\(result)")
                #expect(try await output("key", "list", data: server.data) == "first")
            }
        }
    }
}

@Suite("the file of one's own keys")
struct OwnKeysTests {
    private let key = Data(repeating: 1, count: 32).base64EncodedString()

    @Test("is what it was written as, whatever was done to it")
    func roundTrip() throws {
        var keys = try #require(OwnKeys(key + "\n"))
        #expect(keys.signing == NamedSecret(nil, keys.first) && keys.names == ["first"])
        for number in 1..<OwnKeys.maximumCount {
            try keys.rotate(to: NamedSecret("k\(number)", [UInt8](repeating: UInt8(number), count: 32)))
            #expect(OwnKeys(keys.text) == keys && keys.signing.id == "k\(number)")
        }
        #expect(throws: CommandFailure.self) { try keys.rotate(to: NamedSecret("more", keys.first)) }
        try keys.drop("first")
        try keys.drop("k3")
        #expect(OwnKeys(keys.text) == keys && keys.names.count == OwnKeys.maximumCount - 2)
        #expect(keys.tokenKey == .secrets(keys.named))
    }

    @Test("is refused where a line is none")
    func refused() {
        for text in [
            "", "\n", "x", String(key.dropLast(8)), key + " tokens", key + " no-tokens", key + "\nk1", key + "\n\(key)",
            key + "\nk1 \(key) more", key + "\nk1 \(key)\nk1 \(key)", key + "\nk1 x",
            ([key] + (1...OwnKeys.maximumCount).map { "k\($0) \(key)" }).joined(separator: "\n"),
        ] {
            #expect(OwnKeys(text) == nil, "\(text)")
        }
        #expect(OwnKeys(key + " no-tokens\nk1 \(key)")?.names == ["k1"])
    }
}
