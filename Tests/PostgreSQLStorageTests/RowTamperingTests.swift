import PostgreSQLCluster
import StorageConformance
import SyncStorage
import Testing

@testable import PostgreSQLStorage

/// Rows that somebody with every right takes away, adds and moves in PostgreSQL.
private struct RowTampering: Sendable, CustomTestStringConvertible {
    let sql: String
    let fault: AuditFault

    var testDescription: String { sql }

    private static let entry = """
        conflict, 77, type, collection, record, batch, device, recorded_at, clock_before, clock_after, detail, hash,
        clocks_from
        FROM rejoin.audit_entries WHERE position = 4
        """
    private static let side = """
        conflict, role, won, present, value, device, counter, "user", operation, stamp, claimed_at, value_from
        FROM rejoin.audit_sides WHERE position = 4 AND ordinal = 0
        """

    /// `AuditSample` has entries 1 to 6 or more; 1 and 4 open conflicts, 2 has one side, 4 has two.
    static let all: [RowTampering] = [
        RowTampering(sql: "DELETE FROM rejoin.audit_entries WHERE position = 4", fault: .missing(position: 4)),
        RowTampering(sql: "DELETE FROM rejoin.audit_entries WHERE position = 1", fault: .missing(position: 1)),
        RowTampering(sql: "DELETE FROM rejoin.audit_entries", fault: .missing(position: 1)),
        RowTampering(
            sql: "DELETE FROM rejoin.audit_sides WHERE position = 4 AND ordinal = 0", fault: .altered(position: 4)),
        RowTampering(sql: "DELETE FROM rejoin.audit_sides WHERE position = 2", fault: .altered(position: 2)),
        RowTampering(sql: "DELETE FROM rejoin.conflicts WHERE id = 4", fault: .indexMismatch(conflict: 4)),
        RowTampering(
            sql: """
                UPDATE rejoin.audit_entries SET position = -1 WHERE position = 3;
                UPDATE rejoin.audit_entries SET position = 3 WHERE position = 5;
                UPDATE rejoin.audit_entries SET position = 5 WHERE position = -1
                """, fault: .altered(position: 3)),
        RowTampering(
            sql: """
                UPDATE rejoin.audit_sides SET ordinal = -1 WHERE position = 4 AND ordinal = 0;
                UPDATE rejoin.audit_sides SET ordinal = 0 WHERE position = 4 AND ordinal = 1;
                UPDATE rejoin.audit_sides SET ordinal = 1 WHERE position = 4 AND ordinal = -1
                """, fault: .altered(position: 4)),
        RowTampering(
            sql: "INSERT INTO rejoin.audit_entries SELECT tenant, 0, \(entry)", fault: .altered(position: 0)),
        RowTampering(
            sql: "INSERT INTO rejoin.audit_entries SELECT tenant, 900, \(entry)", fault: .headMismatch(position: 900)),
        RowTampering(
            sql: "INSERT INTO rejoin.audit_sides SELECT tenant, 4, 2, \(side)", fault: .altered(position: 4)),
        RowTampering(
            sql: "INSERT INTO rejoin.audit_sides SELECT tenant, 900, 0, \(side)", fault: .strandedSides(position: 900)),
        RowTampering(
            sql: "INSERT INTO rejoin.audit_sides SELECT tenant, -7, 0, \(side)", fault: .strandedSides(position: -7)),
        RowTampering(
            sql: """
                INSERT INTO rejoin.conflicts SELECT (jsonb_populate_record(c, '{"id": 900}')).*
                FROM rejoin.conflicts c WHERE id = 4
                """, fault: .indexMismatch(conflict: 900)),
    ]
}

@Suite("edge 43: an audit in PostgreSQL of which rows were removed, added or moved")
struct RowTamperingTests {
    @Test("is found out, and the report names the first bad entry", arguments: RowTampering.all)
    fileprivate func tampering(_ tampering: RowTampering) async throws {
        try await TestDatabase.with { test in
            let store = try await test.open()
            try await AuditSample.put(in: store, of: "tenant")
            try #require(try await store.verifyAudit(of: "tenant").fault == nil)
            try await test.database.psql(tampering.sql)
            let report = try await store.verifyAudit(of: "tenant")
            #expect(report.fault == tampering.fault, "\(report)")
            await store.close()
        }
    }
}
