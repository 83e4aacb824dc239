import Foundation
import PostgreSQLCluster
import SyncStorage
import Testing

@testable import PostgreSQLStorage

/// A tenant of a given size beside a small one.
private struct Filling {
    let records: Int
    let conflicts: Int
    let devices: Int

    var sql: String {
        """
        SET search_path = rejoin; SET synchronous_commit = off;
        INSERT INTO tenants VALUES ('large', \(records), \(conflicts), \(conflicts), '', 0, 0),
            ('small', 10, 0, 0, '', 0, 0);
        INSERT INTO records SELECT 'large', 'c' || (i % 7), 'r' || i, i, false, false, '{"d":1}', i, '{"n":1}', NULL, '{}', 0, i
            FROM generate_series(1, \(records)) i;
        INSERT INTO records SELECT 'small', 'c' || (i % 7), 'r' || i, i, false, false, '{"d":1}', i, '{"n":1}', NULL, '{}', 0, i
            FROM generate_series(1, 10) i;
        INSERT INTO operations SELECT 'large', gen_random_uuid(), 0, i, i % 50, i, md5('r' || (i % 5000))::uuid, i % 3 = 0
            FROM generate_series(1, \(conflicts)) i;
        INSERT INTO operation_groups SELECT tenant, ordinal, '' FROM operations WHERE ordinal % 20 = 1;
        INSERT INTO batches SELECT 'large', 'd' || (i % 50), 'b' || i, '', '{}', i, i, i
            FROM generate_series(1, \(conflicts)) i;
        INSERT INTO devices SELECT 'large', 'd' || i, 'u', 0, 0, 0, NULL FROM generate_series(1, \(devices)) i;
        INSERT INTO conflicts SELECT 'large', i, CASE WHEN i % 2 = 0 THEN 'stale' ELSE 'write_write' END,
            CASE WHEN i % 3 = 0 THEN 'open' ELSE 'automatic' END, 1, 'c' || (i % 7), 'r' || (i % 5000), 'u' || (i % 9),
            'p' || (i % 4), i, CASE WHEN i % 10 = 0 THEN 'a' || (i % 30) ELSE '' END FROM generate_series(1, \(conflicts)) i;
        INSERT INTO audit_entries SELECT 'large', i, i, 1, 'opened', 'c', 'r', 'b', 'd', i, '{}', '{}', '{}', ''
            FROM generate_series(1, \(conflicts)) i;
        INSERT INTO audit_sides SELECT tenant, id, 0, id, 'stored', false, true, '1', 'd' || (id % 50), 1, 'u' || (id % 40),
            'o', 1, NULL FROM conflicts;
        INSERT INTO audit_sides SELECT tenant, id, 1, id, 'incoming', true, true, '2', 'd' || (id % 49), 1, 'u' || (id % 40),
            'o', 1, NULL FROM conflicts;
        INSERT INTO members SELECT 'large', 'u' || i, 'device', i FROM generate_series(1, \(devices)) i;
        INSERT INTO review_sessions SELECT tenant, 's' || id, 'u' || (id % 40), id, id + 100, 'link', '' FROM conflicts;
        INSERT INTO administration SELECT tenant, id, id, '', 'act', 's', '' FROM conflicts;
        INSERT INTO one_time_codes SELECT tenant, 'c' || id, id FROM conflicts;
        INSERT INTO access_ends SELECT tenant, 'session', 's' || id, 1, id FROM conflicts;
        INSERT INTO access_ends SELECT tenant, 'tokens', 'u' || id, 1, 9223372036854775807 FROM conflicts;
        """
    }
}

/// How a statement is planned in a session of the server, for all values.
private struct Plan {
    let text: String

