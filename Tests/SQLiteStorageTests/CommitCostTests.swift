import Foundation
import MergeCore
import StorageConformance
import SyncStorage
import Testing

@testable import SQLiteStorage

/// What a commit costs in pages, which no machine makes more or less.
@Suite("what a new operation costs SQLite")
struct CommitCostTests {
    @Test("it writes less than four and a half pages of the log under random ids, among ten thousand others")
    func pages() async throws {
        try await withTemporaryStore { store in
            let committer = Committer(store, "tenant")
            for batch in Batch.samples(10, of: 1_000, from: "d", seed: 1) { try await committer.commit(batch) }
            // An empty log, which nothing copies into the file while it grows.
            try await store.pool.writeWithoutTransaction { database in _ = try database.checkpoint(.truncate) }
            let batches = Batch.samples(50, of: 20, from: "d", seed: 2)
            for batch in batches { try await committer.commit(batch) }
            let attributes = try FileManager.default.attributesOfItem(atPath: store.path + "-wal")
            let bytes = try #require(attributes[.size] as? Int)
            let pages = Double(bytes) / Double(4_096 + 24) / Double(batches.count * 20)
            #expect(pages < 4.5 && pages > 1, "\(pages) pages an operation")
        }
    }
}
