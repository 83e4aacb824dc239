import Causality
import Foundation
import GRDB
import MergeCore
import StorageConformance
import SyncStorage
import Testing

@testable import SQLiteStorage

/// What somebody with a shell does to the audit, and what the verification says of it.
struct Tampering: Sendable, CustomStringConvertible {
    let sql: String
    /// The fault that is found, from the tampered conflict's id and the last position.
    let fault: @Sendable (_ entry: Int64, _ last: Int64) -> AuditFault

    var description: String { sql }

    init(_ sql: String, _ fault: @escaping @Sendable (Int64, Int64) -> AuditFault) {
        self.sql = sql
        self.fault = fault
    }

    private static func edits(
        _ table: String, _ key: String, _ edits: KeyValuePairs<String, String>,
        _ fault: @escaping @Sendable (Int64, Int64) -> AuditFault
    ) -> [Tampering] {
        edits.map { column, value in
            Tampering(
                "UPDATE \(table) SET \(column) = \(value) WHERE tenant = 'tenant' AND \(key) = :entry"
                    + (table == "audit_sides" ? " AND ordinal = 0" : ""), fault)
        }
    }

    /// Every column of an entry. `:entry` is the entry that opened the tampered conflict.
    static let entries =
        edits(
            "audit_entries", "position",
            [
                "conflict": "900", "version": "900", "type": "'superseded'", "collection": "'notes'", "record": "'r9'",
                "batch": "'another'", "device": "'another'", "recorded_at": "recorded_at + 1", "clock_before": "'{}'",
                "clock_after": "'{}'", "clocks_from": "coalesce(clocks_from, 0) + 1",
                "detail": "replace(detail, '\"', '\"\"')", "hash": "zeroblob(32)",
                // The same text to the eye, to a C string, to Unicode.
                "record ": "record || ' '", "batch ": "batch || char(0) || 'x'", "device ": "CAST(x'ff' AS TEXT)",
            ]
        ) { entry, _ in .altered(position: entry) }
        + edits("audit_entries", "position", ["position": "9000", "tenant": "'other'"]) { entry, _ in
            .missing(position: entry)
        }

    /// Every column of a side.
    static let sides = edits(
        "audit_sides", "position",
        [
            "tenant": "'other'", "position": "9000", "ordinal": "7", "conflict": "900", "role": "'none'",
            "won": "1 - won", "present": "1 - present", "value": "'\"forged\"'",
            "value_from": "coalesce(value_from, 0) + 1", "device": "'forged'",
            "counter": "counter + 1", "user": "'forged'", "operation": "'forged'", "stamp": "stamp - 1",
            "claimed_at": "coalesce(claimed_at, 0) + 1", "claimed_at ": "iif(claimed_at IS NULL, 1, NULL)",
        ]
    ) { entry, _ in .altered(position: entry) }

    /// Every column of the index.
    static let index =
        edits(
            "conflicts", "id",
            [
                "tenant": "'other'", "kind": "'forged'", "status": "'resolved'", "version": "900",
                "collection": "'notes '", "record": "'r9'", "unit": "'forged'", "policy": "'forged'",
                "opened_at": "opened_at + 1", "assignee": "'forged'",
            ]
        ) { entry, _ in .indexMismatch(conflict: entry) }
        + edits("conflicts", "id", ["id": "9000"]) { _, _ in .indexMismatch(conflict: 9_000) }
        + edits("conflicts", "id", ["id": "-5"]) { _, _ in .indexMismatch(conflict: -5) }

    private static let copiedEntry = """
        conflict, 77, type, collection, record, batch, device, recorded_at, clock_before, clock_after, detail, hash,
        clocks_from
        FROM audit_entries WHERE tenant = 'tenant' AND position = :entry
        """
    private static let copiedSide = """
        conflict, role, won, present, value, device, counter, user, operation, stamp, claimed_at, value_from
        FROM audit_sides WHERE tenant = 'tenant' AND position = :entry AND ordinal = 0
        """

