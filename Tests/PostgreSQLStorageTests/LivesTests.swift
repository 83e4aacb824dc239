import Causality
import MergeCore
import PostgreSQLCluster
import SyncStorage
import Testing

@testable import PostgreSQLStorage

/// A database that was set back is another one to its readers, whichever way it was set back and however far it has grown since.
@Suite("lives of a database")
struct LivesTests {
    private static let tenant: TenantID = "tenant"

    /// Where a reader has been.
    private struct Place {
        let sequence: Int64
        let life: LifeID
    }

    private func put(_ count: Int, in store: PostgreSQLStore) async throws {
        try await store.transact(Self.tenant, readSet: StoreReadSet()) { snapshot throws(StoreError) in
            var head = snapshot.head
            let rows = (0..<count).map { _ in
                head.sequence += 1
                return RecordRow(
                    key: RecordKey(collection: "c", id: ExactString("r\(head.sequence)")), sequence: head.sequence,
                    isDeleted: false, isPurged: false, clock: #"{"d":1}"#, stampMilliseconds: 0, fields: "{}",
                    siblings: nil, state: #"{"c":[],"d":[],"e":[],"u":[],"w":[]}"#, openConflicts: 0,
                    changedAtMilliseconds: 0)
            }
            return (Commit(head: head, records: rows), ())
        }
    }

    /// Where a reader is who has read everything.
    private func end(of store: PostgreSQLStore) async throws -> Place {
        let page = try await store.changes(Self.tenant, ChangeQuery(after: 0, in: .beforeAny, limit: 1_000))
        let course = try #require(page.course)
        #expect(course.isContinued && course.life == store.life && course.life != .beforeAny)
        return Place(sequence: page.reached, life: course.life)
    }

    private func goesOn(_ store: PostgreSQLStore, _ place: Place) async throws -> Bool {
        let page = try await store.changes(Self.tenant, ChangeQuery(after: place.sequence, in: place.life, limit: 1))
        let query = RecordsQuery([], after: place.sequence, in: place.life)
        let records = try await store.records(Self.tenant, query)
        #expect(page.course == records.course && !page.isReplica && !records.isReplica)
        return try #require(page.course).isContinued
    }

    /// Makes data, sets it back, and asks with whom its readers go on.
    /// - Parameter settingBack: gives the data as it was at `save`, whatever was committed since.
    private func expectNoticed(
        _ open: (String?) async throws -> PostgreSQLStore, save: () async throws -> Void,
        settingBack: () async throws -> String?
    ) async throws {
        var store = try await open(nil)
        try await put(3, in: store)
        let before = try await end(of: store)
        try await save()
        try await put(2, in: store)
        let lost = try await end(of: store)
        #expect(lost.sequence == 5 && lost.life == before.life)
        await store.close()
        store = try await open(try await settingBack())
        let found = try await end(of: store)
        #expect(found.sequence == 3, "it was not set back to where it was")
        #expect(try await !goesOn(store, lost), "beyond the end of the feed")
        #expect(try await goesOn(store, before))
        for _ in 0..<4 {
            try await put(1, in: store)
            #expect(try await !goesOn(store, lost), "the feed has grown past where the reader was")
            #expect(try await goesOn(store, before))
            #expect(try await goesOn(store, found))
        }
        #expect(try await end(of: store).life != before.life)
        #expect(try await !goesOn(store, Place(sequence: 1, life: .random())), "a life of other data")
        await store.close()
    }

    @Test("one life holds for all sessions and servers, and a restart begins another without sending anybody back")
    func restarts() async throws {
        try await PostgreSQLCluster.withCluster { cluster in
            let database = try await cluster.makeDatabase()
            _ = try await PostgreSQLStore.migrate(
                Conninfo(database.ownerConninfo), grantingTo: PostgreSQLCluster.serverRole)
            let stores = [
                try await PostgreSQLStore.open(Conninfo(database.serverConninfo)),
                try await PostgreSQLStore.open(Conninfo(database.serverConninfo)),
            ]
            try await put(1, in: stores[0])
            try await put(1, in: stores[1])
            let place = try await end(of: stores[0])
            #expect(try await end(of: stores[1]).life == place.life)
            try await cluster.restart(.immediate)
            for store in stores {
                #expect(try await goesOn(store, place))
                try await put(1, in: store)
            }
            let later = try await end(of: stores[1])
            #expect(later.life != place.life && later.sequence == 4)
            #expect(try await end(of: stores[0]).life == later.life)
            for store in stores {
                #expect(try await goesOn(store, place))
                #expect(try await goesOn(store, later))
                await store.close()
            }
            let lives = try await database.psql("SELECT count(*) FROM rejoin.lives")
            #expect(lives == "3", "what was before, and two")
        }
    }

