import Causality
import MergeCore
import StorageConformance
import SyncStorage
import Synchronization
import Testing

@testable import PostgreSQLStorage

/// The statements that a store's probe was told of.
private final class Recording: Sendable {
    private let names = Mutex<[String]>([])

    var probe: StoreProbe {
        { name throws(StoreError) in self.names.withLock { $0.append(name) } }
    }

    func taken() -> [String] {
        names.withLock { names in
            defer { names = [] }
            return names
        }
    }
}

extension PostgreSQLStore {
    /// Round trips so far; of a store with one connection.
    fileprivate func roundTrips() async throws -> Int {
        try await threads.run(probe: nil) { (session: Session) throws(StoreError) in session.exchangeCount }
    }
}

@Suite("the statements of a commit in PostgreSQL")
struct StatementTests {
    private static var one: PostgreSQLStore.Options {
        var options = PostgreSQLStore.Options()
        options.connections = 1
        return options
    }

    @Test("edge 32: are as many for a thousand operations as for one, and two round trips")
    func manyOperations() async throws {
        try await TestDatabase.with { test in
            let recording = Recording()
            let store = try await test.open(Self.one, probe: recording.probe)
            let committer = Committer(store, "tenant")
            // The tenant's row and the device are made by the first commit alone.
            try await committer.commit(Batch("first", from: "d", Self.creates(1, in: "c")))
            _ = recording.taken()
            var seen: [[String]] = []
            for count in [1, 20, 1_000] {
                let before = try await store.roundTrips()
                try await committer.commit(
                    Batch(ExactString("b\(count)"), from: "d", Self.creates(count, in: ExactString("c\(count)"))))
                #expect(try await store.roundTrips() - before == 2)
                seen.append(recording.taken())
            }
            #expect(
                seen[0] == [
                    "begin", "set tenant", "lock head", "select records of read set", "select batches of read set",
                    "select devices of read set", "insert records", "write operations",
                    "write groups of operations", "insert batches", "write head", "wait for commit", "commit",
                ])
            #expect(seen[1] == seen[0])
            #expect(seen[2] == seen[0])
            await store.close()
        }
    }

    private static func creates(_ count: Int, in collection: ExactString) -> [Operation] {
        (1...count).map { number in
            Operation(
                .create, OperationID("\(collection.text)-\(number)"),
                on: RecordKey(collection, ExactString("r\(number)")), clock: ["d": 1], ["n": .integer(Int64(number))])
        }
    }

    @Test("are as many for a thousand conflicts as for one")
    func manyConflicts() async throws {
        try await TestDatabase.with { test in
            let recording = Recording()
            let store = try await test.open(Self.one, probe: recording.probe)
            let committer = Committer(store, "tenant")
            for count in [1, 1_000] {
                let collection = ExactString("c\(count)")
                try await committer.commit(
                    Batch(ExactString("a\(count)"), from: "d", Self.creates(count, in: collection)))
            }
            var seen: [[String]] = []
            for count in [1, 1_000] {
                let collection = ExactString("c\(count)")
                let concurrent = (1...count).map { number in
                    Operation(
                        .create, OperationID("e\(count)-\(number)"),
                        on: RecordKey(collection, ExactString("r\(number)")),
                        clock: ["e": 1], ["n": .integer(-1)])
                }
                _ = recording.taken()
                try await committer.commit(Batch(ExactString("b\(count)"), from: "e", concurrent))
                seen.append(recording.taken().filter { $0 != "insert devices" })
            }
            #expect(seen[0] == seen[1])
            #expect(seen[0].suffix(6).first == "insert audit entries", "\(seen[0])")
            await store.close()
        }
    }

    @Test("a page of the feed is one round trip, with its reader's access and without")
    func page() async throws {
        try await TestDatabase.with { test in
            let store = try await test.open(Self.one)
            try await Committer(store, "tenant").commit(Batch("b", from: "d", Self.creates(60, in: "c")))
            for after: Int64 in [0, 60] {
                let query = ChangeQuery(after: after, limit: 100)
                let before = try await store.roundTrips()
                _ = try await store.changes("tenant", query)
                #expect(try await store.roundTrips() - before == 1)
                let read = try await store.changes(
                    "tenant", query, for: AccessQuery(user: "u", session: "s", device: "d"))
                #expect(try await store.roundTrips() - before == 2)
                #expect(read.page.rows.count == (after == 0 ? 60 : 0))
                #expect(read.access.isDeviceRegistered)
            }
            // What another server may commit is never known.
            #expect(store.knownHead(of: "tenant") == nil)
            await store.close()
        }
    }

    @Test("a replay reads once and writes nothing, and ends as a commit, which waits for what it tells again")
    func replay()
        async throws
    {
        try await TestDatabase.with { test in
            let recording = Recording()
            let store = try await test.open(Self.one, probe: recording.probe)
            let batch = Batch("b", from: "d", Self.creates(1, in: "c"))
            try await Committer(store, "tenant").commit(batch)
            _ = recording.taken()
            try await Committer(store, "tenant").commit(batch)
            #expect(
                recording.taken() == [
                    "begin", "set tenant", "lock head", "select records of read set", "select batches of read set",
                    "select devices of read set", "select groups of batches", "wait for commit", "commit",
                ])
            await store.close()
        }
    }

    @Test("a page of changes is one round trip however long it is")
    func pageOfChanges() async throws {
        try await TestDatabase.with { test in
            let store = try await test.open(Self.one)
            try await Committer(store, "tenant").commit(Batch("b", from: "d", Self.creates(300, in: "c")))
            let before = try await store.roundTrips()
            let page = try await store.changes("tenant", ChangeQuery(after: 0, limit: 300))
            #expect(page.rows.count == 300)
            #expect(try await store.roundTrips() - before == 1)
            await store.close()
        }
    }
}
