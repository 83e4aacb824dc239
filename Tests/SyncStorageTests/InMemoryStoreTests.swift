import StorageConformance
import SyncStorage
import Testing

@Suite struct `The store in memory` {
    @Test(arguments: StorageLaw.all)
    func `keeps the laws of storage`(_ law: StorageLaw) async throws {
        try await law.check(StoreFactory { InMemoryStore(probe: $0) })
    }
}