    @Test("a dump that is restored under the same name is noticed")
    func restoredDump() async throws {
        try await PostgreSQLCluster.withCluster { cluster in
            let database = try await cluster.makeDatabase()
            _ = try await PostgreSQLStore.migrate(
                Conninfo(database.ownerConninfo), grantingTo: PostgreSQLCluster.serverRole)
            let dump = cluster.directory + "/dump"
            try await expectNoticed(
                { _ in try await PostgreSQLStore.open(Conninfo(database.serverConninfo)) },
                save: { try await cluster.run("pg_dump", ["--format=custom", "--file", dump], on: database.name) },
                settingBack: {
                    try await cluster.run("pg_restore", ["--clean", "--exit-on-error", dump], on: database.name)
                    return nil
                })
        }
    }

    /// Runs the body with a copy of the cluster that was made before the database was written to.
    private func withCopy(
        _ settingBack: @escaping (PostgreSQLCluster, _ position: String, _ copy: PostgreSQLCluster) async throws -> Void
    ) async throws {
        try await PostgreSQLCluster.withCluster { cluster in
            let database = try await cluster.makeDatabase()
            _ = try await PostgreSQLStore.migrate(
                Conninfo(database.ownerConninfo), grantingTo: PostgreSQLCluster.serverRole)
            var (copies, position): ([PostgreSQLCluster], String) = ([], "")
            do {
                try await expectNoticed(
                    { conninfo in try await PostgreSQLStore.open(Conninfo(conninfo ?? database.serverConninfo)) },
                    save: {
                        copies.append(try await cluster.makeBackup())
                        position = try await cluster.psql("SELECT pg_current_wal_lsn()", database: database.name)
                    },
                    settingBack: {
                        let copy = try #require(copies.first)
                        try await settingBack(cluster, position, copy)
                        return copy.conninfo(database: database.name, user: PostgreSQLCluster.serverRole)
                    })
            } catch {
                for copy in copies { try await copy.remove() }
                throw error
            }
            for copy in copies { try await copy.remove() }
        }
    }

    @Test("files that were put back are noticed, on their old timeline")
    func filesPutBack() async throws {
        try await withCopy { cluster, _, copy in
            try await cluster.kill()
            try await copy.startBackup(.putBack)
            let timeline = try await copy.psql("SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)")
            #expect(timeline == "00000001")
        }
    }

    @Test("a recovery to a point in time is noticed")
    func pointInTime() async throws {
        try await withCopy { cluster, position, copy in
            try await copy.startBackup(.to(position: position, withLogOf: cluster))
            let timeline = try await copy.psql("SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)")
            #expect(timeline == "00000002")
            try await cluster.kill()
        }
    }

    @Test("a failover that lost commits is noticed, also by sessions that stood when the standby was promoted")
    func failover() async throws {
        try await PostgreSQLCluster.withCluster { cluster in
            let database = try await cluster.makeDatabase()
            _ = try await PostgreSQLStore.migrate(
                Conninfo(database.ownerConninfo), grantingTo: PostgreSQLCluster.serverRole)
            let standby = try await cluster.makeStandby()
            let conninfo = standby.conninfo(database: database.name, user: PostgreSQLCluster.serverRole)
            do {
                var reader: PostgreSQLStore?
                try await expectNoticed(
                    { conninfo in
                        if let reader { return reader }
                        return try await PostgreSQLStore.open(Conninfo(conninfo ?? database.serverConninfo))
                    },
                    save: {
                        // From here on the standby gets nothing.
                        try await cluster.set(["synchronous_standby_names": ""])
                        try await standby.stop()
                    },
                    settingBack: {
                        try await cluster.kill()
                        try await standby.start()
                        let anyKind = conninfo + " target_session_attrs=any"
                        let behind = try await PostgreSQLStore.open(Conninfo(anyKind), schema: .leaveAsItIs)
                        let page = try await behind.changes(
                            Self.tenant, ChangeQuery(after: 5, in: try await end(of: behind).life, limit: 1))
                        #expect(page.isReplica && page.course?.isContinued == true, "it may be there in a while")
                        let unknown = LifeID.random()
                        let early = try await behind.changes(Self.tenant, ChangeQuery(after: 1, in: unknown, limit: 9))
                        #expect(early.isReplica && early.rows.isEmpty && early.reached == 1 && !early.hasMore)
                        #expect(
                            early.course == FeedCourse(life: unknown, isContinued: true), "it may know it in a while")
                        try await standby.promote()
                        reader = behind
                        return nil
                    })
            } catch {
                try await standby.remove()
                throw error
            }
            try await standby.remove()
        }
    }
}
