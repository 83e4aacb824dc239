import Causality
import EngineHarness
import Foundation
import MergeCore
import SyncEngine
import Synchronization
import Testing
import Values

@testable import DeviceReplica

/// Collections of which a device keeps some records only.
@Suite("on demand")
struct OnDemandTests {
    /// Runs the body with a device that keeps all, which has synced ten records of `notes` and one of `estimates`, and one that keeps
    /// `notes` on demand.
    private func withDevices(
        limits: EngineLimits = EngineLimits(), configure: @escaping @Sendable (inout ClientOptions) -> Void = { _ in },
        _ body: @escaping @Sendable (TestServer, _ mac: TestDevice, _ phone: TestDevice) async throws -> Void
    ) async throws {
        try await withDirectory { directory in
            try await TestServer.run(limits: limits) { server in
                let mac = try TestDevice("mac", on: server, in: directory)
                let phone = try TestDevice("phone", on: server, in: directory) { options in
                    options.onDemand = ["notes"]
                    configure(&options)
                }
                try await mac.client.write { edit in
                    for index in 0..<10 { try edit.create("notes", ExactString("n\(index)"), ["text": "first"]) }
                    try edit.create("estimates", "e", ["title": "t"])
                }
                try await mac.sync()
                try await body(server, mac, phone)
            }
        }
    }

    private func ids(_ device: TestDevice) async throws -> [ExactString] {
        try await device.client.records("notes").map(\.key.id)
    }

    private func edit(_ device: TestDevice, _ id: ExactString, _ text: Value) async throws {
        try await device.client.write { try $0.update("notes", id, ["text": text]) }
        try await device.sync()
    }

    @Test("a device has the records that it wants, as they stand, and hears of their changes and of no others")
    func wanting() async throws {
        try await withDevices { _, mac, phone in
            try await phone.sync()
            #expect(try await ids(phone) == [])
            #expect(try await phone.client.record("estimates", "e")?["title"] == "t")
            let cursor = try await phone.client.replica.read { try $0.cursor() }
            try await phone.client.want("notes", ["n3", "n7", "later"])
            try await phone.sync()
            #expect(try await ids(phone) == ["n3", "n7"])
            #expect(try await phone.client.replica.read { try $0.cursor() } == cursor, "the cursor stays")
            for id: ExactString in ["n3", "n4"] { try await edit(mac, id, "second") }
            try await mac.client.write { edit in
                try edit.create("notes", "later", ["text": "third"])
                try edit.create("notes", "other", ["text": "third"])
                try edit.delete("notes", "n7")
            }
            try await mac.sync()
            try await phone.sync()
            #expect(try await ids(phone) == ["later", "n3"])
            #expect(try await phone.client.record("notes", "n3")?["text"] == "second")
            #expect(try await phone.client.wanted("notes") == ["later", "n3", "n7"])
        }
    }

    @Test("what is wanted is still wanted after the app was started again, and what was not asked for yet is")
    func persistence() async throws {
        try await withDevices { _, mac, phone in
            try await phone.client.want("notes", ["n1"])
            try phone.open()
            try await phone.sync()
            try phone.open()
            try await edit(mac, "n1", "second")
            try await phone.sync()
            #expect(try await phone.client.record("notes", "n1")?["text"] == "second")
        }
    }

    @Test("a change that is made between a pull and the wish for its record is not missed")
    func wishAfterPull() async throws {
        try await withDevices { _, mac, phone in
            try await phone.sync()
            try await edit(mac, "n1", "passed over")
            // The cursor goes past a change of a record that nobody wants yet.
            try await phone.pullOnly()
            try await phone.client.want("notes", ["n1"])
            // A page that was asked for before, and does not have it, moves the cursor on.
            try await edit(mac, "n1", "passed over again")
            try await phone.sync()
            #expect(try await phone.client.record("notes", "n1")?["text"] == "passed over again")
            #expect(try await phone.client.replica.read { try $0.exists(Statements.hasUnknown) } == false)
        }
    }

