import Causality
import EngineHarness
import Foundation
import GRDB
import MergeCore
import SQLiteStorage
import SyncStorage
import SyncWire
import Synchronization
import Testing
import Values

@testable import DeviceReplica

/// A server that was set back by a backup: what at least one device had acknowledged is there again afterwards.
@Suite("a restored server")
struct RestoredServerTests {
    /// Runs the body against a server on a file.
    private func withFile(
        _ path: String, time: TestClock, _ body: @escaping @Sendable (TestServer) async throws -> Void
    ) async throws {
        let store = try SQLiteStore.open(at: path)
        do {
            try await TestServer.run(on: store, time: time, body)
        } catch {
            await store.close()
            throw error
        }
        await store.close()
    }

    /// Whether an operator says that the data was set back.
    enum Telling: CaseIterable {
        case newLineage, nothing
    }

    /// Sets a database back to a copy, as an operator does.
    private func restore(_ path: String, from copy: String, _ telling: Telling) throws {
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
        try FileManager.default.copyItem(atPath: copy, toPath: path)
        guard telling == .newLineage else { return }
        let lineage = "0123456789abcdef0123456789abcdef"
        let database = try DatabaseQueue(path: path)
        try database.write { try $0.execute(sql: "UPDATE store SET lineage = ?", arguments: [lineage]) }
        try database.close()
    }

