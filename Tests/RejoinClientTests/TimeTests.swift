import EngineHarness
import Foundation
import MergeCore
import Testing
import Values

@testable import DeviceReplica

/// Clocks that are wrong, jump and drift decide nothing.
@Suite("device clocks")
struct TimeTests {
    /// Two devices edit one field offline, the ipad first and the mac later, and the later edit is to show.
    private func winner(
        ipadError: Int64, macError: Int64,
        meanwhile: @escaping @Sendable (_ ipad: TestDeviceClock, _ mac: TestDeviceClock) -> Void = { _, _ in }
    ) async throws -> Value? {
        try await withDirectory { directory in
            try await TestServer.run { server in
                let clocks = (
                    TestDeviceClock(server.time, errorMilliseconds: ipadError),
                    TestDeviceClock(server.time, errorMilliseconds: macError)
                )
                let ipad = try TestDevice("ipad", on: server, in: directory, clock: clocks.0)
                let mac = try TestDevice("mac", on: server, in: directory, clock: clocks.1)
                try await ipad.client.write { try $0.create("notes", "n", ["text": "first"]) }
                try await ipad.sync()
                try await mac.sync()
                server.time.advance(milliseconds: 60_000)
                try await ipad.client.write { try $0.update("notes", "n", ["text": "earlier"]) }
                meanwhile(clocks.0, clocks.1)
                server.time.advance(milliseconds: 60_000)
                try await mac.client.write { try $0.update("notes", "n", ["text": "later"]) }
                server.time.advance(milliseconds: 3_600_000)
                try await mac.sync()
                try await ipad.sync()
                return try await server.record("notes", "n")?.fieldValues()["text"]
            }
        }
    }

    private static let year: Int64 = 31_536_000_000

    @Test("a clock that is wrong by a year decides nothing", arguments: [-1, 0, 1], [-1, 0, 1])
    func wrong(ipad: Int64, mac: Int64) async throws {
        #expect(try await winner(ipadError: ipad * Self.year, macError: mac * Self.year) == "later")
    }

    @Test("a clock that is set between two edits decides nothing", arguments: [-1, 1])
    func jumping(direction: Int64) async throws {
        let text = try await winner(ipadError: 0, macError: 0) { ipad, mac in
            ipad.jump(milliseconds: direction * Self.year)
            mac.jump(milliseconds: -direction * Self.year)
        }
        #expect(text == "later")
    }

    @Test("edits of before the first contact count as made when they were, by the difference learned later")
    func beforeContact() async throws {
        try await withDirectory { directory in
            try await TestServer.run { server in
                let clock = TestDeviceClock(server.time, errorMilliseconds: Self.year)
                let ipad = try TestDevice("ipad", on: server, in: directory, clock: clock)
                try await ipad.client.write { try $0.create("notes", "n", ["text": "made early"]) }
                let edited = server.time.now
                server.time.advance(milliseconds: 3_600_000)
                try await ipad.sync()
                let stamp = try #require(try await server.record("notes", "n")).stampMilliseconds
                #expect(abs(stamp - edited) < 1_000, "\(stamp - edited) ms off")
            }
        }
    }

    @Test("a clock that ran ahead for a while does not stay ahead, and each edit is later than the last")
    func ahead() async throws {
        try await withDirectory { directory in
            try await TestServer.run { server in
                let clock = TestDeviceClock(server.time)
                let ipad = try TestDevice("ipad", on: server, in: directory, clock: clock)
                clock.jump(milliseconds: Self.year)
                try await ipad.client.write { try $0.create("notes", "n", ["text": "1"]) }
                clock.jump(milliseconds: -2 * Self.year)
                try await ipad.client.write { try $0.create("notes", "m", ["text": "2"]) }
                let times = try await ipad.client.pending().map(\.editedAtMilliseconds)
                #expect(times[1] > times[0])
                try await ipad.sync()
                server.time.advance(milliseconds: 1_000)
                try await ipad.client.write { try $0.update("notes", "n", ["text": "3"]) }
                let now = try await ipad.client.pending().map(\.editedAtMilliseconds)
                #expect(abs(now[0] - server.time.now) < 1_000)
            }
        }
    }
}
