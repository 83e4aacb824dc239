import Foundation
import RejoinProcesses
import Testing

@testable import rejoin

extension ProcessTests {
    /// What a server makes on its first start.
    @Suite("the data directory")
    struct DataDirectoryTests {
        private func mode(_ path: String) throws -> Int {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            return try #require(attributes[.posixPermissions] as? NSNumber).intValue
        }

        @Test("the data is the server's alone, and a restart keeps the key")
        func privateData() async throws {
            try await withTemporaryDirectory { directory in
                let data = directory + "/deep/data"
                try await withServer(data: data) { _ in }
                #expect(try mode(data) == 0o700)
                #expect(try mode(data + "/signing.key") == 0o600)
                let key = try DataDirectory(path: data).secret()
                #expect(key.count == 32)
                try await withServer(data: data) { _ in }
                #expect(try DataDirectory(path: data).secret() == key)
                #expect(try files(in: data).filter { $0.hasPrefix("signing.key") } == ["signing.key"])
            }
        }

        @Test("of two servers that start at once on nothing one wins, and the key is one")
        func startAtOnce() async throws {
            for _ in 0..<5 {
                try await withTemporaryDirectory { directory in
                    let data = directory + "/data"
                    async let one = LaunchedProcess(["serve", "--data", data, "--port", "0"])
                    async let other = LaunchedProcess(["serve", "--data", data, "--port", "0"])
                    let processes = [try await one, try await other]
                    async let left = processes[0].output.firstLine()
                    async let right = processes[1].output.firstLine()
                    // The one that loses ends its output; the one that wins announces itself.
                    let lines = [await left, await right]
                    let winner = try #require(lines.firstIndex { $0 != nil })
                    #expect(lines[1 - winner] == nil)
                    #expect(await processes[1 - winner].exit == .code(2))
                    let errors = await processes[1 - winner].errors.whole()
                    #expect(errors.split(separator: "\n").count == 1, "\(errors)")
                    #expect(errors.contains("already open in another server"), "\(errors)")

                    let address = try #require(lines[winner]?.split(separator: " ").first { $0.hasPrefix("http://") })
                    let caller = try await Caller(
                        data: data, address: String(address.dropLast()), tenant: "t", device: "d", roles: [])
                    #expect(try await caller.get("/v1/session").status == 200, "the key on disk is the server's")
                    #expect(try files(in: data).filter { $0.hasPrefix("signing.key") } == ["signing.key"])
                    processes[winner].send(SIGTERM)
                    #expect(await processes[winner].exit == .code(0))
                }
            }
        }
    }
}
