import Causality
import EngineHarness
import Foundation
import MergeCore
import Testing
import Values

@testable import DeviceReplica

/// What a client does with edits and changes when everything goes well.
@Suite("syncing")
struct SyncingTests {
    @Test("what one device makes offline is on the other one after both have synced")
    func roundTrip() async throws {
        try await withDirectory { directory in
            try await TestServer.run { server in
                let ipad = try TestDevice("ipad", on: server, in: directory)
                let mac = try TestDevice("mac", on: server, in: directory)
                try await ipad.client.write { edit in
                    try edit.create(
                        "estimates", "e", ["title": "Kitchen", "tags": ["$add": ["new"]], "lat": 1, "lng": 2])
                    try edit.increment("estimates", "e", "visits", by: 2)
                }
                let offline = try await ipad.client.record("estimates", "e")
                #expect(offline?["visits"] == 2)
                #expect(offline?.isPending == true)
                try await ipad.sync()
                try await mac.sync()
                let there = try await mac.client.record("estimates", "e")
                #expect(there?["title"] == "Kitchen")
                #expect(there?["visits"] == 2)
                #expect(there?["tags"] == ["new"])
                #expect(there?.isPending == false)
                let here = try await ipad.client.record("estimates", "e")
                #expect(here?.fields == there?.fields)
                #expect(try await ipad.client.pending().isEmpty)
                #expect(try await ipad.client.metrics().acknowledged == 1)
            }
        }
    }

