import Foundation
import PostgreSQLCluster
import SyncStorage
import Testing

@testable import PostgreSQLStorage

/// What holds of every statement of a tenant, so that its tables can lie on any node.
@Suite("every statement of a tenant")
struct TenantStatementTests {
    private static let ofTenant: [Statement] =
        [
            Statements.lockHead, Statements.selectHead, Statements.updateHead, Statements.insertTenant,
            Statements.selectRecords, Statements.insertRecords, Statements.writeRecords, Statements.selectRecord,
            Statements.selectChanges, Statements.selectDevicesOfReadSet, Statements.selectDevice,
            Statements.selectDevices, Statements.countDevicesOfUser, Statements.insertDevices, Statements.retireDevice,
            Statements.acknowledge,
            Statements.insertCode, Statements.forgetCodes, Statements.selectAccessEnds, Statements.upsertAccessEnd,
            Statements.forgetAccessEnds, Statements.selectPlaces, Statements.selectPlacesOfDots,
            Statements.selectPlacesOfRecord, Statements.selectPlacesOfRejected,
            Statements.selectPlacesOfRejectedOfDevice, Statements.selectGroups, Statements.selectGroupsOfBatches,
            Statements.insertOperations, Statements.replaceOperation, Statements.insertGroups,
            Statements.selectBatches, Statements.selectBatch, Statements.insertBatches,
            Statements.insertAuditEntries, Statements.insertAuditSides, Statements.selectAuditEntries,
            Statements.selectAuditSides, Statements.selectStrandedSides, Statements.selectEntriesOfConflicts,
            Statements.selectSidesOfConflicts, Statements.selectEntriesAt, Statements.selectSidesAt,
            Statements.insertConflicts, Statements.assignConflicts, Statements.updateConflicts,
            Statements.selectConflict, Statements.selectConflictIndex, Statements.selectConflicts,
            Statements.selectFirstConflictSince, Statements.countByStatus, Statements.countByKind,
            Statements.countByCollection, Statements.countByUnit, Statements.countByDevice, Statements.countByDay,
            Statements.selectSettingsOnNode, Statements.insertLifeBeginning, Statements.selectLifeEnd,
            Statements.selectMember, Statements.selectMembers, Statements.upsertMember, Statements.deleteMember,
            Statements.retireLivingDevice, Statements.insertReviewSession, Statements.selectReviewSessions,
            Statements.selectReviewSessionsOfUser, Statements.forgetReviewSessions, Statements.deleteReviewSession,
            Statements.deleteReviewSessions, Statements.insertAdministration, Statements.selectAdministration,
        ] + lists + lists.map { Statement(counting: $0) }

    private static let lists: [Statement] = [
        Statements.conflicts, Statements.conflictsOldest, Statements.conflictsOfStatus,
        Statements.conflictsOfStatusOldest, Statements.conflictsOfKind, Statements.conflictsOfKindOldest,
        Statements.conflictsOfCollection, Statements.conflictsOfCollectionOldest, Statements.conflictsOfRecord,
        Statements.conflictsOfRecordOldest, Statements.conflictsOfRecordName,
        Statements.conflictsOfRecordNameOldest, Statements.conflictsOfUnit, Statements.conflictsOfUnitOldest,
        Statements.conflictsOfCollectionUnit, Statements.conflictsOfCollectionUnitOldest,
        Statements.conflictsOfPolicy, Statements.conflictsOfPolicyOldest, Statements.conflictsOfAssignee,
        Statements.conflictsOfAssigneeOldest, Statements.conflictsOfDevice, Statements.conflictsOfDeviceOldest,
        Statements.conflictsOfUser, Statements.conflictsOfUserOldest,
    ]

