import Causality
import EngineHarness
import Foundation
import GRDB
import MergeCore
import SeededRandom
import SyncWire
import SyncedTables
import Testing
import Values

@testable import DeviceReplica

/// Several people write SQL at random, on connections on which everything goes wrong, with clocks that are wrong: at the end all
/// tables hold the same, row by row, and nothing is lost without a word.
@Suite("convergence of tables")
struct TableConvergenceTests {
    private static let seeds: ClosedRange<UInt64> =
        ProcessInfo.processInfo.environment["REJOIN_SOAK"] == nil ? 1...10 : 1...200

    @Test("random SQL ends in equal tables, with every value accounted for", arguments: seeds)
    func randomSQL(seed: UInt64) async throws {
        try await withDirectory { directory in
            try await TestServer.run(schema: .tables) { server in
                try await Self.play(seed, server, directory)
            }
        }
    }

    private static func play(_ seed: UInt64, _ server: TestServer, _ directory: URL) async throws {
        var random = SeededGenerator(seed: seed)
        var users: [TableUser] = []
        var connections: [FaultyConnection] = []
        for (index, name) in ["ada", "ben", "cara", "dan"].enumerated() {
            let connection = FaultyConnection(RouterConnection(server: server), seed: seed &* 31 &+ UInt64(index))
            let clock = TestDeviceClock(server.time, errorMilliseconds: Int64(random.below(7) - 3) * 31_536_000_000 / 3)
            users.append(
                TableUser(
                    try TableDevice(
                        name, on: server, in: directory, TableUser.tables, schema: TableUser.schema,
                        connection: connection, clock: clock)))
            connections.append(connection)
        }
        for _ in 0..<200 {
            server.time.advance(milliseconds: Int64(random.below(5_000)))
            let index = random.below(users.count)
            switch random.below(20) {
            case 0, 1: try? await users[index].device.sync()
            case 2:
                let device = users[index].device
                async let isSynced: Void? = try? device.sync()
                try await users[index].write(seed: random.next())
                _ = await isSynced
            case 3: try users[index].device.open()
            case 4..<7: try? await users[index].device.pullOnly()
            case 7: _ = try await users[index].device.capture()
            case _: try await users[index].write(seed: random.next())
            }
        }
        for connection in connections { connection.heal() }
        try await TableConvergence(
            record: { try await server.record($0, $1) }, conflicts: { try await server.conflicts() }
        ).check(users, seed)
    }
}

extension Schema {
    /// Collections for tables that refer to one another, with most policies.
    static let tables = Schema(declaring: [
        "estimates": CollectionRules(
            fields: [
                "title": FieldRule(type: .string),
                "notes": FieldRule(type: .string, merge: .fww),
                "visits": FieldRule(type: .integer, merge: .counter),
                "tags": FieldRule(type: .set, merge: .set),
                "status": FieldRule(type: .string, merge: .manual),
                "lat": FieldRule(type: .number),
                "lng": FieldRule(type: .number),
            ],
            groups: ["place": GroupRule(fields: ["lat", "lng"])], required: ["title"]),
        "drafts": CollectionRules(deletes: .deleteWins), "lines": CollectionRules(), "folders": CollectionRules(),
        "sheets": CollectionRules(
            fields: ["a": FieldRule(type: .string), "b": FieldRule(type: .string)], recordMerge: .lww),
        "notes": CollectionRules(),
    ])
}
