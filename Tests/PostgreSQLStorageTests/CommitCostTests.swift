import Foundation
import MergeCore
import PostgreSQLCluster
import StorageConformance
import SyncStorage
import Testing

@testable import PostgreSQLStorage

/// What a commit costs in rows, index entries and bytes, which no machine makes more or less.
@Suite("what a new operation costs PostgreSQL")
struct CommitCostTests {
    @Test("it has an entry, a record and its part of a group, with five entries of indexes between them")
    func indexes() async throws {
        try await TestDatabase.with { test in
            // Partial indexes over operations are of rejections, which are few; the feed has every record.
            let indexes = try await test.database.psql(
                """
                SELECT tablename || ' ' || count(*) FROM pg_indexes
                WHERE schemaname = 'rejoin' AND tablename IN ('operations', 'operation_groups', 'records', 'batches')
                    AND (indexdef NOT LIKE '%WHERE%' OR tablename = 'records')
                GROUP BY tablename ORDER BY tablename
                """)
            #expect(
                indexes.split(separator: "\n").map(String.init)
                    == ["batches 1", "operation_groups 1", "operations 2", "records 2"])
        }
    }

    @Test("it adds less than 1,200 bytes to tables and indexes, under random ids")
    func bytes() async throws {
        try await TestDatabase.with { test in
            let store = try await test.open()
            let committer = Committer(store, "tenant")
            for batch in Batch.samples(20, of: 20, from: "d", seed: 1) { try await committer.commit(batch) }
            let before = try await test.bytes()
            let batches = Batch.samples(150, of: 20, from: "d", seed: 2)
            for batch in batches { try await committer.commit(batch) }
            let bytes = Double(try await test.bytes() - before) / Double(batches.count * 20)
            #expect(bytes < 1_200 && bytes > 300, "\(bytes) bytes an operation")
            await store.close()
        }
    }
}

extension TestDatabase {
    /// The bytes of all tables with their indexes.
    fileprivate func bytes() async throws -> Int {
        let text = try await database.psql(
            """
            SELECT sum(pg_total_relation_size(oid)) FROM pg_class
            WHERE relnamespace = 'rejoin'::regnamespace AND relkind = 'r'
            """)
        return try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    }
}