    /// The indexes that it goes through, each with the columns that it searches by.
    var steps: [String] {
        text.matches(of: #/Index (?:Only )?Scan (?:Backward )?using (\w+) on [^\n]*\n\s*Index Cond: ([^\n]*)/#).map {
            match in
            let columns = match.2.matches(of: #/\(\(?"?(\w+)"?\)?(?:::text)? (=|<=|>=|<|>) /#).map { "\($0.1)\($0.2)?" }
            return "\(match.1) (\(columns.joined(separator: " AND ")))"
        }
    }

    var readsOrSortsMoreThanItNeeds: Bool {
        text.contains(#/Seq Scan|Bitmap|Hash Join|Merge Join|Sort|Parallel/#)
    }
}

extension TestDatabase {
    /// The plans of statements as the server's role gets them, in its settings.
    fileprivate func plans(_ statements: [Statement]) async throws -> [Plan] {
        var script = [
            "PREPARE configure AS \(Statements.configure.sql);", "BEGIN;",
            "EXECUTE configure('0', '0', '0');", "SET LOCAL rejoin.tenant = 'large';",
        ]
        for statement in statements {
            let count = statement.sql.matches(of: #/\$(\d+)/#).compactMap { Int($0.1) }.max() ?? 0
            // The plan is the same for all values, so NULL will do.
            let values = count == 0 ? "" : "(\(Array(repeating: "NULL", count: count).joined(separator: ", ")))"
            script += [
                "\\echo ====", "PREPARE planned AS \(statement.sql);", "EXPLAIN (COSTS OFF) EXECUTE planned\(values);",
                "DEALLOCATE planned;",
            ]
        }
        let output = try await database.psql(
            script.joined(separator: "\n"), user: PostgreSQLCluster.serverRole)
        return output.components(separatedBy: "====\n").dropFirst().map { Plan(text: $0) }
    }
}

@Suite("edge 44: the plans of what PostgreSQL is asked all the time", .serialized)
struct QueryPlanTests {
    private static let ofCommits: Set<Statement> = [
        Statements.lockHead, Statements.selectRecords, Statements.selectPlaces, Statements.selectPlacesOfDots,
        Statements.selectGroups, Statements.selectGroupsOfBatches,
        Statements.selectBatches, Statements.selectDevicesOfReadSet, Statements.updateHead,
        Statements.selectChanges,
    ]

    /// In which group an operation stands.
    private static let group = "operation_groups_pkey (tenant=? AND first<=?)"

    /// How each statement comes by its rows.
    static let expected: [(Statement, [String])] =
        [
            (Statements.lockHead, ["tenants_pkey (tenant=?)"]),
            (Statements.selectHead, ["tenants_pkey (tenant=?)"]),
            (Statements.updateHead, ["tenants_pkey (tenant=?)"]),
            (Statements.selectRecords, ["records_pkey (tenant=? AND collection=? AND id=?)"]),
            (Statements.selectRecord, ["records_pkey (tenant=? AND collection=? AND id=?)"]),
            (Statements.selectChanges, ["records_by_sequence (tenant=? AND sequence>?)"]),
            (Statements.selectPlaces, ["operations_pkey (tenant=? AND id=?)", group]),
            (Statements.selectPlacesOfDots, ["operations_by_record (tenant=? AND record=?)", group]),
            (Statements.selectPlacesOfRecord, ["operations_by_record (tenant=? AND record=? AND ordinal<?)", group]),
            (Statements.selectPlacesOfRejected, ["operations_rejected (tenant=? AND ordinal<?)", group]),
            (
                Statements.selectPlacesOfRejectedOfDevice,
                ["operations_rejected_by_device (tenant=? AND author=? AND ordinal<?)", group]
            ),
            (Statements.selectGroups, ["operation_groups_pkey (tenant=? AND first=?)"]),
            (Statements.selectGroupsOfBatches, ["operation_groups_pkey (tenant=? AND first>=? AND first<=?)"]),
            (Statements.replaceOperation, ["operations_pkey (tenant=? AND id=? AND twin=?)"]),
            (Statements.selectBatches, ["batches_pkey (tenant=? AND device=? AND key=?)"]),
            (Statements.selectBatch, ["batches_pkey (tenant=? AND device=? AND key=?)"]),
            (Statements.selectDevicesOfReadSet, ["devices_pkey (tenant=? AND device=?)"]),
            (Statements.selectDevice, ["devices_pkey (tenant=? AND device=?)"]),
            (Statements.selectDevices, ["devices_pkey (tenant=?)"]),
            (Statements.countDevicesOfUser, ["devices_by_user (tenant=? AND user=?)"]),
            (Statements.retireDevice, ["devices_pkey (tenant=? AND device=?)"]),
            (Statements.acknowledge, ["devices_pkey (tenant=? AND device=?)"]),
            (
                Statements.forgetCodes,
                [
                    "one_time_codes_by_expiry (tenant=? AND expires_at<?)",
                    "one_time_codes_pkey (tenant=? AND code=?)",
                ]
            ),
            (Statements.selectAccessEnds, ["access_ends_pkey (tenant=? AND kind=? AND name=?)"]),
            (
                Statements.forgetAccessEnds,
                [
                    "access_ends_by_expiry (tenant=? AND expires_at<?)",
                    "access_ends_pkey (tenant=? AND kind=? AND name=?)",
                ]
            ),
            (Statements.selectMember, ["members_pkey (tenant=? AND user=?)"]),
            (Statements.selectMembers, ["members_pkey (tenant=?)"]),
            (Statements.deleteMember, ["members_pkey (tenant=? AND user=?)"]),
            (Statements.retireLivingDevice, ["devices_pkey (tenant=? AND device=?)"]),
            (Statements.selectReviewSessions, ["review_sessions_by_time (tenant=?)"]),
            (Statements.selectReviewSessionsOfUser, ["review_sessions_by_user (tenant=? AND user=?)"]),
            (
                Statements.forgetReviewSessions,
                [
                    "review_sessions_by_expiry (tenant=? AND expires_at<?)",
                    "review_sessions_pkey (tenant=? AND session=?)",
                ]
            ),
            (Statements.deleteReviewSession, ["review_sessions_pkey (tenant=? AND session=?)"]),
            (Statements.deleteReviewSessions, ["review_sessions_by_time (tenant=? AND began_at<?)"]),
            (Statements.selectAdministration, ["administration_pkey (tenant=? AND ordinal<?)"]),
            (Statements.selectAuditEntries, ["audit_entries_pkey (tenant=? AND position>?)"]),
            (Statements.selectAuditSides, ["audit_sides_pkey (tenant=? AND position>? AND position<=?)"]),
            (
                Statements.selectStrandedSides,
                ["audit_sides_pkey (tenant=?)", "audit_entries_pkey (tenant=? AND position=?)"]
            ),
            (Statements.selectEntriesOfConflicts, ["audit_entries_by_conflict (tenant=? AND conflict=?)"]),
            (Statements.selectSidesOfConflicts, ["audit_sides_by_conflict (tenant=? AND conflict=?)"]),
            (Statements.selectEntriesAt, ["audit_entries_pkey (tenant=? AND position=?)"]),
            (Statements.selectSidesAt, ["audit_sides_pkey (tenant=? AND position=?)"]),
            (Statements.updateConflicts, ["conflicts_pkey (tenant=? AND id=?)"]),
            (Statements.selectConflict, ["conflicts_pkey (tenant=? AND id=?)"]),
            (Statements.selectConflictIndex, ["conflicts_pkey (tenant=? AND id>?)"]),
        ] + conflictLists
        + conflictLists.filter { $0.0.sql.hasSuffix("LIMIT $13::bigint") }.map { list in
            (Statement(counting: list.0), list.1)
        }

    private static let conflictLists: [(Statement, [String])] = [
        (Statements.conflicts, ["conflicts_pkey (tenant=? AND id>? AND id<?)"] + sides),
        (Statements.conflictsOldest, ["conflicts_pkey (tenant=? AND id>? AND id<?)"] + sides),
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
        (Statements.conflictsOfUnit, ["conflicts_by_unit (tenant=? AND unit=? AND id>? AND id<?)"] + sides),
        (Statements.conflictsOfUnitOldest, ["conflicts_by_unit (tenant=? AND unit=? AND id>? AND id<?)"] + sides),
        (
            Statements.conflictsOfRecordName,
            ["conflicts_by_record_name (tenant=? AND record=? AND id>? AND id<?)"] + sides
        ),
        (
            Statements.conflictsOfRecordNameOldest,
            ["conflicts_by_record_name (tenant=? AND record=? AND id>? AND id<?)"] + sides
        ),
        (
            Statements.conflictsOfCollectionUnit,
            ["conflicts_by_collection_unit (tenant=? AND collection=? AND unit=? AND id>? AND id<?)"] + sides
        ),
        (
            Statements.conflictsOfCollectionUnitOldest,
            ["conflicts_by_collection_unit (tenant=? AND collection=? AND unit=? AND id>? AND id<?)"] + sides
        ),
        (Statements.conflictsOfAssignee, ["conflicts_by_assignee (tenant=? AND assignee=? AND id>? AND id<?)"] + sides),
        (
            Statements.conflictsOfAssigneeOldest,
            ["conflicts_by_assignee (tenant=? AND assignee=? AND id>? AND id<?)"] + sides
        ),
        (Statements.selectConflicts, ["conflicts_pkey (tenant=? AND id=?)"]),
        (Statements.assignConflicts, ["conflicts_pkey (tenant=? AND id=?)"]),
        (Statements.selectFirstConflictSince, ["conflicts_by_time (tenant=? AND opened_at>=?)"]),
        (Statements.countByStatus, ["conflicts_by_status (tenant=?)"]),
        (Statements.countByKind, ["conflicts_by_kind (tenant=?)"]),
        (Statements.countByUnit, ["conflicts_by_collection_unit (tenant=?)"]),
        (Statements.countByDevice, ["audit_sides_by_device (tenant=?)"]),
        (Statements.conflictsOfPolicy, ["conflicts_by_policy (tenant=? AND policy=? AND id>? AND id<?)"] + sides),
        (Statements.conflictsOfPolicyOldest, ["conflicts_by_policy (tenant=? AND policy=? AND id>? AND id<?)"] + sides),
        (
            Statements.conflictsOfDevice,
            ofSides("audit_sides_by_device (tenant=? AND device=? AND conflict>? AND conflict<?)")
        ),
        (
            Statements.conflictsOfDeviceOldest,
            ofSides("audit_sides_by_device (tenant=? AND device=? AND conflict>? AND conflict<?)")
        ),
        (
            Statements.conflictsOfUser,
            ofSides("audit_sides_by_user (tenant=? AND user=? AND conflict>? AND conflict<?)")
        ),
        (
            Statements.conflictsOfUserOldest,
            ofSides("audit_sides_by_user (tenant=? AND user=? AND conflict>? AND conflict<?)")
        ),
    ]

    private static func ofSides(_ scan: String) -> [String] { [scan, "conflicts_pkey (tenant=? AND id=?)"] + sides }

    /// Where a query names a device or a user besides what a list searches by.
    private static let sides = [
        "audit_sides_by_device (tenant=? AND device=? AND conflict=?)",
        "audit_sides_by_user (tenant=? AND user=? AND conflict=?)",
    ]

    @Test("are index ranges that begin with the tenant, on a million records and a hundred thousand conflicts")
    func largeTables()
        async throws
    {
        try await TestDatabase.with { test in
            try await test.database.psql(Filling(records: 1_000_000, conflicts: 100_000, devices: 5_000).sql)
            try await test.database.psql("VACUUM (ANALYZE)")
            let plans = try await test.plans(Self.expected.map(\.0))
            #expect(plans.count == Self.expected.count)
            for (plan, (statement, steps)) in zip(plans, Self.expected) {
                #expect(plan.steps == steps, "\(statement.name):\n\(plan.text)")
                #expect(!plan.readsOrSortsMoreThanItNeeds, "\(statement.name):\n\(plan.text)")
            }
        }
    }

    /// Where all conflicts are alike, counting values would tell the planner that no condition narrows anything.
    @Test("are the same where a policy decided every conflict of a few devices")
    func decidedByPolicy() async throws {
        try await TestDatabase.with { test in
            try await test.database.psql(Filling(records: 1_000, conflicts: 100_000, devices: 2).sql)
            try await test.database.psql(
                """
                UPDATE rejoin.conflicts SET kind = 'write_write', status = 'automatic', collection = 'c', unit = 'u',
                    policy = 'lww', assignee = '';
                UPDATE rejoin.audit_sides SET device = 'd' || ordinal, "user" = 'u'
                """)
            try await test.database.psql("VACUUM (ANALYZE)")
            let lists = Self.expected.filter { $0.0.sql.contains("LIMIT $13::bigint") }
            #expect(lists.count > 30)
            let plans = try await test.plans(lists.map(\.0))
            for (plan, (statement, steps)) in zip(plans, lists) {
                #expect(plan.steps == steps, "\(statement.name):\n\(plan.text)")
            }
        }
    }

    /// Until the first statistics are gathered, which takes a minute, a commit must not read all that its tenant has.
    @Test("are those of a commit on tables that have just begun to fill, too")
    func smallTables() async throws {
        try await TestDatabase.with { test in
            try await test.database.psql(Filling(records: 2_000, conflicts: 2_000, devices: 1_000).sql)
            let expected = Self.expected.filter { Self.ofCommits.contains($0.0) }
            let plans = try await test.plans(expected.map(\.0))
            for (plan, (statement, steps)) in zip(plans, expected) {
                #expect(plan.steps == steps, "\(statement.name):\n\(plan.text)")
            }
        }
    }

    /// The first batches of a new database are planned for on empty tables.
    @Test("are those of a commit on empty tables, too")
    func emptyTables() async throws {
        try await TestDatabase.with { test in
            let expected = Self.expected.filter { Self.ofCommits.contains($0.0) }
            let plans = try await test.plans(expected.map(\.0))
            for (plan, (statement, steps)) in zip(plans, expected) {
                #expect(plan.steps == steps, "\(statement.name):\n\(plan.text)")
            }
        }
    }

    /// A session that is seldom used would keep the plans of empty tables, in which every index looks alike.
    @Test("are made again a second after the first ones, however little a session was used")
    func madeAgain() async throws {
        try await TestDatabase.with { test in
            var options = PostgreSQLStore.Options()
            options.connections = 1
            let store = try await test.open(options)
            func plannings() async throws -> Int {
                try await store.threads.run(probe: nil) { (session: Session) throws(StoreError) in session.planningCount
                }
            }
            // As many works as that are too few to plan anew for them alone.
            var count = try await plannings()
            for _ in 0..<8 where count == 0 {
                try await Task.sleep(for: .milliseconds(600))
                count = try await plannings()
            }
            #expect(count > 0)
            await store.close()
        }
    }
}
