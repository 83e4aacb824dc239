import Causality
import Foundation
import GRDB
import MergeCore
import StorageConformance
import SyncStorage
import Testing

@testable import SQLiteStorage

@Suite("a SQLite file with an earlier schema")
struct MigrationTests {
    @Test(
        "a file of any earlier schema ends in the catalogue of a new one, and its data stays",
        arguments: 1..<Migration.supported)
    func earlierSchema(
        _ version: Int
    ) async throws {
        try await withTemporaryPath { path in
            let current = try SQLiteStore.open(at: path)
            // Earlier versions could write it so: nothing is shared between the conflicts of a commit.
            try await current.makeAudit(of: "tenant", operationsPerBatch: 1)
            // An id that two devices used, one that is no UUID and one that is, and a rejection.
            try await Committer(current, "tenant").commit(
                Batch(
                    "more", from: "eva",
                    [
                        Operation(.update, "a1", on: RecordKey("estimates", "r1"), clock: ["eva": 1], ["sum": 5]),
                        Operation(
                            .create, "0199b7f0-7d4e-7000-9000-000000000001", on: RecordKey("estimates", "r9"),
                            clock: ["eva": 1], ["sum": 6]),
                        Operation(
                            .create, "refused", on: RecordKey("estimates", "r1"), clock: ["eva": 2, "anna": 1],
                            ["sum": 7]),
                    ]))
            let expected = try await current.contents(of: "tenant")
            let (operations, batches) = try await current.operationsAndBatches(of: "tenant")
            #expect(operations.filter { $0.id == "a1" }.count == 2 && batches.count > 10)
            #expect(operations.contains { $0.outcome == .rejected })
            await current.close()

            let older = path + ".older"
            try raw(older) { database in
                for migration in Migration.all.prefix(version) { try database.execute(sql: migration.sql) }
                // Schema 6 has moved them, and there was nothing to move.
                let isFormer = version < 6
                if !isFormer {
                    for statement in [Statements.dropFormerOperations, Statements.dropFormerBatches] {
                        try database.execute(sql: statement.sql)
                    }
                }
                try database.execute(sql: "ATTACH ? AS current", arguments: [path])
                let tables = try String.fetchAll(
                    database, sql: "SELECT name FROM main.sqlite_schema WHERE type = 'table'")
                // Operations and batches had another form.
                for table in tables where !isFormer || !["operations", "batches"].contains(table) {
                    let columns = try database.columns(in: table, in: "main").map(\.name)
                    let sources = columns.map { $0 == "response" ? "results" : $0 }
                    // A life is there already: what was before lives were noted.
                    try database.execute(sql: "DELETE FROM main.\(table)")
                    try database.execute(
                        sql: """
                            INSERT INTO main.\(table) (\(columns.joined(separator: ", ")))
                            SELECT \(sources.joined(separator: ", ")) FROM current.\(table)
                            """)
                }
                try database.execute(sql: "DETACH current")
                for row in operations where isFormer { try database.insert(former: row) }
                for row in batches where isFormer { try database.insert(former: row) }
            }
            let migrated = try SQLiteStore.open(at: older)
            #expect(try await migrated.contents(of: "tenant") == expected)
            #expect(try await migrated.verifyAudit(of: "tenant").fault == nil)
            let moved = try await migrated.operationsAndBatches(of: "tenant")
            #expect(moved.operations == operations)
            #expect(moved.batches == batches)
            for batch in batches where version >= 4 {
                let recall = try await migrated.recall("tenant", batch.key, recordBytes: .max)
                #expect(recall?.outcomes.count == (try batch.readResults().count))
            }
            await migrated.close()

            let catalogue = { (path: String) in
                try raw(path) { database in
                    try Row.fetchAll(
                        database,
                        sql: """
                            SELECT 'user_version', CAST(user_version AS TEXT) FROM pragma_user_version UNION ALL
                            SELECT type || ' ' || name || ' ' || tbl_name, sql FROM sqlite_schema ORDER BY 1
                            """
                    ).map { "\($0[0] as String): \($0[1] as String? ?? "")" }
                }
            }
            #expect(try catalogue(older) == catalogue(path))
            #expect(try catalogue(path).count > 25)
        }
    }
}

extension SQLiteStore {
    /// All operations in the order of storing, and all batches.
    fileprivate func operationsAndBatches(
        of tenant: TenantID
    ) async throws -> (operations: [OperationRow], batches: [BatchRow]) {
        var operations: [OperationRow] = []
        for row in try await changes(tenant, ChangeQuery(after: 0, limit: 1_000)).rows {
            operations += try await self.operations(tenant, OperationQuery(.record(row.key), limit: 1_000))
        }
        let keys = try await pool.read { database in
            try Row.fetchAll(database, sql: "SELECT device, key FROM batches ORDER BY device, key")
                .map { BatchKey(device: DeviceID($0[0] as String), key: ExactString($0[1] as String)) }
        }
        var batches: [BatchRow] = []
        for key in keys { batches.append(try #require(await batch(tenant, key))) }
        return (operations.sorted { $0.ordinal < $1.ordinal }, batches)
    }
}

extension Database {
    /// Writes an operation as schemas 1 to 5 had it.
    fileprivate func insert(former row: OperationRow) throws {
        try execute(
            sql: """
                INSERT INTO operations (tenant, id, device, ordinal, user, batch, collection, record, counter, clock,
                    fingerprint, outcome, result, content, stamp, recorded_at)
                VALUES ('tenant', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                row.id.name.text, row.device.name.text, row.ordinal, row.user.text, row.batch.text,
                row.record?.collection.text, row.record?.id.text, row.counter, row.clock, row.fingerprint.storedText,
                row.outcome.rawValue, row.result, row.content, row.stampMilliseconds, row.recordedAtMilliseconds,
            ])
    }

    /// Writes a batch as schemas 1 to 5 had it.
    fileprivate func insert(former row: BatchRow) throws {
        try execute(
            sql: "INSERT INTO batches VALUES ('tenant', ?, ?, ?, ?, ?)",
            arguments: [
                row.key.device.name.text, row.key.key.text, row.fingerprint.hex, row.results,
                row.recordedAtMilliseconds,
            ])
    }
}
