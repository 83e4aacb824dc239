import StorageConformance
import SyncStorage
import Testing

@Suite("the store in memory")
struct InMemoryStoreTests {
    @Test("keeps the laws of storage", arguments: StorageLaw.all)
    func laws(_ law: StorageLaw) async throws {
        try await law.check(StoreFactory { InMemoryStore(probe: $0) })
    }
}