    @Test("an edit that was made before the other's was pulled is a conflict with both sides, never a silent overwrite")
    func lostUpdateTrap() async throws {
        try await withDirectory { directory in
            try await TestServer.run { server in
                let ipad = try TestDevice("ipad", on: server, in: directory)
                let mac = try TestDevice("mac", on: server, in: directory)
                try await ipad.client.write { try $0.create("notes", "n", ["text": "first"]) }
                try await ipad.sync()
                try await mac.sync()
                try await ipad.client.write { try $0.update("notes", "n", ["text": "of the ipad"]) }
                try await mac.client.write { try $0.update("notes", "n", ["text": "of the mac"]) }
                try await mac.sync()
                // The pull brings the mac's edit before the ipad's is sent.
                try await ipad.pullOnly(over: RouterConnection(server: server))
                #expect(try await ipad.client.record("notes", "n")?["text"] == "of the ipad")
                try await ipad.client.write { try $0.update("notes", "n", ["other": 1]) }
                try await ipad.sync()
                let conflicts = try await server.conflicts()
                #expect(conflicts.count == 1)
                #expect(
                    Set(conflicts.first?.sides.map { $0.value ?? "" } ?? []) == ["\"of the ipad\"", "\"of the mac\""])
                #expect(try await ipad.client.conflicts().map(\.unit) == ["text"])
            }
        }
    }

    @Test("what came while a form was open is met as a conflict, whatever the form does")
    func openForm() async throws {
        try await withDirectory { directory in
            try await TestServer.run { server in
                let ipad = try TestDevice("ipad", on: server, in: directory)
                let mac = try TestDevice("mac", on: server, in: directory)
                for id in ["updated", "chosen", "deleted"] as [ExactString] {
                    try await ipad.client.write { try $0.create("estimates", id, ["title": "t", "status": "old"]) }
                }
                for device in [ipad, mac] { try await device.sync() }
                var open: [ExactString: ShownRecord] = [:]
                for record in try await mac.client.records("estimates") { open[record.key.id] = record }
                for id in open.keys {
                    try await ipad.client.write {
                        try $0.update("estimates", id, ["title": "theirs", "status": "theirs"])
                    }
                }
                for device in [ipad, mac] { try await device.sync() }
                let seen = open
                try await mac.client.write { edit in
                    try edit.update("estimates", "updated", ["title": "mine"], seen: seen["updated"])
                    try edit.choose("mine", for: "status", of: "estimates", "chosen", seen: seen["chosen"])
                    try edit.delete("estimates", "deleted", seen: seen["deleted"])
                }
                try await mac.sync()
                #expect(Set(try await server.conflicts().map(\.record)) == ["updated", "chosen", "deleted"])
                let deleted = try await server.record("estimates", "deleted")
                #expect(deleted?.isDeleted == false, "work that the author of the delete had not seen outlives it")
            }
        }
    }

    @Test("a lost answer counts an increment once, also while only the pull has brought it back")
    func lostAnswer() async throws {
        try await withDirectory { directory in
            try await TestServer.run { server in
                let losing = LosingConnection(RouterConnection(server: server))
                let ipad = try TestDevice("ipad", on: server, in: directory, connection: losing)
                try await ipad.client.write { try $0.create("estimates", "e", ["title": "t"]) }
                try await ipad.sync()
                try await ipad.client.write { try $0.increment("estimates", "e", "visits") }
                losing.losesAnswers(to: "/v1/batches")
                await #expect(throws: SyncFailure.noAnswer) { try await ipad.sync() }
                #expect(try await server.record("estimates", "e")?.fields.contains("\"visits\":1") == true)
                try await ipad.pullOnly(over: RouterConnection(server: server))
                #expect(try await ipad.client.record("estimates", "e")?["visits"] == 1)
                #expect(try await ipad.client.record("estimates", "e")?.isPending == true)
                losing.losesAnswers(to: nil)
                try await ipad.sync()
                #expect(try await ipad.client.record("estimates", "e")?["visits"] == 1)
                #expect(try await server.record("estimates", "e")?.fields.contains("\"visits\":1") == true)
            }
        }
    }

    @Test("who observes a collection hears of what others did, without an edit here")
    func observing() async throws {
        try await withDirectory { directory in
            try await TestServer.run { server in
                let ipad = try TestDevice("ipad", on: server, in: directory)
                let mac = try TestDevice("mac", on: server, in: directory)
                try await ipad.client.write { try $0.create("notes", "n", ["text": "first"]) }
                try await ipad.sync()
                let heard = Task {
                    for try await notes in mac.client.observe("notes") where !notes.isEmpty {
                        return notes.map(\.key.id)
                    }
                    return []
                }
                try await mac.sync()
                #expect(try await heard.value == ["n"])
            }
        }
    }

    @Test(
        "an increment that was taken, and whose answer was lost, counts once although another edit and a new identity came between"
    )
    func fateUnknown() async throws {
        try await withDirectory { directory in
            try await TestServer.run { server in
                let losing = LosingConnection(RouterConnection(server: server))
                let ipad = try TestDevice("ipad", on: server, in: directory, connection: losing)
                try await ipad.client.write { try $0.create("estimates", "e", ["title": "t"]) }
                try await ipad.sync()
                try await ipad.client.write { try $0.increment("estimates", "e", "visits") }
                losing.losesAnswers(to: "/v1/batches")
                await #expect(throws: SyncFailure.noAnswer) { try await ipad.sync() }
                losing.losesAnswers(to: nil)
                try await ipad.client.replica.write { try $0.set(.needsIdentity, "retired") }
                try await ipad.client.replica.write { try $0.takeNewIdentity("ipad-2") }
                try await ipad.client.write { try $0.increment("estimates", "e", "visits") }
                try await ipad.sync()
                #expect(try await server.record("estimates", "e")?.fields.contains("\"visits\":2") == true)
                try await ipad.client.write { try $0.increment("estimates", "e", "visits") }
                try await ipad.sync()
                #expect(try await ipad.client.record("estimates", "e")?["visits"] == 3)
                #expect(try await server.record("estimates", "e")?.fields.contains("\"visits\":3") == true)
                #expect(try await ipad.client.device() == "ipad-2")
            }
        }
    }

    @Test("two syncs at once both hear that everything went well")
    func twoSyncs() async throws {
        try await withDirectory { directory in
            try await TestServer.run { server in
                let ipad = try TestDevice("ipad", on: server, in: directory)
                try await ipad.client.write { try $0.create("notes", "n", ["text": "first"]) }
                async let first: Void = ipad.sync()
                async let second: Void = ipad.sync()
                _ = try await (first, second)
                #expect(try await ipad.client.pending().isEmpty)
            }
        }
    }
}
