import Causality
import Foundation
import GRDB
import GRDBSQLite
import MergeCore
import SyncStorage
import Testing

@testable import SQLiteStorage

/// One tenant with 100,000 records, 30,000 conflicts and 30,000 operations beside a small one, without statistics.
private actor LargeFile {
    static let shared = LargeFile()
    private var building: Task<SQLiteStore, any Error>?

    func store() async throws -> SQLiteStore {
        let task =
            building
            ?? Task {
                let directory = FileManager.default.temporaryDirectory.appending(path: "rejoin-\(UUID().uuidString)")
                try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
                var options = SQLiteStore.Options()
                options.readers = 1
                let store = try SQLiteStore.open(at: directory.appending(path: "data.sqlite").path, options: options)
                try await store.pool.writeWithoutTransaction { database in
                    try database.execute(sql: Self.filling)
                }
                // Open files outlive their names, the only reader's too.
                try await store.ping()
                try FileManager.default.removeItem(at: directory)
                return store
            }
        building = task
        return try await task.value
    }

    private static let filling = """
        BEGIN;
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
        INSERT INTO records SELECT 'large', 'c' || (i % 7), 'r' || i, i, 0, 0, '{"d":1}', i, '{}', NULL, '{}', 0, i FROM n;
        INSERT INTO records SELECT 'small', collection, id, sequence, 0, 0, clock, stamp, fields, NULL, state, 0, 0
            FROM records WHERE tenant = 'large' AND sequence <= 10;
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
        INSERT INTO operations SELECT 'large', 'o' || i, 'd' || (i % 50), i, 'u', 'b', 'c', 'r' || (i % 5000), i, '{}', '',
            iif(i % 3 = 0, 'rejected', 'applied'), '{}', '{}', i, i FROM n;
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
        INSERT INTO conflicts SELECT 'large', i, iif(i % 2 = 0, 'stale', 'write_write'), iif(i % 3 = 0, 'open', 'automatic'),
            1, 'c' || (i % 7), 'r' || (i % 5000), 'u' || (i % 9), 'p' || (i % 4), i FROM n;
        INSERT INTO audit_sides SELECT tenant, id, 0, id, 'stored', 0, 1, '1', 'd' || (id % 50), 1, 'u' || (id % 40), 'o', 1,
            NULL FROM conflicts;
        INSERT INTO audit_sides SELECT tenant, id, 1, id, 'incoming', 1, 1, '2', 'd' || (id % 49), 1, 'u' || (id % 40), 'o',
            1, NULL FROM conflicts;
        COMMIT;
        """
}

@Suite(.serialized) struct `44: the plans of what is read all the time` {
    static let reads: [SQLiteStorage.Statement] = [
        Statements.selectHead, Statements.selectRecord, Statements.selectChanges, Statements.selectKnownOperations,
        Statements.selectKnownDot, Statements.selectOperations, Statements.selectRecordOperations,
        Statements.selectRejected, Statements.selectRejectedOfDevice, Statements.selectBatch, Statements.selectDevice,
        Statements.selectDevices, Statements.selectAuditEntries, Statements.selectAuditSides,
        Statements.selectEntriesOfConflict, Statements.selectSidesOfConflict, Statements.selectConflict,
        Statements.selectConflictIndex, Statements.retireDevice, Statements.acknowledge, Statements.updateConflict,
        Statements.countByStatus, Statements.countByKind, Statements.countByCollection, Statements.countByDevice,
    ]

    static let listings: [SQLiteStorage.Statement] = conflictQueries.map { Statements.selectConflicts($0) }

    /// One for each condition and order.
    static let conflictQueries: [ConflictQuery] = ConflictQuery.Order.allCases.flatMap { order in
        let conditions: [(inout ConflictQuery) -> Void] = [
            { _ in }, { $0.status = .open }, { $0.kind = .stale }, { $0.collection = "c1" },
            {
                $0.collection = "c1"
                $0.record = "r1"
            }, { $0.unit = "u1" }, { $0.policy = "p1" }, { $0.device = "d1" }, { $0.user = "u1" },
            { $0.sinceMilliseconds = 1 },
        ]
        return conditions.map { condition in
            var query = ConflictQuery(limit: 50)
            query.order = order
            condition(&query)
            return query
        }
    }

