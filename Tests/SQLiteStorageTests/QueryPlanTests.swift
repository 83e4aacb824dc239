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
                _ = try await store.tenants()
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
        INSERT INTO operations SELECT 'large', i, randomblob(16), 0, CAST('r' || (i % 5000) AS BLOB), i % 50, i, i % 3 = 0
            FROM n;
        INSERT INTO operation_groups SELECT tenant, ordinal, x'' FROM operations WHERE ordinal % 20 = 1;
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
        INSERT INTO conflicts SELECT 'large', i, iif(i % 2 = 0, 'stale', 'write_write'), iif(i % 3 = 0, 'open', 'automatic'),
            1, 'c' || (i % 7), 'r' || (i % 5000), 'u' || (i % 9), 'p' || (i % 4), i, iif(i % 11 = 0, 'a' || (i % 5), '') FROM n;
        INSERT INTO audit_sides SELECT tenant, id, 0, id, 'stored', 0, 1, '1', 'd' || (id % 50), 1, 'u' || (id % 40), 'o', 1,
            NULL, NULL FROM conflicts;
        INSERT INTO audit_sides SELECT tenant, id, 1, id, 'incoming', 1, 1, '2', 'd' || (id % 49), 1, 'u' || (id % 40), 'o',
            1, NULL, NULL FROM conflicts;
        INSERT INTO one_time_codes SELECT tenant, 'c' || (id * 7919 % 30011), id FROM conflicts;
        INSERT INTO access_ends SELECT tenant, 'session', 's' || (id * 7919 % 30011), 1, id FROM conflicts;
        INSERT INTO access_ends SELECT tenant, 'tokens', 'u' || id, 1, 9223372036854775807 FROM conflicts;
        COMMIT;
        """
}

@Suite("edge 44: the plans of what is read all the time", .serialized)
struct QueryPlanTests {
    /// Where a query names a device or a user besides what a list searches by.
    private static let sides = [
        "CORRELATED SCALAR SUBQUERY 1", "audit_sides_by_device (tenant=? AND device=? AND conflict=?)",
        "CORRELATED SCALAR SUBQUERY 2", "audit_sides_by_user (tenant=? AND user=? AND conflict=?)",
    ]

    /// In which group an operation stands.
    private static let group = [
        "CORRELATED SCALAR SUBQUERY 1", "sqlite_autoindex_operation_groups_1 (tenant=? AND first<?)",
    ]

    /// How each statement finds its rows: a table by its key, or an index, with the columns that it searches by.
    static let plans: [(SQLiteStorage.Statement, [String])] = [
        (Statements.selectHead, ["tenants (tenant=?)"]),
        (Statements.selectRecord, ["sqlite_autoindex_records_1 (tenant=? AND collection=? AND id=?)"]),
        (Statements.selectChanges, ["records_by_sequence (tenant=? AND sequence>?)"]),
        (Statements.selectPlaces, ["operations_by_id (tenant=? AND id=?)"] + group),
        (
            Statements.selectPlaceOfDot,
            ["CO-ROUTINE newest", "operations_by_record (tenant=? AND record=?)", "SCAN newest"] + group
        ),
        (Statements.selectPlacesOfRecord, ["operations_by_record (tenant=? AND record=? AND ordinal<?)"] + group),
        (Statements.selectPlacesOfRejected, ["operations_rejected (tenant=? AND ordinal<?)"] + group),
        (
            Statements.selectPlacesOfRejectedOfDevice,
            ["operations_rejected_by_device (tenant=? AND author=? AND ordinal<?)"] + group
        ),
        (Statements.selectGroup, ["sqlite_autoindex_operation_groups_1 (tenant=? AND first=?)"]),
        (Statements.selectGroupsOfBatch, ["sqlite_autoindex_operation_groups_1 (tenant=? AND first>? AND first<?)"]),
        (Statements.replaceOperation, ["operations_by_id (tenant=? AND id=? AND twin=?)"]),
        (Statements.selectBatch, ["sqlite_autoindex_batches_1 (tenant=? AND device=? AND key=?)"]),
        (Statements.selectDevice, ["devices (tenant=? AND device=?)"]),
        (Statements.selectDevices, ["devices (tenant=?)"]),
        (Statements.countDevicesOfUser, ["devices_by_user (tenant=? AND user=? AND retired_at=?)"]),
        (Statements.retireDevice, ["devices (tenant=? AND device=?)"]),
        (Statements.acknowledge, ["devices (tenant=? AND device=?)"]),
        (
            Statements.forgetCodes,
            [
                "one_time_codes (tenant=? AND code=?)", "LIST SUBQUERY 1",
                "one_time_codes_by_expiry (tenant=? AND expires_at<?)",
            ]
        ),
        (Statements.selectAccessEnds, ["access_ends (tenant=? AND kind=? AND name=?)"]),
        (
            Statements.forgetAccessEnds,
            [
                "access_ends (tenant=? AND kind=? AND name=?)", "LIST SUBQUERY 1",
                "access_ends_by_expiry (tenant=? AND expires_at<?)",
            ]
        ),
        (Statements.selectLife, ["sqlite_autoindex_lives_1 (id=?)"]),
        (Statements.selectLifeEnd, ["life_beginnings (tenant=? AND life>?)"]),
        (Statements.selectMember, ["members (tenant=? AND user=?)"]),
        (Statements.selectMembers, ["members (tenant=?)"]),
        (Statements.selectMemberships, ["members_by_user (user=?)"]),
        (Statements.deleteMember, ["members (tenant=? AND user=?)"]),
        (Statements.retireLivingDevice, ["devices (tenant=? AND device=?)"]),
        (Statements.selectReviewSessions, ["review_sessions_by_time (tenant=?)"]),
        (Statements.selectReviewSessionsOfUser, ["review_sessions_by_user (tenant=? AND user=?)"]),
        (
            Statements.forgetReviewSessions,
            [
                "review_sessions (tenant=? AND session=?)", "LIST SUBQUERY 1",
                "review_sessions_by_expiry (tenant=? AND expires_at<?)",
            ]
        ),
        (Statements.deleteReviewSession, ["review_sessions (tenant=? AND session=?)"]),
        (Statements.deleteReviewSessions, ["review_sessions_by_time (tenant=? AND began_at<?)"]),
        (Statements.selectAdministration, ["administration (tenant=? AND ordinal<?)"]),
        (Statements.selectAuditEntries, ["audit_entries (tenant=? AND position>?)"]),
        (Statements.selectAuditSides, ["audit_sides (tenant=? AND position>? AND position<?)"]),
        (
            Statements.selectStrandedSides,
            [
                "audit_sides (tenant=?)", "CORRELATED SCALAR SUBQUERY 1",
                "audit_entries (tenant=? AND position=?)",
            ]
        ),
        (Statements.selectAuditEntry, ["audit_entries (tenant=? AND position=?)"]),
        (Statements.selectSidesOfEntry, ["audit_sides (tenant=? AND position=?)"]),
        (Statements.selectEntriesOfConflict, ["audit_entries_by_conflict (tenant=? AND conflict=?)"]),
        (Statements.selectSidesOfConflict, ["audit_sides_by_conflict (tenant=? AND conflict=?)"]),
        (Statements.updateConflict, ["conflicts (tenant=? AND id=?)"]),
        (Statements.assignConflict, ["conflicts (tenant=? AND id=?)"]),
        (Statements.selectFirstConflictSince, ["conflicts_by_time (tenant=? AND opened_at>?)"]),
        (Statements.selectConflict, ["conflicts (tenant=? AND id=?)"]),
        (Statements.selectConflictIndex, ["conflicts (tenant=? AND id>?)"]),
        (Statements.conflicts, ["conflicts (tenant=? AND id>? AND id<?)"] + sides),
        (Statements.conflictsOldest, ["conflicts (tenant=? AND id>? AND id<?)"] + sides),
        (Statements.conflictsOfStatus, ["conflicts_by_status (tenant=? AND status=? AND id>? AND id<?)"] + sides),
        (Statements.conflictsOfStatusOldest, ["conflicts_by_status (tenant=? AND status=? AND id>? AND id<?)"] + sides),
        (Statements.conflictsOfKind, ["conflicts_by_kind (tenant=? AND kind=? AND id>? AND id<?)"] + sides),
        (Statements.conflictsOfKindOldest, ["conflicts_by_kind (tenant=? AND kind=? AND id>? AND id<?)"] + sides),
        (
            Statements.conflictsOfCollection,
            ["conflicts_by_collection (tenant=? AND collection=? AND id>? AND id<?)"] + sides
        ),
        (
            Statements.conflictsOfCollectionOldest,
            ["conflicts_by_collection (tenant=? AND collection=? AND id>? AND id<?)"] + sides
        ),
        (
            Statements.conflictsOfRecord,
            ["conflicts_by_record (tenant=? AND collection=? AND record=? AND id>? AND id<?)"] + sides
        ),
        (
            Statements.conflictsOfRecordOldest,
            ["conflicts_by_record (tenant=? AND collection=? AND record=? AND id>? AND id<?)"] + sides
        ),
        (
            Statements.conflictsOfRecordName,
            ["conflicts_by_record_name (tenant=? AND record=? AND id>? AND id<?)"] + sides
        ),
        (
            Statements.conflictsOfRecordNameOldest,
            ["conflicts_by_record_name (tenant=? AND record=? AND id>? AND id<?)"] + sides
        ),
        (Statements.conflictsOfUnit, ["conflicts_by_unit (tenant=? AND unit=? AND id>? AND id<?)"] + sides),
        (Statements.conflictsOfUnitOldest, ["conflicts_by_unit (tenant=? AND unit=? AND id>? AND id<?)"] + sides),
        (
            Statements.conflictsOfCollectionUnit,
            ["conflicts_by_collection_unit (tenant=? AND collection=? AND unit=? AND id>? AND id<?)"] + sides
        ),
        (
            Statements.conflictsOfCollectionUnitOldest,
            ["conflicts_by_collection_unit (tenant=? AND collection=? AND unit=? AND id>? AND id<?)"] + sides
        ),
        (Statements.conflictsOfPolicy, ["conflicts_by_policy (tenant=? AND policy=? AND id>? AND id<?)"] + sides),
        (Statements.conflictsOfPolicyOldest, ["conflicts_by_policy (tenant=? AND policy=? AND id>? AND id<?)"] + sides),
        (Statements.conflictsOfAssignee, ["conflicts_by_assignee (tenant=? AND assignee=? AND id>? AND id<?)"] + sides),
        (
            Statements.conflictsOfAssigneeOldest,
            ["conflicts_by_assignee (tenant=? AND assignee=? AND id>? AND id<?)"] + sides
        ),
        (
            Statements.conflictsOfDevice,
            [
                "audit_sides_by_device (tenant=? AND device=? AND conflict>? AND conflict<?)",
                "conflicts (tenant=? AND id=?)",
            ] + sides
        ),
        (
            Statements.conflictsOfDeviceOldest,
            [
                "audit_sides_by_device (tenant=? AND device=? AND conflict>? AND conflict<?)",
                "conflicts (tenant=? AND id=?)",
            ] + sides
        ),
        (
            Statements.conflictsOfUser,
            [
                "audit_sides_by_user (tenant=? AND user=? AND conflict>? AND conflict<?)",
                "conflicts (tenant=? AND id=?)",
            ] + sides
        ),
        (
            Statements.conflictsOfUserOldest,
            [
                "audit_sides_by_user (tenant=? AND user=? AND conflict>? AND conflict<?)",
                "conflicts (tenant=? AND id=?)",
            ] + sides
        ),
        (Statements.countByStatus, ["conflicts_by_status (tenant=?)"]),
        (Statements.countByKind, ["conflicts_by_kind (tenant=?)"]),
        (Statements.countByCollection, ["conflicts_by_collection (tenant=?)"]),
        (Statements.countByUnit, ["conflicts_by_collection_unit (tenant=?)"]),
        (Statements.countByDevice, ["audit_sides_by_device (tenant=?)"]),
        (
            Statements.countByDay,
            [
                "CO-ROUTINE days", "SETUP", "conflicts_by_time (tenant=?)", "RECURSIVE STEP", "SCAN days",
                "CORRELATED SCALAR SUBQUERY 2", "conflicts_by_time (tenant=? AND opened_at>?)", "SCAN days",
                "CORRELATED SCALAR SUBQUERY 4", "conflicts_by_time (tenant=? AND opened_at>? AND opened_at<?)",
            ]
        ),
    ]

    /// One for each condition and order.
    static let conflictQueries: [ConflictQuery] = ConflictQuery.Order.allCases.flatMap { order in
        let conditions: [(inout ConflictQuery) -> Void] = [
            { _ in }, { $0.status = .open }, { $0.kind = .stale }, { $0.collection = "c1" },
            {
                $0.collection = "c1"
                $0.record = "r1"
            }, { $0.record = "r1" }, { $0.unit = "u1" },
            {
                $0.collection = "c1"
                $0.unit = "u1"
            }, { $0.policy = "p1" }, { $0.device = "d1" }, { $0.user = "u1" }, { $0.assignee = .user("a1") },
            { $0.assignee = .nobody }, { $0.sinceMilliseconds = 15_000 }, { $0.untilMilliseconds = 15_000 },
            {
                $0.untilMilliseconds = 15_000
                $0.status = .open
            },
        ]
        return conditions.map { condition in
            var query = ConflictQuery(limit: 50)
            query.order = order
            condition(&query)
            return query
        }
    }

    @Test("search by the tenant and the columns that narrow most, and do not sort", arguments: plans)
    func searched(
        _ statement: SQLiteStorage.Statement, _ expected: [String]
    ) async throws {
        let store = try await LargeFile.shared.store()
        let plan = try await store.onReader { database in
            try Row.fetchAll(
                database, sql: "EXPLAIN QUERY PLAN " + statement.sql,
                arguments: StatementArguments(Array(repeating: DatabaseValue.null, count: statement.parameterCount))
            )
            .map { $0["detail"] as String }
        }
        #expect(plan.map(\.shortened) == expected)
    }

    @Test("every search begins with the tenant, and nothing is sorted")
    func everySearch() {
        // What is made up of searches, what they have found for another, the days that were found, and so many of the
        // newest operations of a record.
        let frames = [
            "CORRELATED", "LIST SUBQUERY", "CO-ROUTINE days", "SETUP", "RECURSIVE STEP", "SCAN days",
            "CO-ROUTINE newest", "SCAN newest",
        ]
        // A life is of all tenants, and a user's tenants are looked for before one is known.
        let ofNobody = [Statements.selectLife.name, Statements.selectMemberships.name]
        for (statement, plan) in Self.plans where !ofNobody.contains(statement.name) {
            for step in plan where !frames.contains(where: { step.hasPrefix($0) }) {
                #expect(step.contains("(tenant=?"), "\(statement.name)")
            }
        }
    }

    @Test(
        "a page of changes costs the same at the beginning, in the middle and at the end; an empty poll next to nothing"
    )
    func costOfPages()
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

    @Test("a page of conflicts does not read the others", arguments: conflictQueries)
    func pageOfConflicts(_ query: ConflictQuery) async throws {
        let store = try await LargeFile.shared.store()
        let statement = Statements.selectConflicts(query, by: query.conditions.first)
        let work = try await store.work(statement) {
            let page = try await store.conflicts("large", query)
            #expect(page.count == (query.record == nil ? 50 : page.count))
        }
        // 30,000 conflicts; some tens of steps for each row of the page.
        #expect(work < 10_000, "\(statement.name) took \(work) steps")
    }

    @Test("of several conditions the one that narrows most is searched by")
    func severalConditions() async throws {
        let store = try await LargeFile.shared.store()
        // Half of all are stale and a third are open, but none is superseded, and few are of one record.
        let queries: [(ConflictQuery.Condition, (inout ConflictQuery) -> Void)] = [
            (.status, { ($0.kind, $0.status) = (.stale, .superseded) }),
            (.status, { ($0.device, $0.status) = ("d1", .superseded) }),
            (.record, { ($0.kind, $0.record) = (.writeWrite, "r1") }),
            (.device, { ($0.status, $0.device) = (.open, "d1") }),
            (.unit, { ($0.unit, $0.kind, $0.collection) = ("absent", .stale, "c1") }),
            (.policy, { ($0.policy, $0.collection, $0.user) = ("absent", "c1", "u1") }),
        ]
        for (condition, set) in queries {
            var query = ConflictQuery(limit: 50)
            set(&query)
            let wanted = query
            let statement = Statements.selectConflicts(query, by: condition)
            let work = try await store.work(statement) { _ = try await store.conflicts("large", wanted) }
            #expect(work > 0 && work < 20_000, "\(query): \(statement.name) took \(work) steps")
        }
    }

    @Test("counting conflicts stops at its bound", arguments: conflictQueries)
    func counting(_ query: ConflictQuery) async throws {
        let store = try await LargeFile.shared.store()
        let statement = Statement(counting: Statements.selectConflicts(query, by: query.conditions.first))
        let work = try await store.work(statement) {
            let counts = try await store.conflictCounts("large", [query])
            #expect(counts == [query.record == nil ? 50 : counts.first ?? 0])
        }
        #expect(work < 10_000, "\(statement.name) took \(work) steps")
    }
}

extension String {
    /// A step of a plan without what goes without saying.
    fileprivate var shortened: String {
        guard hasPrefix("SEARCH ") else { return self }
        let parts = dropFirst("SEARCH ".count).replacing("COVERING ", with: "").split(separator: " ", maxSplits: 3)
        // An index names its table; a key does not, and tables go by short names.
        guard parts[2] == "PRIMARY" else { return String(parts[3]) }
        let tables = ["e": "audit_entries", "c": "conflicts", "s": "audit_sides", "u": "audit_sides"]
        return (tables[String(parts[0])] ?? String(parts[0])) + parts[3].dropFirst("KEY".count)
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
        let steps = { @Sendable (database: Database) in
            let handle = try database.cachedStatement(sql: statement.sql).sqliteStatement
            return Int(sqlite3_stmt_status(handle, SQLITE_STMTSTATUS_VM_STEP, 1))
        }
        _ = try await onReader(steps)
        try await body()
        return try await onReader(steps)
    }
}