    /// Those that concern the session, the schema or the database as a whole.
    private static let ofNobody: [Statement] = [
        Statements.configure, Statements.discardPlans, Statements.selectServer, Statements.selectRecovery,
        Statements.ping, Statements.examine, Statements.schemaIsThere, Statements.schemaVersion,
        Statements.lockMigrations, Statements.createSchema, Statements.createVersions, Statements.insertVersion,
        Statements.insertStore, Statements.selectStore, Statements.grant, Statements.begin, Statements.setTenant,
        Statements.setOnNodes, Statements.waitForCommit, Statements.commit, Statements.rollback,
        Statements.beginReading, Statements.endReading, Statements.selectTenants, Statements.lockKeyCheck,
        Statements.selectKeyCheck, Statements.updateKeyCheck, Statements.listen, Statements.notify,
        Statements.setFormerTenant, Statements.selectFormerOperations, Statements.dropFormerOperations,
        Statements.selectCitusVersion, Statements.selectDistribution, Statements.selectPropagation,
        Statements.selectWorkers, Statements.selectSettings, Statements.noteLife,
        Statements.selectMemberships,
    ]

    @Test("is known to these tests")
    func all() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Sources/PostgreSQLStorage/Statements")
        var names: Set<String> = []
        for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil) {
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: #/ Statement\(\s*"([^"]+)"/#) { names.insert(String(match.1)) }
        }
        let known = Self.ofTenant.dropLast(Self.lists.count) + Self.ofNobody
        #expect(names.count > 90)
        #expect(names == Set(known.map(\.name)))
    }

    // MARK: Words

    @Test("is one of a tenant that SET LOCAL alone has named")
    func naming() async throws {
        let texts = (Self.ofTenant + Self.ofNobody).flatMap { statement in
            [Topology.oneNode, .citus].map { (statement.name, statement.sql(on: $0)) }
        }
        // The one sets the session, the other names tenants of a schema that no cluster has.
        #expect(
            Set(texts.filter { $0.1.contains("set_config") }.map(\.0)) == ["configure session", "set former tenant"])
        #expect(!Statements.configure.sql.contains("rejoin.tenant"))
        // Citus would write the short form of a comparison out in a way that PostgreSQL does not read.
        for (name, text) in texts { #expect(!text.contains(#/CASE (?!WHEN)/#), "\(name)") }
        try await TestDatabase.with { test in
            let functions = try await test.database.psql(
                """
                SELECT count(*) FILTER (WHERE prosrc LIKE '%set_config%') || ' '
                    || count(*) FILTER (WHERE prosrc LIKE '%SET LOCAL rejoin.tenant = %')
                FROM pg_proc WHERE pronamespace = 'rejoin'::regnamespace
                """)
            #expect(functions == "0 1")
        }
    }

    // MARK: Plans

    /// A call of the statement with values of some kind. Numbers ascend, as bounds do: nothing lies between bounds that
    /// are equal, and the planner knows.
    private static func call(_ statement: Statement, on topology: Topology) -> String {
        var types: [Int: String] = [:]
        for match in statement.sql(on: topology).matches(of: #/\$(\d+)::(\w+(?:\[\])?)/#) {
            types[Int(match.1) ?? 0] = String(match.2)
        }
        let values = types.sorted { $0.key < $1.key }.map { number, type in
            switch (number, type) {
            case (1, _): "'acme'"
            case (_, "bigint"): "'\(number)'"
            case (_, "boolean"): "'true'"
            case (_, "uuid"): "'0199b7f0-7d4e-7000-9000-000000000001'"
            case (_, "bytea"): "'\\x00'"
            case (_, "bigint[]"): "'{1}'"
            case (_, "boolean[]"): "'{true}'"
            case (_, "uuid[]"): "'{0199b7f0-7d4e-7000-9000-000000000001}'"
            case (_, "bytea[]"): "'{\"\\\\x00\"}'"
            case (_, "text[]"): "'{x}'"
            // A kind of access too, which are few.
            default: "'session'"
            }
        }
        return "planned(\(values.joined(separator: ", ")))"
    }

    /// Auto tries five plans for the values before one for all.
    @Test(
        "works with plans for the values, for all values and as the database chooses",
        arguments: ["auto", "force_custom_plan", "force_generic_plan"], [Topology.oneNode, .citus])
    func planning(_ mode: String, _ topology: Topology) async throws {
        let test =
            switch topology {
            case .oneNode: try await TestDatabase.make()
            case .citus: try await CitusStandIn.copyDistributed()
            }
        var script = [
            "PREPARE configure AS \(Statements.configure.sql);", "EXECUTE configure('0', '0', '0');",
            "SET plan_cache_mode = \(mode);", "BEGIN;", "SELECT rejoin.set_tenant('acme');",
            "INSERT INTO tenants VALUES ('acme', 0, 0, 0, '', 0, 0);",
        ]
        for statement in Self.ofTenant {
            script += ["PREPARE planned AS \(statement.sql(on: topology));"]
            for _ in 1...7 {
                script += [
                    "SAVEPOINT before;", "EXECUTE \(Self.call(statement, on: topology));", "ROLLBACK TO before;",
                ]
            }
            script += ["DEALLOCATE planned;"]
        }
        script += ["SELECT 'to the end';"]
        let output = try await test.database.psql(
            script.joined(separator: "\n"), user: PostgreSQLCluster.serverRole)
        #expect(output.hasSuffix("to the end"))
        try await test.database.drop()
    }

    private static let tables = [
        "tenants", "records", "operations", "operation_groups", "batches", "devices", "audit_entries", "audit_sides",
        "conflicts", "one_time_codes", "access_ends", "life_beginnings", "review_sessions", "administration", "members",
    ]

    /// As a superuser, whom the policies do not concern: they name the tenant too.
    @Test("names the tenant by equality on every table, so that it touches one part of each, and all of one node")
    func onePartition() async throws {
        let test = try await CitusStandIn.copyDistributed()
        var script = ["SET search_path = rejoin;", "SET plan_cache_mode = force_custom_plan;"]
        for statement in Self.ofTenant {
            script += [
                "\\echo ====", "PREPARE planned AS \(statement.sql(on: .citus));",
                "EXPLAIN (COSTS OFF) EXECUTE \(Self.call(statement, on: .citus));", "DEALLOCATE planned;",
            ]
        }
        script += ["\\echo ====", "EXPLAIN (COSTS OFF) SELECT FROM tenants WHERE tenant = 'acme';"]
        let plans = try await test.database.psql(script.joined(separator: "\n")).components(separatedBy: "====\n")
            .dropFirst()
        #expect(plans.count == Self.ofTenant.count + 1)
        let home = try #require(plans.last.flatMap { Self.parts($0)["tenants"] })
        #expect(home.count == 1)
        for (plan, statement) in zip(plans, Self.ofTenant) {
            let sql = statement.sql(on: .citus)
            let parts = Self.parts(plan)
            var read = Set(Self.tables.filter { sql.contains(try! Regex("(?:FROM|JOIN|UPDATE) \($0)\\b")) })
            for (table, found) in parts {
                #expect(found == home, "\(statement.name) on \(table):\n\(plan)")
                #expect(read.remove(table) != nil, "\(statement.name) on \(table):\n\(plan)")
            }
            #expect(read.isEmpty, "\(statement.name) does not show \(read):\n\(plan)")
            // What is inserted has the tenant of a row that was found so, or of the statement itself.
            if sql.contains("INSERT") {
                #expect(
                    sql.contains("SELECT t.tenant, r.* FROM tenants t") || sql.contains("VALUES ($1::text"),
                    "\(statement.name)")
            }
        }
        try await test.database.drop()
    }

    /// Which parts of the tables a plan touches. (`Insert on records` names the table alone; the row finds its part.)
    private static func parts(_ plan: String) -> [String: Set<String>] {
        var parts: [String: Set<String>] = [:]
        for match in plan.matches(of: #/ on (\w+)_(\d)\b/#) {
            parts[String(match.1), default: []].insert(String(match.2))
        }
        return parts
    }
}
