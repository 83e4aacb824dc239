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
        ipadError: Int64, macError: Int64, ipadDrift: Double = 0, macDrift: Double = 0,
        meanwhile: @escaping @Sendable (_ ipad: TestDeviceClock, _ mac: TestDeviceClock) -> Void = { _, _ in }
    ) async throws -> Value? {
        try await withDirectory { directory in
            try await TestServer.run { server in
                let clocks = (
                    TestDeviceClock(server.time, errorMilliseconds: ipadError, drift: ipadDrift),
                    TestDeviceClock(server.time, errorMilliseconds: macError, drift: macDrift)
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

    private static let drifts = [0, 0.01, -0.05]

    @Test(
        "a clock that drifts is right again with every answer: a minute after it, the later edit is the later",
        arguments: drifts, drifts)
    func drifting(ipad: Double, mac: Double) async throws {
        #expect(try await winner(ipadError: Self.year, macError: -Self.year, ipadDrift: ipad, macDrift: mac) == "later")
    }

    /// Plays one day of two devices, whose clocks drift, and tells what is there at its end.
    private func dayOfTwo(_ drift: (ipad: Double, mac: Double)) async throws -> [String?] {
        try await withDirectory { directory in
            try await TestServer.run { server in
                let ipad = try TestDevice(
                    "ipad", on: server, in: directory, clock: TestDeviceClock(server.time, drift: drift.ipad))
                let mac = try TestDevice(
                    "mac", on: server, in: directory, clock: TestDeviceClock(server.time, drift: drift.mac))
                try await ipad.client.write { edit in
                    try edit.create("estimates", "e", ["title": "first"])
                    try edit.create("notes", "n", ["text": "first"])
                }
                try await ipad.sync()
                try await mac.sync()
                // Both are offline. At the day's end one clock is an hour behind, the other a quarter of an hour ahead.
                for hour in 1...12 {
                    server.time.advance(milliseconds: 2 * 3_600_000)
                    let (early, late) = hour % 2 == 0 ? (ipad, mac) : (mac, ipad)
                    for device in [early, late] {
                        try await device.client.write { edit in
                            try edit.increment("estimates", "e", "visits")
                            try edit.add([.string("\(device.name.name)-\(hour)")], to: "tags", of: "estimates", "e")
                        }
                    }
                    try await early.client.write { try $0.update("notes", "n", ["text": .string("hour \(hour)")]) }
                }
                for _ in 0..<2 { for device in [mac, ipad] { try await device.sync() } }
                let (here, there) = (
                    try await ipad.client.record("estimates", "e"), try await mac.client.record("estimates", "e")
                )
                #expect(here?.fields == there?.fields)
                for device in [ipad, mac] { #expect(try await device.client.parked().isEmpty) }
                // With the answers both know the time again.
                server.time.advance(milliseconds: 10_000)
                for device in [ipad, mac] {
                    try await device.client.write { try $0.update("notes", "n", ["more": 1]) }
                    let edited = try #require(try await device.client.pending().last).editedAtMilliseconds
                    #expect(abs(edited - server.time.now) <= 1_000, "\(edited - server.time.now) ms off")
                }
                return [
                    try await server.record("estimates", "e")?.fields, try await server.record("notes", "n")?.fields,
                ]
            }
        }
    }

    @Test("two devices whose clocks drift for a day end as two whose clocks are right", arguments: drifts, drifts)
    func driftingForADay(ipad: Double, mac: Double) async throws {
        let right = try await dayOfTwo((0, 0))
        #expect(right[1]?.contains("hour 12") == true)
        #expect(try await dayOfTwo((ipad, mac)) == right)
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
