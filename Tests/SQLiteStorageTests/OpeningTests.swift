import Foundation
import SyncStorage
import Testing

@testable import SQLiteStorage

@Test func `a commit survives closing and opening`() async throws {
    let path = NSTemporaryDirectory() + "/smoke-\(UUID().uuidString).sqlite"
    let store = try SQLiteStore.open(at: path)
    let tenant = TenantID("t")
    #expect(try await store.head(of: tenant) == TenantHead())
    let answer = try await store.transact(tenant, basis: StoreBasis()) { snapshot throws(StoreError) in
        var head = snapshot.head
        head.sequence += 1
        let batch = BatchRow(
            key: BatchKey(device: "d", key: ""), fingerprint: .init(hexadecimal: "ab"), response: "{}",
            recordedAtMilliseconds: 3)
        return (Commit(head: head, batches: [batch]), head.sequence)
    }
    #expect(answer == 1)
    #expect(try await store.head(of: tenant).sequence == 1)
    #expect(try await store.batch(tenant, BatchKey(device: "d", key: "")) != nil)
    for order in ConflictQuery.Order.allCases {
        var query = ConflictQuery(limit: 3)
        query.order = order
        #expect(try await store.conflicts(tenant, query).isEmpty)
        query.device = "x"
        #expect(try await store.conflicts(tenant, query).isEmpty)
    }
    _ = try await store.conflictSummary(tenant)
    #expect(throws: StoreError.self) { _ = try SQLiteStore.open(at: path) }
    let reader = try SQLiteStore.openReadOnly(at: path)
    #expect(try await reader.tenants() == [tenant])
    try await store.checkpoint()
    await reader.close()
    await store.close()
    let again = try SQLiteStore.open(at: path)
    #expect(again.identity == store.identity)
    await again.close()
    let calm = try SQLiteStore.openReadOnly(at: path)
    #expect(try await calm.head(of: tenant).sequence == 1)
    await calm.close()
}
