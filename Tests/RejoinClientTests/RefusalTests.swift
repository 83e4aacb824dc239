import Causality
import EngineHarness
import Foundation
import MergeCore
import SyncEngine
import SyncStorage
import SyncWire
import Synchronization
import Testing
import Values

@testable import DeviceReplica

/// Refusals: what is at fault is parked with its reason, everything else arrives, and nothing is lost.
@Suite("refusals")
struct RefusalTests {
    /// Runs the body with two devices that have synced a record of `notes` and one of `estimates`.
    private func withDevices(
        limits: EngineLimits = EngineLimits(),
        _ body: @escaping @Sendable (TestServer, _ ipad: TestDevice, _ mac: TestDevice) async throws -> Void
    ) async throws {
        try await withDirectory { directory in
            try await TestServer.run(limits: limits) { server in
                let ipad = try TestDevice("ipad", on: server, in: directory)
                let mac = try TestDevice("mac", on: server, in: directory)
                try await ipad.client.write { edit in
                    try edit.create("notes", "n", ["text": "first"])
                    try edit.create("estimates", "e", ["title": "t", "number": "1"])
                }
                try await ipad.sync()
                try await mac.sync()
                try await body(server, ipad, mac)
            }
        }
    }

    private static let mistakes: [@Sendable (EditTransaction) throws -> Void] = [
        { try $0.create("nowhere", "x", [:]) },
        { try $0.create("estimates", "f", ["number": "2"]) },
        { try $0.update("estimates", "e", ["visits": 3]) },
        { try $0.update("notes", "none", ["text": 1]) },
        { try $0.create("notes", "n", [:]) },
        { try $0.restore("notes", "n") },
        { try $0.update("estimates", "e", ["wrong": 1]) },
    ]

