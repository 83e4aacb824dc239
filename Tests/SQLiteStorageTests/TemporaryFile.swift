import Foundation
import StorageConformance
import SyncStorage
import Synchronization

@testable import SQLiteStorage

/// Runs the body with the path of a database in a directory of its own, which is removed afterwards.
func withTemporaryPath<Answer>(_ body: (String) async throws -> Answer) async throws -> Answer {
    let directory = FileManager.default.temporaryDirectory.appending(path: "rejoin-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    return try await body(directory.appending(path: "data.sqlite").path)
}

/// Runs the body with a new store on a file of its own.
func withTemporaryStore<Answer>(
    probe: StoreProbe? = nil, _ body: (SQLiteStore) async throws -> Answer
) async throws -> Answer {
    try await withTemporaryPath { path in
        let store = try SQLiteStore.open(at: path, probe: probe)
        do {
            let answer = try await body(store)
            await store.close()
            return answer
        } catch {
            await store.close()
            throw error
        }
    }
}

/// Stores of the conformance suite, on files in one directory.
struct TemporaryStores {
    let directory: URL

    var factory: StoreFactory {
        StoreFactory { [directory] probe in
            try SQLiteStore.open(at: directory.appending(path: "\(UUID().uuidString).sqlite").path, probe: probe)
        } reopen: { store in
            guard let store = store as? SQLiteStore else { throw StoreError.cannotOpen("another engine") }
            let path = store.path
            await store.close()
            return try SQLiteStore.open(at: path)
        }
    }
}
