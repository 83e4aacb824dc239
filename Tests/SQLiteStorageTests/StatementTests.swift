import Causality
import Foundation
import GRDB
import MergeCore
import StorageConformance
import SyncStorage
import Synchronization
import Testing

@testable import SQLiteStorage

/// What ran, in order.
private final class Recording: Sendable {
    private let items = Mutex<[String]>([])

    func append(_ item: String) { items.withLock { $0.append(item) } }

    /// What ran since it was last asked for.
    func taken() -> [String] {
        items.withLock { items in
            defer { items = [] }
            return items
        }
    }
}

/// A store with what its probe was told and what SQLite ran on the writer, values included.
private func recording(
    _ body: (SQLiteStore, _ steps: Recording, _ sql: Recording) async throws -> Void
) async throws {
    let steps = Recording()
    let sql = Recording()
    var options = SQLiteStore.Options()
    options.readers = 1
    try await withTemporaryStore(options, probe: { name throws(StoreError) in steps.append(name) }) { store in
        try await store.pool.writeWithoutTransaction { database in
            database.trace { event in
                if case .statement(let statement) = event { sql.append(statement.expandedSQL) }
            }
        }
        // The only reader. The probe does not hear of the transactions of reads.
        try await store.onReader { database in
            database.trace { event in
                guard case .statement(let statement) = event else { return }
                let isOfTransaction = ["BEGIN", "COMMIT", "PRAGMA"].contains { statement.sql.hasPrefix($0) }
                if !isOfTransaction { sql.append(statement.expandedSQL) }
            }
        }
        _ = sql.taken()
        try await body(store, steps, sql)
    }
}

private func counted(_ names: [String]) -> [String: Int] {
    names.reduce(into: [:]) { $0[$1, default: 0] += 1 }
}

@Suite("the statements of a commit")
struct StatementTests {
    @Test("the probe hears of every statement that SQLite runs, and of no other")
    func probe() async throws {
        try await recording { store, steps, sql in
            try await store.makeAudit(of: "tenant")
            _ = try await store.register(
                "tenant", DeviceRow(device: "d", user: "u", registeredAtMilliseconds: 0, lastSeenAtMilliseconds: 0))
            let heard = steps.taken()
            let ran = sql.taken()
            #expect(heard.count == ran.count)
            #expect(heard.filter { $0 == "begin" }.count == ran.filter { $0 == "BEGIN IMMEDIATE" }.count)
            #expect(heard.filter { $0 == "commit" }.count == ran.filter { $0 == "COMMIT" }.count)
        }
    }

    @Test(
        "edge 32: a thousand operations on a thousand records: one transaction, each key read once, each row written once"
    )
    func thousandRecords()
        async throws
    {
        try await recording { store, steps, sql in
            let operations = (1...1_000).map { number in
                Operation(
                    .create, OperationID("o\(number)"), on: RecordKey("c", ExactString("r\(number)")),
                    clock: ["d": 1], ["n": .integer(Int64(number))])
            }
            try await Committer(store, "tenant").commit(Batch("b", from: "d", operations))
            #expect(
                counted(steps.taken()) == [
                    "begin": 1, "select head": 1, "select record": 1_000, "select batch": 1, "select device": 1,
                    "write record": 1_000, "write operation": 1_000, "write group of operations": 5, "insert batch": 1,
                    "insert device": 1, "write life beginning": 1, "write head": 1, "commit": 1,
                ])
            let ran = sql.taken()
            #expect(Set(ran).count == ran.count, "a statement ran twice with the same values")
        }
    }

    @Test("a thousand operations on one record read it once and write it once")
    func oneRecord() async throws {
        try await recording { store, steps, _ in
            let record = RecordKey("c", "r")
            let operations = (1...1_000).map { number in
                Operation(
                    number == 1 ? .create : .update, OperationID("o\(number)"), on: record,
                    clock: ["d": Int64(number)], ["n": .integer(Int64(number))])
            }
            // The operations come in several batches of one commit, too.
            let batches = stride(from: 0, to: 1_000, by: 250).map { start in
                Batch(ExactString("b\(start)"), from: "d", Array(operations[start..<start + 250]))
            }
            try await Committer(store, "tenant").commit(batches)
            let count = counted(steps.taken())
            #expect(count["begin"] == 1 && count["commit"] == 1)
            #expect(count["select head"] == 1 && count["write head"] == 1)
            #expect(count["select record"] == 1)
            #expect(count["write record"] == 1)
            #expect(count["write operation"] == 1_000)
            #expect(count["select device"] == 1 && count["insert device"] == 1)
        }
    }

    @Test("a replay reads, writes nothing and does not commit")
    func replay() async throws {
        try await recording { store, steps, _ in
            let batch = Batch(
                "b", from: "d", [Operation(.create, "o", on: RecordKey("c", "r"), clock: ["d": 1], ["n": 1])])
            try await Committer(store, "tenant").commit(batch)
            _ = steps.taken()
            try await Committer(store, "tenant").commit(batch)
            #expect(
                steps.taken() == [
                    "select head", "select record", "select batch", "select device", "select groups of batch",
                ])
        }
    }

    @Test("a page of changes is two statements however long it is")
    func pageOfChanges() async throws {
        try await recording { store, steps, _ in
            try await store.put(count: 300)
            _ = steps.taken()
            _ = try await store.changes("tenant", ChangeQuery(after: 0, limit: 300))
            #expect(steps.taken() == ["select head", "select changes"])
        }
    }

    @Test("edge 27: the spelling of a name is its own in SQL too")
    func spellings() async throws {
        try await withTemporaryStore { store in
            for (number, name) in ["\u{E9}", "e\u{301}", "\u{C9}"].enumerated() {
                try await Committer(store, "tenant").commit(
                    Batch(
                        ExactString("b\(number)"), from: "d",
                        [
                            Operation(
                                .create, OperationID("o\(number)"), on: RecordKey("c", ExactString(name)),
                                clock: ["d": 1],
                                ["n": 1])
                        ]))
            }
            let bytes = try await store.onReader { database in
                try String.fetchAll(database, sql: "SELECT hex(id) FROM records ORDER BY id")
            }
            #expect(bytes == ["65CC81", "C389", "C3A9"])
        }
    }
}