    /// Rows that go, come and change places.
    static let rows: [Tampering] = [
        Tampering("DELETE FROM audit_entries WHERE position = :entry") { entry, _ in .missing(position: entry) },
        Tampering("DELETE FROM audit_entries WHERE position = 1") { _, _ in .missing(position: 1) },
        Tampering("DELETE FROM audit_entries WHERE position = :last") { _, last in .missing(position: last) },
        Tampering("DELETE FROM audit_entries") { _, _ in .missing(position: 1) },
        Tampering("DELETE FROM audit_sides WHERE position = :entry AND ordinal = 0") { entry, _ in
            .altered(position: entry)
        },
        Tampering("DELETE FROM audit_sides WHERE position = :entry") { entry, _ in .altered(position: entry) },
        Tampering("DELETE FROM conflicts WHERE id = :entry") { entry, _ in .indexMismatch(conflict: entry) },
        Tampering(
            """
            UPDATE audit_entries SET position = -1 WHERE position = :entry;
            UPDATE audit_entries SET position = :entry WHERE position = :entry + 1;
            UPDATE audit_entries SET position = :entry + 1 WHERE position = -1
            """
        ) { entry, _ in .altered(position: entry) },
        Tampering(
            """
            UPDATE audit_sides SET ordinal = -1 WHERE position = :entry AND ordinal = 0;
            UPDATE audit_sides SET ordinal = 0 WHERE position = :entry AND ordinal = 1;
            UPDATE audit_sides SET ordinal = 1 WHERE position = :entry AND ordinal = -1
            """
        ) { entry, _ in .altered(position: entry) },
        Tampering("INSERT INTO audit_entries SELECT tenant, :last + 1, \(copiedEntry)") { _, last in
            .headMismatch(position: last + 1)
        },
        Tampering("INSERT INTO audit_entries SELECT tenant, 0, \(copiedEntry)") { _, _ in .altered(position: 0) },
        Tampering("INSERT INTO audit_sides SELECT tenant, position, 9, \(copiedSide)") { entry, _ in
            .altered(position: entry)
        },
        Tampering(
            "INSERT INTO audit_sides SELECT tenant, position, (SELECT count(*) FROM audit_sides WHERE position = :entry),"
                + copiedSide
        ) { entry, _ in .altered(position: entry) },
        Tampering("INSERT INTO audit_sides SELECT tenant, 9000, 0, \(copiedSide)") { _, _ in
            .strandedSides(position: 9_000)
        },
        Tampering("INSERT INTO audit_sides SELECT tenant, -7, 0, \(copiedSide)") { _, _ in
            .strandedSides(position: -7)
        },
        Tampering(
            "INSERT INTO conflicts SELECT tenant, 9000, kind, status, version, collection, record, unit, policy, opened_at,"
                + " assignee"
                + " FROM conflicts WHERE id = :entry"
        ) { _, _ in .indexMismatch(conflict: 9_000) },
        Tampering("UPDATE tenants SET audit_hash = zeroblob(32)") { _, last in .headMismatch(position: last) },
        Tampering("UPDATE tenants SET audit_recorded_at = audit_recorded_at - 1") { _, last in
            .headMismatch(position: last)
        },
        Tampering("UPDATE tenants SET audit_position = audit_position - 1") { _, last in .headMismatch(position: last)
        },
        Tampering("UPDATE tenants SET audit_position = audit_position + 1") { _, last in .missing(position: last + 1) },
    ]

    static let all = entries + sides + index + rows
}

/// One file with an audit, which every case takes a copy of.
private actor AuditedFile {
    static let shared = AuditedFile()
    private var file: Task<Data, any Error>?

    /// The file's bytes.
    func bytes() async throws -> Data {
        let task =
            file
            ?? Task {
                try await withTemporaryPath { path in
                    let store = try SQLiteStore.open(at: path)
                    try await store.makeAudit(of: "tenant")
                    await store.close()
                    return try Data(contentsOf: URL(filePath: path))
                }
            }
        file = task
        return try await task.value
    }
}

