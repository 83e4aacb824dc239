import Causality
import Foundation
import MergeCore
import PostgreSQLCluster
import RejoinProcesses
import Testing
import Values

extension ProcessTests {
    /// Small legal batches that once took gigabytes. Bounds are work: peak memory of the process, bytes of answers, bytes written.
    @Suite("batches that cost much")
    struct CostlyBatchTests {
        enum Engine: String, CaseIterable, Sendable { case sqlite, postgresql }

        private func withServer(_ engine: Engine, _ body: @Sendable (ServerProcess) async throws -> Void) async throws {
            switch engine {
            case .sqlite: try await withServer([], body)
            case .postgresql:
                let database = try await PostgreSQLCluster.shared().makeDatabase()
                try await withServer(["--database", database.ownerConninfo], body)
                try await database.drop()
            }
        }

        private func withServer(
            _ arguments: [String], _ body: @Sendable (ServerProcess) async throws -> Void
        ) async throws {
            try await withTemporaryDirectory { directory in
                let server = try await ServerProcess.start(data: directory + "/data", arguments)
                defer { server.process.send(SIGKILL) }
                try await body(server)
                #expect(try await server.caller().get("/readyz").status == 200)
                #expect(try server.peakMemoryMiB < 512)
            }
        }

        /// One record of 900 kB and a thousand small edits of it, of twelve tenants at once: 11.7 GiB before.
        @Test("edits of a large record cost the record once, for twelve tenants at once", arguments: Engine.allCases)
        func largeRecord(_ engine: Engine) async throws {
            try await withServer(engine) { server in
                let text = Value.string(ExactString(String(repeating: "n", count: 900_000)))
                let edits = batchBody(
                    (Int64(2)...1_000).map {
                        operation(.update, "notes", "n", id: "e\($0)", clock: ["a": $0], fields: [("v", .integer($0))])
                    })
                let created = batchBody([operation(.create, "notes", "n", clock: ["a": 1], fields: [("text", text)])])
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<12 {
                        group.addTask {
                            let device = try await server.caller(tenant: "tenant-\(number)", device: "a")
                            #expect(try await device.post(batch: created, key: "c").status == 200)
                            let answer = try await device.post(batch: edits, key: "e")
                            #expect(answer.status == 200)
                            #expect(answer.body.count < 900_000 + 999 * 200)
                            #expect(try await device.get("/v1/records/notes/n").json["fields"]?["v"] == 1_000)
                        }
                    }
                    try await group.waitForAll()
                }
                // What was sent, and the row of the record for the create and for the edits; answers count as written too.
                let sent = 12 * (edits.count + created.count)
                let written = try server.bytesWritten
                #expect(written < 20 * sent, "\(written) bytes written for \(sent) sent")
            }
        }

        /// A hundred adds to a set of nine thousand took 2.2 s before, and wrote the set into each result.
        @Test("adding to a large set costs what is added")
        func largeSet() async throws {
            try await withTemporaryDirectory { directory in
                let file = directory + "/collections.yaml"
                try "collections: {lists: {fields: {tags: {type: set, merge: set}}}}".write(
                    toFile: file, atomically: true, encoding: .utf8)
                try await withServer(["--collections", file]) { server in
                    let device = try await server.caller(device: "a")
                    let nine = Value.array((0..<9_000).map { .string(ExactString("element \($0)")) })
                    let created = batchBody([
                        operation(.create, "lists", "l", clock: ["a": 1], fields: [("tags", ["$add": nine])])
                    ])
                    #expect(try await device.post(batch: created, key: "c").status == 200)
                    let adds = batchBody(
                        (Int64(2)...101).map {
                            operation(
                                .update, "lists", "l", id: "e\($0)", clock: ["a": $0],
                                fields: [("tags", ["$add": [.string(ExactString("new \($0)"))]])])
                        })
                    let answer = try await device.post(batch: adds, key: "a")
                    #expect(answer.status == 200)
                    #expect(answer.body.count < 2 * created.count + 100 * 200)
                    #expect(
                        try await device.get("/v1/records/lists/l").json["fields"]?["tags"]?.elements.count == 9_100)
                }
            }
        }
    }
}

extension ServerProcess {
    /// Bytes that the process gave to the kernel, in files and sockets (`wchar` of proc(5)).
    fileprivate var bytesWritten: Int {
        get throws {
            let io = try String(contentsOfFile: "/proc/\(process.id)/io", encoding: .utf8)
            let line = io.split(separator: "\n").first { $0.hasPrefix("wchar:") }
            return line?.split(separator: " ").last.flatMap { Int($0) } ?? 0
        }
    }
}