    @Test("who lets a record go forgets it, but keeps it up to date while edits of it are pending or parked")
    func unwanting() async throws {
        try await withDevices { _, mac, phone in
            try await phone.client.want("notes", ["n1", "n2", "n3"])
            try await phone.sync()
            let pending = try await phone.client.write { try $0.update("notes", "n1", ["text": "mine"]) }
            try await phone.client.unwant("notes", ["n1", "n2"])
            #expect(try await ids(phone) == ["n1", "n3"])
            #expect(try await phone.client.wanted("notes") == ["n3"])
            // The others' edit comes in before this one is sent: they are in conflict, as with any other record.
            try await edit(mac, "n1", "theirs")
            try await phone.pullOnly()
            #expect(try await phone.client.pending().map(\.id) == [pending])
            #expect(
                try await phone.client.replica.read {
                    try $0.base(RecordKey(collection: "notes", id: "n1"))?.fields["text"]
                }
                    == "theirs")
            try await phone.sync()
            #expect(try await ids(phone) == ["n3"])
            #expect(try await phone.client.conflicts().map(\.unit) == ["text"])
            // A parked edit keeps its record until somebody decides.
            try await phone.client.want("notes", ["n4"])
            try await phone.sync()
            let key = RecordKey(collection: "notes", id: "n4")
            let parked = try await phone.client.write { try $0.update("notes", "n4", ["text": "refused"]) }
            try await phone.client.replica.write { transaction in
                for operation in try transaction.operations(of: key) {
                    try transaction.park(operation, because: .init(code: "value_invalid", detail: "", pointer: ""))
                }
            }
            try await phone.client.unwant("notes", ["n4"])
            try await edit(mac, "n4", "second")
            try await phone.sync()
            #expect(try await phone.client.record("notes", "n4")?["text"] == "second")
            try await phone.client.discard(parked)
            #expect(try await ids(phone) == ["n3"])
        }
    }

    @Test("who makes a record wants it, and who edits one that leaves wants it again")
    func editing() async throws {
        try await withDevices { _, mac, phone in
            try await phone.client.write { try $0.create("notes", "own", ["text": "mine"]) }
            try await phone.sync()
            #expect(try await phone.client.wanted("notes") == ["own"])
            try await mac.sync()
            try await edit(mac, "own", "theirs")
            try await phone.sync()
            #expect(try await phone.client.record("notes", "own")?["text"] == "theirs")
            try await phone.client.write { try $0.update("notes", "own", ["text": "mine again"]) }
            try await phone.client.unwant("notes", ["own"])
            try await phone.client.write { try $0.update("notes", "own", ["more": 1]) }
            try await phone.sync()
            #expect(try await ids(phone) == ["own"])
        }
    }

    @Test("a record that was let go and is made or wanted again keeps this device's numbers")
    func numbers() async throws {
        try await withDevices { server, _, phone in
            try await phone.client.write { try $0.create("notes", "own", ["text": "1"]) }
            try await phone.sync()
            try await edit(phone, "own", "2")
            try await phone.client.unwant("notes", ["own"])
            #expect(try await phone.client.record("notes", "own") == nil)
            // Nothing is known of it here, so it can be made; the server knows better.
            try await phone.client.write { try $0.create("notes", "own", ["text": "3"]) }
            try await phone.sync()
            #expect(try await phone.client.device() == "phone")
            #expect(try await phone.client.parked().isEmpty)
            #expect(try await server.record("notes", "own")?.fieldValues()["text"] == "3")
            try await phone.client.unwant("notes", ["own"])
            try await phone.client.want("notes", ["own"])
            try await phone.sync()
            try await edit(phone, "own", "4")
            #expect(try await phone.client.device() == "phone")
            #expect(try await server.record("notes", "own")?.fieldValues()["text"] == "4")
        }
    }

    @Test("where more is wanted than a question may name, the collection comes whole and the rest is left out here")
    func beyondTheLimit() async throws {
        var limits = EngineLimits()
        limits.wire.recordsPerQuery = 3
        try await withDevices(limits: limits) { server, mac, phone in
            let wanted: [ExactString] = ["n0", "n2", "n4", "n6", "n8"]
            try await phone.client.want("notes", wanted)
            try await phone.sync()
            #expect(try await ids(phone) == wanted)
            for id: ExactString in ["n2", "n3"] { try await edit(mac, id, "second") }
            server.time.advance(milliseconds: 60_000)
            try await phone.sync()
            #expect(try await ids(phone) == wanted)
            #expect(try await phone.client.record("notes", "n2")?["text"] == "second")
        }
    }

    @Test("a collection may be kept whole, then on demand, then whole again")
    func changingOptions() async throws {
        let onDemand = Mutex<Set<ExactString>>([])
        try await withDevices(configure: { $0.onDemand = onDemand.withLock { $0 } }) { _, mac, phone in
            try await phone.sync()
            #expect(try await ids(phone).count == 10)
            try await phone.client.write { try $0.update("notes", "n5", ["text": "pending"]) }
            onDemand.withLock { $0 = ["notes"] }
            try phone.open()
            try await phone.client.want("notes", ["n1"])
            await #expect(throws: ReplicaError.notOnDemand(collection: "estimates")) {
                try await phone.client.want("estimates", ["e"])
            }
            try await phone.sync()
            #expect(try await ids(phone) == ["n1"])
            try await mac.sync()
            #expect(try await mac.client.record("notes", "n5")?["text"] == "pending")
            onDemand.withLock { $0 = ["drafts"] }
            try phone.open()
            try await phone.sync()
            #expect(try await ids(phone).count == 10)
        }
    }

    @Test("who stays gets a wanted record at once")
    func staying() async throws {
        try await withDevices { _, _, phone in
            let run = Task { try await phone.client.run() }
            try await eventually("it waits for changes") { try await phone.client.status().phase == .upToDate }
            try await phone.client.want("notes", ["n1"])
            try await eventually("it is here") { try await phone.client.record("notes", "n1") != nil }
            run.cancel()
            _ = await run.result
        }
    }

    @Test("when everything is pulled anew, what is wanted comes and nothing else")
    func pullingAgain() async throws {
        try await withDevices { _, mac, phone in
            try await phone.client.want("notes", ["n1"])
            try await phone.sync()
            try await edit(mac, "n1", "second")
            try await phone.client.replica.write { try $0.beginPullingAgain(.expired) }
            try await phone.client.want("notes", ["n2"])
            try await phone.sync()
            #expect(try await ids(phone) == ["n1", "n2"])
            #expect(try await phone.client.record("notes", "n1")?["text"] == "second")
        }
    }
}