    @Test("a mistake is told where it is made, and nothing of the transaction is kept")
    func toldAtOnce() async throws {
        try await withDevices { (_: TestServer, ipad: TestDevice, _: TestDevice) async throws -> Void in
            await #expect(throws: EditRefusal.self) {
                try await ipad.client.write { edit in
                    try edit.update("notes", "n", ["text": "of the same transaction"])
                    try edit.update("estimates", "e", ["title": 7])
                }
            }
            #expect(try await ipad.client.record("notes", "n")?["text"] == "first")
            for wrong in Self.mistakes {
                await #expect(throws: EditRefusal.self) { try await ipad.client.write { try wrong($0) } }
            }
            #expect(try await ipad.client.pending().isEmpty)
        }
    }

    @Test(
        "an edit that the server refuses is parked with reason, content and the record that it met, and can be retried")
    func parked() async throws {
        try await withDevices { server, ipad, _ in
            let id = try await ipad.client.write { try $0.update("estimates", "e", ["number": "2"]) }
            try await ipad.client.write { try $0.update("notes", "n", ["text": "second"]) }
            try await ipad.sync()
            let parked = try await ipad.client.parked()
            #expect(parked.map(\.id) == [id])
            #expect(parked.first?.code == "field_immutable")
            #expect(parked.first?.pointer == "/fields/number")
            #expect(parked.first?.fields["number"] == "2")
            #expect(parked.first?.met?["number"] == "1")
            #expect(try await ipad.client.record("estimates", "e")?["number"] == "1")
            #expect(try await server.record("notes", "n")?.fields == #"{"text":"second"}"#)
            #expect(try await ipad.client.metrics().parked == 1)
            try await ipad.client.retry(id, fields: ["title": "instead"])
            try await ipad.sync()
            #expect(try await ipad.client.parked().isEmpty)
            #expect(try await server.record("estimates", "e")?.fields.contains("instead") == true)
        }
    }

    @Test("what depends on a refused edit is parked with it, and what merely follows it is not")
    func dependents() async throws {
        try await withDevices { server, ipad, _ in
            let replica = ipad.client.replica
            // A server that knows less of the schema than this device: the check here lets it pass.
            try await replica.write { try $0.set(.schemaNumber, nil) }
            let bad = try await ipad.client.write { try $0.create("estimates", "bad", ["number": "no title"]) }
            try await ipad.client.write { try $0.delete("estimates", "bad") }
            try await ipad.client.write { try $0.create("notes", "child", ["of": "bad"], dependsOn: [bad]) }
            let wrong = try await ipad.client.write { try $0.update("estimates", "e", ["title": 7]) }
            try await ipad.pullOnly()
            try await ipad.client.write { try $0.create("notes", "free", ["of": "nobody"]) }
            try await ipad.sync()
            let parked = try await ipad.client.parked()
            #expect(
                Dictionary(grouping: parked, by: \.code).mapValues(\.count) == [
                    "field_required": 1, "dependency_failed": 2, "value_invalid": 1,
                ])
            #expect(parked.contains { $0.id == wrong })
            #expect(try await server.record("notes", "free") != nil)
            #expect(try await server.record("notes", "child") == nil)
            #expect(try await ipad.client.pending().isEmpty)
        }
    }

    @Test("one poisoned operation before ten thousand good ones: the good ones arrive")
    func poison() async throws {
        try await withDevices { server, ipad, mac in
            try await ipad.client.replica.write { try $0.set(.schemaNumber, nil) }
            try await ipad.client.write { try $0.update("estimates", "e", ["title": 7]) }
            for part in 0..<10 {
                try await ipad.client.write { edit in
                    for index in 0..<1_000 {
                        try edit.create("notes", ExactString("good-\(part)-\(index)"), ["text": "t"])
                    }
                }
            }
            server.time.advance(milliseconds: 10_000)
            try await ipad.sync()
            #expect(try await ipad.client.parked().count == 1)
            #expect(try await ipad.client.pending().isEmpty)
            server.time.advance(milliseconds: 60_000)
            try await mac.sync()
            #expect(try await mac.client.records("notes").count == 10_001)
        }
    }

    @Test("an edit that is whole or not at all is parked whole")
    func atomic() async throws {
        try await withDevices { server, ipad, _ in
            try await ipad.client.writeWhole { edit in
                try edit.update("notes", "n", ["text": "with the other"])
                try edit.update("estimates", "e", ["number": "2"])
            }
            try await ipad.client.writeWhole { edit in
                try edit.create("notes", "a", ["text": "good"])
                try edit.create("notes", "b", ["text": "good"])
            }
            try await ipad.sync()
            #expect(try await ipad.client.parked().map(\.code).sorted() == ["dependency_failed", "field_immutable"])
            #expect(try await server.record("notes", "n")?.fields == #"{"text":"first"}"#)
            #expect(try await server.record("notes", "b") != nil)
        }
    }

    @Test(
        "a record that was deleted by somebody else: the edit that has not seen it merges, the one that has is told at once"
    )
    func deleted() async throws {
        try await withDevices { server, ipad, mac in
            try await mac.client.write { try $0.delete("notes", "n") }
            try await mac.sync()
            try await ipad.client.write { try $0.update("notes", "n", ["text": "meanwhile"]) }
            try await ipad.sync()
            #expect(try await server.record("notes", "n")?.isDeleted == false)
            try await ipad.client.write { try $0.delete("notes", "n") }
            try await ipad.sync()
            await #expect(throws: EditRefusal.self) {
                try await ipad.client.write { try $0.update("notes", "n", ["text": "late"]) }
            }
            try await ipad.client.write { try $0.create("notes", "n", ["other": "anew"]) }
            try await ipad.sync()
            #expect(try await server.record("notes", "n")?.fields == #"{"other":"anew","text":null}"#)
        }
    }

    @Test("a database that was copied goes on under a new device id before it sends anything")
    func copied() async throws {
        try await withDirectory { directory in
            try await TestServer.run { server in
                let ipad = try TestDevice("ipad", on: server, in: directory)
                try await ipad.client.write { try $0.create("notes", "n", ["text": "first"]) }
                try await ipad.sync()
                try await ipad.client.write { try $0.update("notes", "n", ["text": "of the copy"]) }
                let copy = try TestDevice("copy", on: server, in: directory)
                try ipad.client.replica.database.backup(to: copy.client.replica.database)
                try copy.open()
                try await ipad.client.write { try $0.update("notes", "n", ["text": "of the original"]) }
                try await ipad.sync()
                #expect(try await copy.client.device() == "ipad")
                try await copy.sync()
                #expect(try await copy.client.device() != "ipad")
                #expect(try await copy.client.parked().isEmpty)
                // The pending edit was in both: its id says that it is the same, or the two are in conflict.
                let conflicts = try await server.conflicts()
                let shown = try #require(try await server.record("notes", "n"))
                let texts = conflicts.flatMap { $0.sides.map(\.value) } + [shown.fields]
                for text in ["of the copy", "of the original"] {
                    #expect(texts.contains { $0.contains(text) }, "\(texts)")
                }
                try await ipad.sync()
                #expect(try await ipad.client.device() == "ipad")
                let (here, there) = (
                    try await ipad.client.record("notes", "n"), try await copy.client.record("notes", "n")
                )
                #expect(here?.fields == there?.fields)
            }
        }
    }

    @Test("a database that was set back behind the mark's back is found out by its counters, and loses nothing")
    func setBack() async throws {
        try await withDirectory { directory in
            try await TestServer.run { server in
                let ipad = try TestDevice("ipad", on: server, in: directory)
                try await ipad.client.write { try $0.create("notes", "n", ["text": "first"]) }
                try await ipad.sync()
                let old = try TestDevice("old", on: server, in: directory)
                try ipad.client.replica.database.backup(to: old.client.replica.database)
                try await ipad.client.write { try $0.update("notes", "n", ["text": "second"]) }
                try await ipad.sync()
                // As if the mark had been in the backup too.
                try old.open()
                try await old.client.replica.write { try $0.set(.batchesMade, 1) }
                let name = try #require(try await old.client.replica.read { try $0.text(.installation) })
                try InstallationMark(url: old.mark).write(.init(name: name, batchesMade: 1))
                try await old.client.write { try $0.update("notes", "n", ["text": "after the restore"]) }
                try await old.sync()
                #expect(try await old.client.device() != "ipad")
                #expect(try await old.client.parked().isEmpty)
                let texts = try await server.conflicts().flatMap { $0.sides.map(\.value) }
                #expect(texts.contains(#""second""#) && texts.contains(#""after the restore""#), "\(texts)")
            }
        }
    }

    @Test("a retired device goes on under a new id")
    func retired() async throws {
        try await withDevices { server, ipad, _ in
            let admin = try await server.token(device: nil, roles: ["admin"])
            let request = ServerRequest(
                method: "DELETE", path: "/v1/devices/ipad", headers: ["Authorization": "Bearer \(admin)"], body: nil,
                timeout: .seconds(60))
            #expect(try await RouterConnection(server: server).send(request).status < 300)
            try await ipad.client.write { try $0.update("notes", "n", ["text": "after"]) }
            try await ipad.sync()
            #expect(try await ipad.client.device() != "ipad")
            #expect(try await server.record("notes", "n")?.fields == #"{"text":"after"}"#)
        }
    }

    @Test("a batch that is too large goes in parts, and what is too large by itself is parked")
    func tooLarge() async throws {
        var limits = EngineLimits()
        limits.wire.unitsPerBatch = 40
        try await withDevices(limits: limits) { server, ipad, _ in
            // The device does not know of the limit.
            let replica = ipad.client.replica
            for index in 0..<30 {
                try await ipad.client.write {
                    try $0.create("notes", ExactString("w\(index)"), ["a": 1, "b": 2, "c": 3, "d": 4])
                }
            }
            try await ipad.client.write { edit in
                let fields = (0..<50).map { (ExactString("f\($0)"), Value.integer(Int64($0))) }
                try edit.create("notes", "wide", Dictionary(uniqueKeysWithValues: fields))
            }
            try await replica.write { try $0.set(.limits, SendingLimits().jsonText) }
            try await ipad.sync()
            #expect(try await ipad.client.parked().map(\.record.id) == ["wide"])
            #expect(try await ipad.client.pending().isEmpty)
            #expect(try await server.record("notes", "w29") != nil)
        }
    }

    @Test("a token of another device or tenant sends nothing")
    func otherIdentity() async throws {
        try await withDevices { server, ipad, _ in
            try await ipad.client.write { try $0.update("notes", "n", ["text": "mine"]) }
            var options = ClientOptions()
            options.installationMark = ipad.mark
            options.clock = ipad.clock.clock
            for (device, tenant) in [("mac", "acme"), ("ipad", "other")] {
                let client = try RejoinClient(
                    database: ipad.client.replica.database, connection: RouterConnection(server: server),
                    options: options
                ) { _ in try await server.token(device: DeviceID(device), tenant: tenant) }
                await #expect(throws: SyncFailure.paused(.otherIdentity)) { try await client.syncNow() }
            }
            #expect(try await ipad.client.pending().count == 1)
        }
    }

    @Test("a row that the app's hook refuses is set aside, the others arrive, and it arrives when the hook is mended")
    func hook() async throws {
        try await withDirectory { directory in
            try await TestServer.run { server in
                let ipad = try TestDevice("ipad", on: server, in: directory)
                let refused = Mutex<Set<ExactString>>(["b"])
                let applied = Mutex<[ExactString]>([])
                let mac = try TestDevice("mac", on: server, in: directory) { options in
                    options.applying = { _, record in
                        if refused.withLock({ $0.contains(record.key.id) }) { throw Unexpected("no such folder") }
                        applied.withLock { $0.append(record.key.id) }
                    }
                }
                for id: ExactString in ["a", "b", "c"] {
                    try await ipad.client.write { try $0.create("notes", id, ["text": .string(id)]) }
                }
                try await ipad.sync()
                try await mac.sync()
                #expect(applied.withLock { $0 } == ["a", "c"])
                #expect(try await mac.client.setAside().map(\.reason) == ["no such folder"])
                #expect(try await mac.client.record("notes", "b") == nil)
                let cursor = try await mac.client.replica.read { try $0.cursor() }
                #expect(cursor != nil)
                // An edit of this device to a record of which a change is set aside keeps its numbers.
                refused.withLock { $0 = [] }
                try await mac.sync()
                #expect(applied.withLock { $0 }.last == "b")
                #expect(try await mac.client.setAside().isEmpty)
            }
        }
    }

    @Test("an event is not given twice while the record's own answer is set aside")
    func numbersWhileSetAside() async throws {
        try await withDirectory { directory in
            try await TestServer.run { server in
                let refuses = Mutex(false)
                let mac = try TestDevice("mac", on: server, in: directory) { options in
                    options.applying = { _, _ in if refuses.withLock({ $0 }) { throw Unexpected("full") } }
                }
                try await mac.client.write { try $0.create("estimates", "e", ["title": "t"]) }
                try await mac.sync()
                refuses.withLock { $0 = true }
                for count in 1...3 {
                    try await mac.client.write { try $0.increment("estimates", "e", "visits") }
                    try await mac.sync()
                    #expect(try await mac.client.record("estimates", "e")?["visits"] == .integer(Int64(count)))
                }
                refuses.withLock { $0 = false }
                try await mac.sync()
                #expect(try await mac.client.parked().isEmpty)
                #expect(try await mac.client.device() == "mac")
                #expect(try await mac.client.record("estimates", "e")?["visits"] == 3)
                #expect(try await server.record("estimates", "e")?.fields.contains("\"visits\":3") == true)
            }
        }
    }
}
