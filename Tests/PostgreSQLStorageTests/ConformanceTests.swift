import PostgreSQLStorage
import StorageConformance
import SyncStorage
import Synchronization
import Testing

@Suite("the store in PostgreSQL")
struct ConformanceTests {
    @Test("keeps the laws of storage", arguments: StorageLaw.all)
    func laws(_ law: StorageLaw) async throws {
        let databases = Mutex<[String: TestDatabase]>([:])
        let factory = StoreFactory(
            make: { probe in
                let test = try await TestDatabase.make()
                let store = try await test.open(probe: probe)
                databases.withLock { $0[store.location] = test }
                return store
            },
            reopen: { store in
                let location = try #require(store as? PostgreSQLStore).location
                await store.close()
                return try await #require(databases.withLock { $0[location] }).open()
            })
        await #expect(throws: Never.self) { try await law.check(factory) }
        for test in databases.withLock({ Array($0.values) }) { try await test.database.drop() }
    }
}
