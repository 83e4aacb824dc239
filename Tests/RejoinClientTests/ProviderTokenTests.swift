import Causality
import Foundation
import SyncWire
import Testing

@testable import DeviceReplica

/// Tokens as identity providers sign them: they know their user, and no device.
@Suite("a token that knows no device")
struct ProviderTokenTests {
    private func device(_ name: String, on server: TestServer, in directory: URL) throws -> TestDevice {
        try TestDevice(name, in: directory, connection: RouterConnection(server: server)) { _ in
            try await server.token(device: nil)
        }
    }

    @Test("syncs two devices of one user, each under the name that it has registered")
    func syncs() async throws {
        try await withDirectory { directory in
            try await TestServer.run { server in
                // An id is percent-encoded where it has to be.
                let ipad = try device("ipäd 1", on: server, in: directory)
                let mac = try device("mac", on: server, in: directory)
                try await ipad.client.write { try $0.create("notes", "n", ["text": "first"]) }
                try await ipad.sync()
                try await mac.sync()
                try await mac.client.write { try $0.update("notes", "n", ["text": "second"]) }
                try await mac.sync()
                try await ipad.sync()
                #expect(try await ipad.client.record("notes", "n")?.fields["text"] == "second")
                #expect(try await server.store.devices("acme").map(\.device) == ["ipäd 1", "mac"])
            }
        }
    }

    @Test("goes on under a new id when its device was retired")
    func retired() async throws {
        try await withDirectory { directory in
            try await TestServer.run { server in
                let ipad = try device("ipad", on: server, in: directory)
                try await ipad.sync()
                _ = try await server.store.retire("acme", "ipad", atMilliseconds: 1)
                server.time.advance(milliseconds: 10_000)
                try await ipad.client.write { try $0.create("notes", "n", ["text": "mine"]) }
                try await ipad.sync()
                #expect(try await ipad.client.pending().isEmpty)
                #expect(try await server.record("notes", "n") != nil)
                #expect(try await server.store.devices("acme").count == 2)
            }
        }
    }

    @Test("does nothing with a device of somebody else's")
    func others() async throws {
        try await withDirectory { directory in
            try await TestServer.run { server in
                let mac = try TestDevice("mac", on: server, in: directory)
                try await mac.sync()
                _ = try await server.store.register(
                    "acme",
                    .init(device: "ipad", user: "ben", registeredAtMilliseconds: 1, lastSeenAtMilliseconds: 1))
                let ipad = try device("ipad", on: server, in: directory)
                try await ipad.client.write { try $0.create("notes", "n", ["text": "mine"]) }
                await #expect(throws: SyncFailure.paused(.otherIdentity)) { try await ipad.sync() }
                #expect(try await ipad.client.pending().count == 1)
                #expect(try await server.record("notes", "n") == nil)
            }
        }
    }

    @Test("names the tenant that was chosen, and waits where the server does not take it there")
    func chosenTenant() async throws {
        try await withDirectory { directory in
            try await TestServer.run { server in
                let here = try TestDevice("ipad", on: server, in: directory) { $0.tenant = "acme" }
                try await here.client.write { try $0.create("notes", "n", ["text": "mine"]) }
                try await here.sync()
                #expect(try await server.record("notes", "n") != nil)
                // The server answers for what the header says: its token is for another tenant.
                let elsewhere = try TestDevice("mac", on: server, in: directory) { $0.tenant = "glöbex & co" }
                try await elsewhere.client.write { try $0.create("notes", "m", ["text": "mine"]) }
                await #expect(throws: SyncFailure.self) { try await elsewhere.sync() }
                #expect(try await elsewhere.client.pending().count == 1)
                #expect(try await server.record("notes", "m") == nil)
            }
        }
    }
}
