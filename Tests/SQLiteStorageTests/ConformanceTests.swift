import Foundation
import StorageConformance
import Testing

@Suite("the store in a SQLite file")
struct ConformanceTests {
    @Test("keeps the laws of storage", arguments: StorageLaw.all)
    func laws(_ law: StorageLaw) async throws {
        try await withTemporaryPath { path in
            let directory = URL(filePath: path).deletingLastPathComponent()
            try await law.check(TemporaryStores(directory: directory).factory)
        }
    }
}