    @Test(arguments: reads + listings)
    func `begin with the tenant, never scan and never sort`(_ statement: SQLiteStorage.Statement) async throws {
        let store = try await LargeFile.shared.store()
        let plan = try await store.pool.read { database in
            try Row.fetchAll(
                database, sql: "EXPLAIN QUERY PLAN " + statement.sql,
                arguments: StatementArguments(Array(repeating: DatabaseValue.null, count: statement.parameterCount))
            )
            .map { $0["detail"] as String }
        }
        #expect(!plan.isEmpty)
        for step in plan where step != "CORRELATED SCALAR SUBQUERY 1" && step != "USE TEMP B-TREE FOR count(DISTINCT)" {
            #expect(step.hasPrefix("SEARCH ") && step.contains("(tenant=?"), "\(plan)")
        }
    }

    @Test func `the statement of a condition searches by its column`() async throws {
        let store = try await LargeFile.shared.store()
        let columns = [
            "tenant=?", "status=?", "kind=?", "collection=?", "record=?", "unit=?", "policy=?", "device=?", "user=?",
            "tenant=?",
        ]
        for (query, column) in zip(Self.conflictQueries, columns + columns) {
            let statement = Statements.selectConflicts(query)
            let plan = try await store.pool.read { database in
                try Row.fetchAll(
                    database, sql: "EXPLAIN QUERY PLAN " + statement.sql,
                    arguments: StatementArguments(Array(repeating: DatabaseValue.null, count: 13))
                )
                .map { $0["detail"] as String }
            }
            #expect(plan.first?.contains(column) == true, "\(statement.name): \(plan)")
        }
    }

    @Test
    func
        `a page of changes costs the same at the beginning, in the middle and at the end; an empty poll next to nothing`()
        async throws
    {
        let store = try await LargeFile.shared.store()
        func work(_ tenant: TenantID, after: Int64) async throws -> Int {
            try await store.work(Statements.selectChanges) {
                _ = try await store.changes(tenant, ChangeQuery(after: after, limit: 100))
            }
        }
        let first = try await work("large", after: 0)
        #expect(try await work("large", after: 50_000) == first)
        #expect(try await work("large", after: 99_800) == first)
        #expect(try await work("large", after: 100_000) * 50 < first)
        // A large neighbour costs a small tenant nothing.
        #expect(try await work("small", after: 10) * 50 < first)
        let page = try await store.changes("large", ChangeQuery(after: 50_000, limit: 100))
        #expect(page.rows.map(\.sequence) == Array(50_001...50_100))
    }

    @Test(arguments: conflictQueries)
    func `a page of conflicts does not read the others`(_ query: ConflictQuery) async throws {
        let store = try await LargeFile.shared.store()
        let statement = Statements.selectConflicts(query)
        let work = try await store.work(statement) {
            let page = try await store.conflicts("large", query)
            #expect(page.count == (query.record == nil ? 50 : page.count))
        }
        // 30,000 conflicts; some tens of steps for each row of the page.
        #expect(work < 20_000, "\(statement.name) took \(work) steps")
    }
}

extension SQLiteStorage.Statement: CustomTestStringConvertible {
    public var testDescription: String { name }

    /// The highest number of its parameters.
    fileprivate var parameterCount: Int {
        (1...20).last { sql.contains("?\($0)") } ?? 0
    }
}

extension SQLiteStore {
    /// The steps that SQLite's virtual machine took for a statement during the body, on the only reader.
    fileprivate func work(_ statement: SQLiteStorage.Statement, _ body: () async throws -> Void) async throws -> Int {
        let steps = { (database: Database) in
            let handle = try database.cachedStatement(sql: statement.sql).sqliteStatement
            return Int(sqlite3_stmt_status(handle, SQLITE_STMTSTATUS_VM_STEP, 1))
        }
        _ = try await pool.read(steps)
        try await body()
        return try await pool.read(steps)
    }
}
