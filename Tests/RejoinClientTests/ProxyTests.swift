import Foundation
import RejoinClient
import RejoinProcesses
import SeededRandom
import Testing

/// Tests that start processes, one after another: each of them may take both of a small machine's cores.
@Suite("clients and servers as processes", .serialized, .timeLimit(.minutes(isSoaking ? 240 : 8)))
enum ClientProcessTests {}

/// Whether the tests of faults go on in full.
let isSoaking = ProcessInfo.processInfo.environment["REJOIN_SOAK"] != nil

extension ClientProcessTests {
    /// Devices on real sockets, behind a proxy that does to requests whatever happens to requests.
    @Suite("a proxy of faults")
    struct ProxyTests {
        private static let runs: [(ServerSite.Engine, UInt64)] =
            isSoaking
            ? (1...100).flatMap { seed in ServerSite.Engine.allCases.map { ($0, seed) } }
            : [(.sqlite, 1), (.postgresql, 2)]

        @Test("8 devices with 5,000 edits end equal, with every value accounted for", arguments: runs)
        func fleet(engine: ServerSite.Engine, seed: UInt64) async throws {
            try await withDirectory { directory in
                try await ServerSite.run(engine, in: directory.path) { site in
                    let proxy = try FaultProxy(server: await site.address, seed: seed)
                    defer { proxy.close() }
                    try await Self.play(seed, site, proxy, directory)
                    #expect(proxy.faults.count == FaultProxy.Fault.allCases.count, "\(proxy.faults)")
                }
            }
        }

        private static func play(
            _ seed: UInt64, _ site: ServerSite, _ proxy: FaultProxy, _ directory: URL
        ) async throws {
            guard let address = URL(string: proxy.address) else { throw Unexpected("no address") }
            var users: [RandomUser] = []
            for index in 0..<8 {
                users.append(
                    RandomUser(
                        try TestDevice(
                            "device-\(index)", in: directory, connection: URLSessionConnection(server: address)
                        ) { device in try await site.token(device: device.name.text) }))
            }
            users = try await withThrowingTaskGroup(of: RandomUser.self) { group in
                for (index, user) in users.enumerated() {
                    group.addTask { try await edit(user, seed: seed &* 1_000 &+ UInt64(index)) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            proxy.heal()
            // What was delayed on its way arrives.
            try await Task.sleep(for: .seconds(1))
            for _ in 0..<2 { for user in users { try await user.device.sync() } }
            try await Convergence { try await site.get($0, accept: $1) }.check(users, seed)
        }

        /// Edits while the sync goes on, with breaks, and sometimes a start of the app anew.
        private static func edit(_ user: RandomUser, seed: UInt64) async throws -> RandomUser {
            var (user, random) = (user, SeededGenerator(seed: seed))
            for _ in 0..<5 {
                let client = user.device.client
                let sync = Task { try await client.run() }
                for _ in 0..<125 {
                    try await user.edit(seed: random.next())
                    if random.below(4) == 0 { try await Task.sleep(for: .milliseconds(random.below(40))) }
                    if random.below(20) == 0 { await client.wake() }
                }
                sync.cancel()
                _ = await sync.result
                try user.device.open()
            }
            return user
        }
    }
}
