import DeviceReplica
import Foundation
import SeededRandom
import Testing

/// Somebody on a device who does something at random.
protocol FleetMember: Sendable {
    var client: RejoinClient { get }

    mutating func act(seed: UInt64) async throws
    /// Opens the database, as an app does that was started again.
    func reopen() throws
}

/// Eight people, who do 5,000 things behind a proxy of faults.
enum Fleet {
    /// - Parameter makeMember: makes one of a name, on a server at an address.
    static func run<Member: FleetMember>(
        _ seed: UInt64, _ site: ServerSite, _ directory: URL, _ makeMember: (String, URL) throws -> Member,
        check: ([Member]) async throws -> Void
    ) async throws {
        let proxy = try FaultProxy(server: await site.address, seed: seed)
        defer { proxy.close() }
        guard let address = URL(string: proxy.address) else { throw Unexpected("no address") }
        let members = try (0..<8).map { try makeMember("device-\($0)", address) }
        let done = try await withThrowingTaskGroup(of: Member.self) { group in
            for (index, member) in members.enumerated() {
                group.addTask { try await act(member, seed: seed &* 1_000 &+ UInt64(index)) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        proxy.heal()
        // What was delayed on its way arrives.
        try await Task.sleep(for: .seconds(1))
        try await check(done)
        #expect(proxy.faults.count == FaultProxy.Fault.allCases.count, "\(proxy.faults)")
    }

    /// Acts while the sync goes on, with breaks, and sometimes a start of the app anew.
    private static func act<Member: FleetMember>(_ member: Member, seed: UInt64) async throws -> Member {
        var (member, random) = (member, SeededGenerator(seed: seed))
        for _ in 0..<5 {
            let client = member.client
            let sync = Task { try await client.run() }
            for _ in 0..<125 {
                try await member.act(seed: random.next())
                if random.below(4) == 0 { try await Task.sleep(for: .milliseconds(random.below(40))) }
                if random.below(20) == 0 { await client.wake() }
            }
            sync.cancel()
            _ = await sync.result
            try member.reopen()
        }
        return member
    }
}
