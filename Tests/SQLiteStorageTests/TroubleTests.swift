import Foundation
import GRDB
import SyncStorage
import Testing

@testable import SQLiteStorage

@Suite("a SQLite file in trouble")
struct TroubleTests {
    @Test("edge 33: a disk that is full is unavailable, keeps nothing, and the next attempt works")
    func fullDisk() async throws {
        try await withTemporaryStore { store in
            try await store.put(count: 10)
            let before = try await store.pool.writeWithoutTransaction { database in
                let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
                return try Int.fetchOne(database, sql: "PRAGMA max_page_count = \(pages + 2)") ?? 0
            }
            let error = await #expect(throws: StoreError.self) { try await store.put(count: 2_000) }
            #expect(error?.isUnavailable == true, "\(String(describing: error))")
            #expect(try await store.head(of: "tenant").sequence == 10)
            #expect(try await store.changes("tenant", ChangeQuery(after: 0, limit: 5_000)).rows.count == 10)
            try await store.pool.writeWithoutTransaction { database in
                try database.execute(sql: "PRAGMA max_page_count = 1073741823")
            }
            #expect(before > 0)
            try await store.put(count: 2_000)
            #expect(try await store.head(of: "tenant").sequence == 2_010)
        }
    }

    @Test("edge 33: a lock that does not yield is unavailable, and the next attempt works")
    func lock() async throws {
        try await withTemporaryPath { path in
            var options = SQLiteStore.Options()
            options.busyTimeout = .zero
            let store = try SQLiteStore.open(at: path, options: options)
            try await store.put(count: 1)
            var configuration = Configuration()
            configuration.allowsUnsafeTransactions = true
            let other = try DatabaseQueue(path: path, configuration: configuration)
            try await other.writeWithoutTransaction { try $0.beginTransaction(.immediate) }
            let error = await #expect(throws: StoreError.self) { try await store.put(count: 1) }
            #expect(error?.isUnavailable == true, "\(String(describing: error))")
            #expect(try await store.head(of: "tenant").sequence == 1)
            try await other.writeWithoutTransaction { try $0.rollback() }
            try other.close()
            try await store.put(count: 1)
            #expect(try await store.head(of: "tenant").sequence == 2)
            await store.close()
        }
    }

    @Test("a record whose state cannot be read is damaged and is not written over")
    func unreadableState() async throws {
        try await withTemporaryStore { store in
            try await store.put(count: 1)
            try raw(store.path) { try $0.execute(sql: "UPDATE records SET state = '{'") }
            var readSet = StoreReadSet()
            readSet.merge.records = [.init(collection: "c", id: "r1")]
            let wanted = readSet
            let error = await #expect(throws: StoreError.self) {
                try await store.transact("tenant", readSet: wanted) { snapshot throws(StoreError) in
                    (Commit(head: snapshot.head), ())
                }
            }
            guard case .damaged = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test("a cancelled task stores nothing and harms nobody else")
    func cancelled() async throws {
        try await withTemporaryStore { store in
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                try await store.put(count: 1)
            }
            let error = await #expect(throws: StoreError.self) { try await task.value }
            #expect(error?.isUnavailable == true, "\(String(describing: error))")
            #expect(try await store.head(of: "tenant").sequence == 0)
            try await store.put(count: 1)
            #expect(try await store.head(of: "tenant").sequence == 1)
        }
    }
}
