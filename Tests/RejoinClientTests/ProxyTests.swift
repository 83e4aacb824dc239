import AsyncHTTPConnection
import Foundation
import RejoinClient
import RejoinProcesses
import Testing

/// Tests that start processes, one after another: each of them may take both of a small machine's cores.
@Suite("clients and servers as processes", .serialized, .timeLimit(.minutes(isSoaking ? 240 : 8)))
enum ClientProcessTests {}

/// Whether the tests of faults go on in full.
let isSoaking = ProcessInfo.processInfo.environment["REJOIN_SOAK"] != nil

/// With which seed the long tests begin: what `REJOIN_SOAK` says, so that one that was broken off can go on.
let firstSoakSeed = ProcessInfo.processInfo.environment["REJOIN_SOAK"].flatMap { UInt64($0) } ?? 1

extension ClientProcessTests {
    /// Devices on real sockets, behind a proxy that does to requests whatever happens to requests.
    @Suite("a proxy of faults")
    struct ProxyTests {
        private static let runs: [(ServerSite.Engine, UInt64)] =
            isSoaking
            ? (min(firstSoakSeed, 100)...100).flatMap { seed in ServerSite.Engine.allCases.map { ($0, seed) } }
            : [(.sqlite, 1), (.postgresql, 2)]

        @Test("8 devices with 5,000 edits end equal, with every value accounted for", arguments: runs)
        func fleet(engine: ServerSite.Engine, seed: UInt64) async throws {
            try await withDirectory { directory in
                try await ServerSite.run(engine, in: directory.path) { site in
                    try await Fleet.run(seed, site, directory) { name, address in
                        RandomUser(
                            try TestDevice(
                                name, in: directory, connection: AsyncHTTPConnection(server: address.absoluteString)
                            ) {
                                try await site.token(device: $0.name.text)
                            })
                    } check: { users in
                        for _ in 0..<2 { for user in users { try await user.device.sync() } }
                        try await Convergence { try await site.get($0, accept: $1) }.check(users, seed)
                    }
                }
            }
        }
    }
}

extension RandomUser: FleetMember {
    var client: RejoinClient { device.client }

    mutating func act(seed: UInt64) async throws { try await edit(seed: seed) }

    func reopen() throws { try device.open() }
}
