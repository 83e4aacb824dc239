import Foundation
import MergeCore
import RejoinClient
import SeededRandom
import SyncWire
import Testing

extension ClientProcessTests {
    /// People who write SQL, on real sockets, behind a proxy that does to requests whatever happens to requests.
    @Suite("tables behind a proxy of faults")
    struct TableProxyTests {
        private static let runs: [(ServerSite.Engine, UInt64)] =
            isSoaking
            ? (1...50).flatMap { seed in ServerSite.Engine.allCases.map { ($0, seed) } } : [(.sqlite, 1)]

        @Test("8 devices with 5,000 writes end with equal tables, every value accounted for", arguments: runs)
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
            var users: [TableUser] = []
            for index in 0..<8 {
                users.append(
                    TableUser(
                        try TableDevice(
                            "device-\(index)", in: directory, TableUser.tables, schema: TableUser.schema,
                            connection: URLSessionConnection(server: address)
                        ) { device in try await site.token(device: device.name.text) }))
            }
            users = try await withThrowingTaskGroup(of: TableUser.self) { group in
                for (index, user) in users.enumerated() {
                    group.addTask { try await write(user, seed: seed &* 1_000 &+ UInt64(index)) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            proxy.heal()
            // What was delayed on its way arrives.
            try await Task.sleep(for: .seconds(1))
            try await site.convergence.check(users, seed)
        }

        /// Writes while the sync goes on, with breaks, and sometimes a start of the app anew.
        private static func write(_ user: TableUser, seed: UInt64) async throws -> TableUser {
            var (user, random) = (user, SeededGenerator(seed: seed))
            for _ in 0..<5 {
                let client = user.device.client
                let sync = Task { try await client.run() }
                for _ in 0..<125 {
                    try await user.write(seed: random.next())
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

extension ServerSite {
    /// What has to hold at the end, asked of this server.
    nonisolated var convergence: TableConvergence {
        TableConvergence(
            record: { collection, id in
                let id = id.text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
                return try await self.get("/v1/records/\(collection)/\(id)", accept: nil).map {
                    try RecordAnswer(encoded: $0).record
                }
            },
            conflicts: {
                try await self.get("/v1/conflicts/export", accept: "application/x-ndjson")?.split(separator: 0x0A).map {
                    try WireConflict(encoded: Array($0))
                } ?? []
            })
    }
}