    @Test("the devices bring back together what the backup did not have", arguments: Telling.allCases)
    func reoffering(telling: Telling) async throws {
        try await withDirectory { directory in
            let time = TestClock()
            let (path, copy) = (directory.path + "/data.sqlite", directory.path + "/backup.sqlite")
            let folder = directory
            try await withFile(path, time: time) { server in
                let ipad = try TestDevice("ipad", on: server, in: folder)
                let mac = try TestDevice("mac", on: server, in: folder)
                try await ipad.client.write { edit in
                    try edit.create("estimates", "e", ["title": "before", "tags": ["$add": ["old"]]])
                    try edit.create("notes", "gone", ["text": "deleted later"])
                }
                try await ipad.sync()
                try await mac.sync()
                let source = try DatabaseQueue(path: path)
                try await source.backup(to: DatabaseQueue(path: copy))
                // What the backup does not have.
                time.advance(milliseconds: 1_000)
                try await ipad.client.write { edit in
                    try edit.update("estimates", "e", ["title": "after", "best": 9])
                    try edit.increment("estimates", "e", "visits", by: 3)
                    try edit.create("notes", "late", ["text": "made after the backup"])
                    try edit.delete("notes", "gone")
                }
                try await ipad.sync()
                try await mac.sync()
                try await mac.client.write { edit in
                    try edit.increment("estimates", "e", "visits", by: 4)
                    try edit.add(["new"], to: "tags", of: "estimates", "e")
                }
                try await mac.sync()
                try await ipad.sync()
                // And one edit that is pending when it happens.
                try await ipad.client.write { try $0.update("notes", "late", ["pending": true]) }
            }
            try restore(path, from: copy, telling)
            try await withFile(path, time: time) { server in
                // Somebody who comes first writes what the others knew otherwise.
                let phone = try TestDevice("phone", on: server, in: folder)
                try await phone.sync()
                try await phone.client.write { try $0.update("estimates", "e", ["title": "of the phone"]) }
                try await phone.sync()
                // The feed grows past where the others were: no sequence tells them anything.
                for number in 0..<10 {
                    try await phone.client.write {
                        try $0.create("notes", ExactString("new-\(number)"), ["text": "new"])
                    }
                    try await phone.sync()
                }
                let ipad = try TestDevice("ipad", on: server, in: folder)
                let mac = try TestDevice("mac", on: server, in: folder)
                for device in [ipad, mac, ipad, mac, phone] { try await device.sync() }
                let estimate = try #require(try await server.record("estimates", "e")).fieldValues()
                #expect(estimate["visits"] == 7)
                #expect(estimate["best"] == 9)
                #expect(estimate["tags"] == ["new", "old"])
                let texts = try await server.conflicts().flatMap { $0.sides.map(\.value) }
                let all = texts + [estimate["title"]?.canonicalText ?? ""]
                #expect(all.contains(#""after""#) && all.contains(#""of the phone""#), "\(all)")
                #expect(
                    try await server.record("notes", "late")?.fields
                        == #"{"pending":true,"text":"made after the backup"}"#)
                #expect(try await server.record("notes", "gone")?.isDeleted == true)
                for device in [ipad, mac, phone] {
                    #expect(try await device.client.record("estimates", "e")?.fields == estimate)
                    #expect(try await device.client.parked().isEmpty)
                    #expect(try await device.client.pending().isEmpty)
                }
                #expect(
                    try await ipad.client.device() != "ipad", "its events of the other life must not be given again")
            }
        }
    }

    @Test("what was acknowledged while the app refused the record is there again, once", arguments: Telling.allCases)
    func setAsideMeanwhile(telling: Telling) async throws {
        try await withDirectory { directory in
            let time = TestClock()
            let (path, copy) = (directory.path + "/data.sqlite", directory.path + "/backup.sqlite")
            let folder = directory
            let refuses = Mutex(false)
            let configure: @Sendable (inout ClientOptions) -> Void = { options in
                options.applying = { _, _ in if refuses.withLock({ $0 }) { throw Unexpected("no room") } }
            }
            try await withFile(path, time: time) { server in
                let ipad = try TestDevice("ipad", on: server, in: folder, configure: configure)
                try await ipad.client.write { try $0.create("estimates", "e", ["title": "before"]) }
                try await ipad.sync()
                try DatabaseQueue(path: path).backup(to: DatabaseQueue(path: copy))
                refuses.withLock { $0 = true }
                try await ipad.client.write { edit in
                    try edit.increment("estimates", "e", "visits")
                    try edit.create("estimates", "late", ["title": "made after the backup"])
                }
                try await ipad.sync()
                #expect(try await ipad.client.pending().isEmpty)
            }
            try restore(path, from: copy, telling)
            refuses.withLock { $0 = false }
            try await withFile(path, time: time) { server in
                let ipad = try TestDevice("ipad", on: server, in: folder, configure: configure)
                try await ipad.sync()
                #expect(try await server.record("estimates", "e")?.fields.contains("\"visits\":1") == true)
                #expect(try await server.record("estimates", "late") != nil)
                #expect(try await ipad.client.record("estimates", "e")?["visits"] == 1)
                #expect(try await ipad.client.pending().isEmpty)
                #expect(try await ipad.client.parked().isEmpty)
                #expect(try await ipad.client.device() != "ipad")
            }
        }
    }

    @Test("a cursor below the purge floor pulls everything anew beside what is here, and what is pending stays")
    func expired() async throws {
        try await withDirectory { directory in
            try await TestServer.run { server in
                let ipad = try TestDevice("ipad", on: server, in: directory)
                for id: ExactString in ["a", "b"] {
                    try await ipad.client.write { try $0.create("notes", id, ["text": .string(id)]) }
                }
                try await ipad.sync()
                try await ipad.client.write { try $0.update("notes", "a", ["text": "pending"]) }
                try await ipad.client.replica.write { transaction in
                    try transaction.run(
                        "UPDATE main.rejoin_feeds SET cursor = 'no cursor of this server'")
                }
                try await ipad.client.replica.write { transaction in
                    try transaction.run(
                        "INSERT INTO main.rejoin_records SELECT collection, 'purged', clock, fields, siblings, deleted, stamp, sequence, open_conflicts FROM main.rejoin_records WHERE id = 'b'"
                    )
                }
                try await ipad.sync()
                #expect(try await ipad.client.records("notes").map(\.key.id) == ["a", "b"])
                #expect(try await server.record("notes", "a")?.fields == #"{"text":"pending"}"#)
                #expect(try await ipad.client.device() == "ipad")
            }
        }
    }
}
