import Causality
import Foundation
import GRDB
import MergeCore
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
    _ options: SQLiteStore.Options = SQLiteStore.Options(), probe: StoreProbe? = nil,
    _ body: (SQLiteStore) async throws -> Answer
) async throws -> Answer {
    try await withTemporaryPath { path in
        let store = try SQLiteStore.open(at: path, options: options, probe: probe)
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

extension SQLiteStore {
    /// Does something on a connection that reads.
    func onReader<Answer: Sendable>(_ body: @escaping @Sendable (Database) throws -> Answer) async throws -> Answer {
        try await readers.run(of: nil, .manyRows) { (database: Database) throws(StoreError) in
            Result { try body(database) }
        }.get()
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

/// Does something to a file behind the engine's back, as a person with a shell could.
@discardableResult
func raw<Answer>(_ path: String, _ body: (Database) throws -> Answer) throws -> Answer {
    let queue = try DatabaseQueue(path: path)
    let answer = try queue.writeWithoutTransaction(body)
    try queue.close()
    return answer
}

extension SQLiteStore {
    /// Commits that many new records of a tenant at once.
    func put(count: Int, tenant: TenantID = "tenant") async throws {
        try await transact(tenant, readSet: StoreReadSet()) { snapshot throws(StoreError) in
            var head = snapshot.head
            let rows = (0..<count).map { _ in
                head.sequence += 1
                return RecordRow(
                    key: RecordKey(collection: "c", id: ExactString("r\(head.sequence)")), sequence: head.sequence,
                    isDeleted: false, isPurged: false, clock: #"{"d":1}"#, stampMilliseconds: 0,
                    fields: #"{"title":"\#(String(repeating: "x", count: 200))"}"#, siblings: nil,
                    state: #"{"c":[],"d":[],"e":[],"u":[],"w":[]}"#, openConflicts: 0, changedAtMilliseconds: 0)
            }
            return (Commit(head: head, records: rows), ())
        }
    }
}
