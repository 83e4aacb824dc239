import EngineHarness
import Foundation
import GRDB
import MergeCore
import SQLiteStorage
import SyncStorage
import Testing
import Values

@Suite("data that was set back")
struct SetBackTests {
    private func serving<Answer: Sendable>(
        _ path: String, _ body: @escaping @Sendable (TestServer) async throws -> Answer
    ) async throws -> Answer {
        let store = try SQLiteStore.open(at: path)
        do {
            let answer = try await TestServer.run(on: GatedStore(base: store)) { try await body($0) }
            await store.close()
            return answer
        } catch {
            await store.close()
            throw error
        }
    }

    @Test("edge 36: a file that was put back asks those for a resync who have seen what it lost, and nobody else")
    func filePutBack() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "rejoin-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let (path, copy) = (directory.path + "/data.sqlite", directory.path + "/copy.sqlite")
        let (early, late) = try await serving(path) { server in
            let mac = try await server.device("mac")
            _ = try await mac.send(mac.creating("n", ["v": 1]))
            let early = try await mac.get("/v1/changes")["cursor"]?.text ?? ""
            let database = try DatabaseQueue(path: path)
            try await database.writeWithoutTransaction { try $0.execute(sql: "VACUUM INTO ?", arguments: [copy]) }
            try database.close()
            _ = try await mac.send(.update("n", ["mac": 2], ["v": 2]))
            return (early, try await mac.get("/v1/changes")["cursor"]?.text ?? "")
        }
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
        try FileManager.default.moveItem(atPath: copy, toPath: path)
        try await serving(path) { server in
            let ipad = try await server.device("ipad")
            for number in 0..<5 {
                _ = try await ipad.send(ipad.creating("m\(number)", ["v": 1]))
            }
            let mac = try await server.device("mac")
            let page = try await mac.get("/v1/changes?since=\(early)")
            #expect(page["changes"]?.elements.count == 5)
            let lost = try await mac.get("/v1/changes?since=\(late)")
            #expect(lost.status == 410 && lost.code == "resync_required" && lost["reason"] == "lineage", "\(lost)")
            // The same wherever a cursor goes.
            let waiting = try await mac.get("/v1/changes?wait=5&since=\(late)")
            #expect(waiting.code == "resync_required")
            let stream = try await mac.get("/v1/changes/stream?since=\(late)")
            #expect(stream.code == "resync_required")
            let anybody = try await server.device("anybody")
            let asking = TestPerson(server: server, token: anybody.token)
            let query = try await asking.send(.post, "/v1/changes/query", json: #"{"since":"\#(late)"}"#)
            #expect(query.code == "resync_required")
            #expect(try await mac.send(.update("n", ["mac": 2], ["v": 2])).outcomes == ["applied"])
        }
    }
}
