import Foundation
import StorageConformance
import Testing

@Suite struct `The store in a SQLite file` {
    @Test(arguments: StorageLaw.all)
    func `keeps the laws of storage`(_ law: StorageLaw) async throws {
        try await withTemporaryPath { path in
            let directory = URL(filePath: path).deletingLastPathComponent()
            try await law.check(TemporaryStores(directory: directory).factory)
        }
    }
}
