import Causality
import Dispatch
import MergeCore
import StorageConformance
import SyncStorage
import Testing

@testable import PostgreSQLStorage

@Suite("connections that tenants share")
struct FairnessTests {
    /// Occupies connections with work that ends when it is told to.
    private func occupy(
        _ store: PostgreSQLStore, _ count: Int, of tenant: TenantID, for use: WorkUse, until end: DispatchSemaphore
    ) -> Task<Void, Never> {
        Task {
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<count {
                    group.addTask {
                        // Work that waits too long is given up, which is no matter here.
                        try? await store.threads.run(of: tenant, for: use, probe: nil) {
                            (_: Session) throws(StoreError) in
                            end.wait()
                            end.signal()
                        }
                    }
                }
            }
        }
    }

    @Test("are never all with one tenant, whose slow work waits for itself", arguments: WorkUse.allCases, [2, 3, 4])
    func oneTenant(use: WorkUse, connections: Int) async throws {
        try await TestDatabase.with { test in
            var options = TestDatabase.few
            options.connections = connections
            let store = try await test.open(options)
            let end = DispatchSemaphore(value: 0)
            let slow = occupy(store, 40, of: "greedy", for: use, until: end)
            let create = Batch(
                "b", from: "d",
                [Operation(.create, "b", on: RecordKey("c", "r"), clock: ["d": 1], ["n": 1])])
            for tenant: TenantID in ["one", "other"] {
                try await Committer(store, tenant).commit(create)
                #expect(try await store.changes(tenant, ChangeQuery(after: 0, limit: 10)).rows.count == 1)
            }
            try await store.ping()
            end.signal()
            await slow.value
            await store.close()
        }
    }

    @Test("are kept for commits while reads fill the rest, and the other way round")
    func oneUse() async throws {
        try await TestDatabase.with { test in
            let store = try await test.open()
            let end = DispatchSemaphore(value: 0)
            var slow: [Task<Void, Never>] = []
            for number in 0..<20 {
                slow.append(occupy(store, 1, of: TenantID("reader \(number)"), for: .reading, until: end))
            }
            let create = Batch(
                "b", from: "d",
                [Operation(.create, "b", on: RecordKey("c", "r"), clock: ["d": 1], ["n": 1])])
            try await Committer(store, "writer").commit(create)
            end.signal()
            for task in slow { await task.value }
            end.wait()
            slow = (0..<20).map { occupy(store, 1, of: TenantID("writer \($0)"), for: .writing, until: end) }
            #expect(try await store.head(of: "writer").sequence == 1)
            end.signal()
            for task in slow { await task.value }
            await store.close()
        }
    }

    @Test("keep nothing of what was given up, though none of them is free")
    func givenUp() async throws {
        var options = PostgreSQLStore.Options()
        options.connections = 1
        options.connectTimeout = .seconds(2)
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let end = DispatchSemaphore(value: 0)
        let threads = SessionThreads(options: options) { () throws(StoreError) -> Session in
            begin.yield()
            end.wait()
            throw .unavailable("the test has no database")
        }
        let slow = Task { try? await threads.run(of: "one", probe: nil) { (_: Session) throws(StoreError) in } }
        // Not by blocking: what has to begin needs one of the few threads that all tests share.
        for await _ in begun { break }
        await #expect(throws: StoreError.unavailable("all connections to the database were busy")) {
            try await threads.run(of: "other", probe: nil) { (_: Session) throws(StoreError) in }
        }
        #expect(threads.waitingCount == 0)
        end.signal()
        await slow.value
        await threads.close()
    }
}
