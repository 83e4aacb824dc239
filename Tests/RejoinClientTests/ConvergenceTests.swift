import EngineHarness
import Foundation
import DeviceReplica
import SeededRandom
import Testing

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
        var users: [RandomUser] = []
        var connections: [FaultyConnection] = []
        for (index, name) in ["ada", "ben", "cara", "dan"].enumerated() {
            let connection = FaultyConnection(RouterConnection(server: server), seed: seed &* 31 &+ UInt64(index))
            let clock = TestDeviceClock(
                server.time, errorMilliseconds: Int64(random.below(7) - 3) * 31_536_000_000 / 3,
                drift: seed % 3 == 0 ? [0.01, -0.05, 0, 0.2][index] : 0)
            let keepsSome = name == "dan" && seed % 2 == 0
            users.append(
                RandomUser(
                    try TestDevice(name, on: server, in: directory, connection: connection, clock: clock) { options in
                        if keepsSome { options.onDemand = ["drafts"] }
                    }, onDemand: keepsSome ? "drafts" : nil))
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
                try await users[index].edit(seed: random.next())
                _ = await isSynced
            case 3: try users[index].device.open()
            case 4..<8: try? await users[index].device.pullOnly(over: RouterConnection(server: server))
            case 9: try await users[index].changeWishes(seed: random.next())
            case 8: users[index].device.clock.jump(milliseconds: Int64(random.below(200_000_000) - 100_000_000))
            case _: try await users[index].edit(seed: random.next())
            }
        }
        for connection in connections { connection.heal() }
        for user in users { try await user.wantAll() }
        // What one sends the others have to take.
        for _ in 0..<2 { for user in users { try await user.device.sync() } }
        try await Convergence { path, accept in
            let (status, body) = try await server.get(path, accept: accept)
            return status == 200 ? body : nil
        }.check(users, seed)
    }
}