@Suite("edge 43: an audit that somebody changed in the database")
struct TamperingTests {
    @Test("is found out, and the report names the first bad entry", arguments: Tampering.all)
    func tampering(_ tampering: Tampering) async throws {
        let bytes = try await AuditedFile.shared.bytes()
        try await withTemporaryPath { path in
            try bytes.write(to: URL(filePath: path))
            let (entry, last, changes) = try raw(path) { database in
                // A conflict in the middle, with a value from a time that the device claimed.
                let entry =
                    try Int64.fetchOne(
                        database,
                        sql: """
                            SELECT id FROM conflicts c WHERE id > 3 AND status <> 'resolved' AND EXISTS (
                                SELECT 1 FROM audit_sides s WHERE s.conflict = c.id AND s.claimed_at IS NOT NULL)
                            """) ?? 0
                let last = try Int64.fetchOne(database, sql: "SELECT audit_position FROM tenants") ?? 0
                let before = database.totalChangesCount
                try database.execute(
                    literal: SQL(
                        sql: tampering.sql.replacing(":entry", with: "\(entry)").replacing(":last", with: "\(last)")))
                return (entry, last, database.totalChangesCount - before)
            }
            #expect(changes > 0)
            let store = try SQLiteStore.open(at: path)
            let report = try await store.verifyAudit(of: "tenant")
            #expect(report.fault == tampering.fault(entry, last))
            await store.close()
        }
    }

    @Test("is whole where nobody did")
    func untouched() async throws {
        let bytes = try await AuditedFile.shared.bytes()
        try await withTemporaryPath { path in
            try bytes.write(to: URL(filePath: path))
            let store = try SQLiteStore.open(at: path)
            let report = try await store.verifyAudit(of: "tenant")
            #expect(report.fault == nil)
            #expect(report.entries > 10)
            await store.close()
        }
    }

    @Test("every column of the three tables is among the cases")
    func everyColumn() async throws {
        try await withTemporaryStore { store in
            for (table, cases) in [
                ("audit_entries", Tampering.entries), ("audit_sides", Tampering.sides), ("conflicts", Tampering.index),
            ] {
                let columns = try await store.onReader { try $0.columns(in: table).map(\.name) }
                for column in columns {
                    #expect(cases.contains { $0.sql.contains("SET \(column) = ") }, "\(table).\(column)")
                }
            }
        }
    }
}

extension SQLiteStore {
    /// Conflicts of several kinds on several records.
    /// - Parameter operationsPerBatch: 2, or 1 for an audit in which no entry refers to another.
    func makeAudit(of tenant: TenantID, operationsPerBatch: Int = 2) async throws {
        let committer = Committer(self, tenant)
        for number in 1...8 {
            let record = RecordKey("estimates", ExactString("r\(number)"))
            try await committer.commit(
                Batch(
                    ExactString("a\(number)"), from: "anna",
                    [
                        Operation(
                            .create, OperationID("a\(number)"), on: record, clock: ["anna": 1], ["title": "hers"],
                            at: 1_600_000_000_000)
                    ]))
            let operations = [
                Operation(
                    .create, OperationID("b\(number)"), on: record, clock: ["ben": 1],
                    ["title": "his", "sum": .integer(Int64(number))], at: 1_600_000_000_001),
                Operation(.delete, OperationID("c\(number)"), on: record, clock: ["ben": 2]),
            ]
            for start in stride(from: 0, to: operations.count, by: operationsPerBatch) {
                let batch = Array(operations[start..<min(start + operationsPerBatch, operations.count)])
                try await committer.commit(Batch(ExactString("b\(number)-\(start)"), from: "ben", batch))
            }
        }
    }
}
