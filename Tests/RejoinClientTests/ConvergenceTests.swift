import Causality
import EngineHarness
import Foundation
import MergeCore
import RejoinClient
import SeededRandom
import StrictJSON
import SyncWire
import Testing
import Values

/// Devices that edit the same records at random, on connections on which everything goes wrong, with clocks that are wrong: at the
/// end all hold the same, and nothing is lost without a word.
@Suite("convergence")
struct ConvergenceTests {
    private static let seeds: ClosedRange<UInt64> =
        ProcessInfo.processInfo.environment["REJOIN_SOAK"] == nil ? 1...12 : 1...200

    @Test("random histories end equal everywhere, with every value accounted for", arguments: seeds)
    func randomHistory(seed: UInt64) async throws {
        try await withDirectory { directory in
            try await TestServer.run { server in
                try await Self.play(seed, server, directory)
            }
        }
    }

    private static func play(_ seed: UInt64, _ server: TestServer, _ directory: URL) async throws {
        var random = SeededGenerator(seed: seed)
        var history = WrittenHistory()
        var users: [RandomUser] = []
        var connections: [FaultyConnection] = []
        for (index, name) in ["ada", "ben", "cara", "dan"].enumerated() {
            let connection = FaultyConnection(RouterConnection(server: server), seed: seed &* 31 &+ UInt64(index))
            let clock = TestDeviceClock(server.time, errorMilliseconds: Int64(random.below(7) - 3) * 31_536_000_000 / 3)
            users.append(
                RandomUser(try TestDevice(name, on: server, in: directory, connection: connection, clock: clock)))
            connections.append(connection)
        }
        for _ in 0..<200 {
            server.time.advance(milliseconds: Int64(random.below(5_000)))
            let index = random.below(users.count)
            switch random.below(20) {
            case 0, 1: try? await users[index].device.sync()
            case 2:
                // An edit is made while the sync is under way.
                let device = users[index].device
                async let isSynced: Void? = try? device.sync()
                try await users[index].edit(&random, &history)
                _ = await isSynced
            case 3: try users[index].device.open()
            case 4..<8: try? await users[index].device.pullOnly()
            case 8: users[index].device.clock.jump(milliseconds: Int64(random.below(200_000_000) - 100_000_000))
            case _: try await users[index].edit(&random, &history)
            }
        }
        for connection in connections { connection.heal() }
        // What one sends the others have to take.
        for _ in 0..<2 { for user in users { try await user.device.sync() } }
        try await check(history, users, server, seed)
    }

    private static func check(
        _ history: WrittenHistory, _ users: [RandomUser], _ server: TestServer, _ seed: UInt64
    ) async throws {
        var end = WrittenHistory.End()
        for user in users {
            end.parked += try await user.device.client.parked()
            let pending = try await user.device.client.pending()
            #expect(pending.isEmpty, "seed \(seed): \(user.device.name) has \(pending)")
        }
        for conflict in try await server.conflicts() {
            let key = RecordKey(collection: ExactString(conflict.collection), id: ExactString(conflict.record))
            end.audit[key, default: ""] += conflict.sides.map(\.value).joined(separator: " ") + " "
        }
        for (collection, ids) in [
            ("estimates", ["e0", "e1"]), ("drafts", ["d0", "d1"]), ("sheets", ["s0"]),
        ] {
            for id in ids {
                let key = RecordKey(collection: ExactString(collection), id: ExactString(id))
                guard let record = try await server.record(key.collection, key.id) else { continue }
                end.records[key] = record
                for user in users {
                    let shown = try await user.device.client.record(key.collection, key.id)
                    #expect(shown?.isDeleted == record.isDeleted, "seed \(seed): \(user.device.name) \(id)")
                    if !record.isDeleted {
                        #expect(shown?.fields == (try record.fieldValues()), "seed \(seed): \(user.device.name) \(id)")
                    }
                }
            }
        }
        let losses = try history.losses(at: end)
        #expect(losses.isEmpty, "seed \(seed): \(losses.joined(separator: "; "))")
    }
}
