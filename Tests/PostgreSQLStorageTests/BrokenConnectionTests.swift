import Causality
import Dispatch
import MergeCore
import PostgreSQLCluster
import StorageConformance
import SyncStorage
import Testing

@testable import PostgreSQLStorage

@Suite("a connection that breaks")
struct BrokenConnectionTests {
    private static func create(_ name: String) -> Batch {
        Batch(
            ExactString(name), from: "d",
            [Operation(.create, OperationID(name), on: RecordKey("c", ExactString(name)), clock: ["d": 1], ["n": 1])])
    }

    @Test("while it lies idle is replaced, and whoever uses it next does not notice")
    func idle() async throws {
        try await TestDatabase.with { test in
            var options = PostgreSQLStore.Options()
            options.connections = 1
            let store = try await test.open(options)
            try await Committer(store, "tenant").commit(Self.create("a"))
            for name in ["b", "c", "d"] {
                try await test.database.psql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
                try await Committer(store, "tenant").commit(Self.create(name))
            }
            #expect(try await store.head(of: "tenant").sequence == 4)
            await store.close()
        }
    }

    @Test("leaves nothing of a transaction that had not begun to commit")
    func beforeCommit() async throws {
        try await TestDatabase.with { test in
            let store = try await test.open()
            try await Committer(store, "tenant").commit(Self.create("a"))
            await #expect(throws: StoreError.unavailable("given up")) {
                try await store.transact("tenant", readSet: StoreReadSet()) { _ throws(StoreError) -> (Commit, Int) in
                    throw .unavailable("given up")
                }
            }
            // The session is fit for use again, and the lock free.
            try await Committer(store, "tenant").commit(Self.create("b"))
            #expect(try await store.head(of: "tenant").sequence == 2)
            await store.close()
        }
    }

    /// On Citus the commit goes on to another node, and the connection to that may be lost in between.
    @Test(
        "behind the database during a commit leaves its fate open",
        arguments: [("08006", true), ("XX000", true), ("57P01", true), ("40001", false), ("23514", false)])
    func behindTheDatabase(_ state: String, _ isOpen: Bool) async throws {
        try await TestDatabase.with { test in
            let store = try await test.open()
            try await Committer(store, "tenant").commit(Self.create("a"))
            try await test.database.psql(
                """
                CREATE FUNCTION rejoin.refuse() RETURNS trigger LANGUAGE plpgsql
                    AS $$ BEGIN RAISE 'refused' USING ERRCODE = '\(state)'; END $$;
                CREATE CONSTRAINT TRIGGER refuse AFTER UPDATE ON rejoin.tenants DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW EXECUTE FUNCTION rejoin.refuse();
                """)
            await #expect {
                try await Committer(store, "tenant").commit(Self.create("b"))
            } throws: { error in
                if case StoreError.unsettled = error { isOpen } else { !isOpen }
            }
            try await test.database.psql("DROP TRIGGER refuse ON rejoin.tenants")
            try await Committer(store, "tenant").commit(Self.create("b"))
            #expect(try await store.head(of: "tenant").sequence == 2)
            await store.close()
        }
    }

    @Test("while the tenant's lock is held elsewhere ends the wait in time")
    func lockHeldElsewhere() async throws {
        try await TestDatabase.with { test in
            var options = TestDatabase.few
            options.lockTimeout = .milliseconds(200)
            let impatient = try await test.open(options)
            let other = try await test.open()
            try await Committer(other, "tenant").commit(Self.create("a"))
            let (isHeld, held) = AsyncStream.makeStream(of: Void.self)
            let isOver = DispatchSemaphore(value: 0)
            let holder = Task {
                try await other.threads.run(probe: nil) { (session: Session) throws(StoreError) in
                    _ = try session.exchange([
                        Request(Statements.begin), Request(Statements.setTenant) { $0.text("tenant") },
                        Request(Statements.lockHead) { $0.text("tenant") },
                    ])
                    held.finish()
                    // Until somebody has given up waiting for the lock.
                    isOver.wait()
                    session.rollBack()
                }
            }
            for await _ in isHeld {}
            await #expect {
                try await Committer(impatient, "tenant").commit(Self.create("b"))
            } throws: { error in
                guard case StoreError.unavailable(let reason) = error else { return false }
                return reason.contains("lock")
            }
            isOver.signal()
            try await holder.value
            try await Committer(impatient, "tenant").commit(Self.create("b"))
            await impatient.close()
            await other.close()
        }
    }

    @Test("of a database that is gone is told as an outage, and the store recovers by itself")
    func databaseGone() async throws {
        try await PostgreSQLCluster.withCluster { cluster in
            let database = try await cluster.makeDatabase()
            let store = try await PostgreSQLStore.open(Conninfo(database.ownerConninfo))
            try await Committer(store, "tenant").commit(Self.create("a"))
            try await cluster.stop(.immediate)
            for _ in 0..<3 {
                await #expect {
                    try await Committer(store, "tenant").commit(Self.create("b"))
                } throws: { error in
                    if case StoreError.unavailable = error { true } else { false }
                }
            }
            try await cluster.start()
            try await Committer(store, "tenant").commit(Self.create("b"))
            #expect(try await store.head(of: "tenant").sequence == 2)
            await store.close()
        }
    }
}
