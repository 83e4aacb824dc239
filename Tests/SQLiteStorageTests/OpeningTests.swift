import Foundation
import GRDB
import SyncStorage
import Testing

@testable import SQLiteStorage

@Suite("opening a SQLite file")
struct OpeningTests {
    @Test("every commit of the writer is durable: synchronous is FULL and the journal a write-ahead log")
    func durable()
        async throws
    {
        try await withTemporaryStore { store in
            let (synchronous, journal, checkpoint) = try await store.pool.writeWithoutTransaction { database in
                (
                    try Int.fetchOne(database, sql: "PRAGMA synchronous"),
                    try String.fetchOne(database, sql: "PRAGMA journal_mode"),
                    try Int.fetchOne(database, sql: "PRAGMA wal_autocheckpoint")
                )
            }
            #expect(synchronous == 2)
            #expect(journal == "wal")
            #expect(checkpoint == 32_000)
        }
    }

    @Test("commits go to the log, and a checkpoint moves them into the file while a reader looks on")
    func checkpoints() async throws {
        try await withTemporaryStore { store in
            func size(_ suffix: String) throws -> Int {
                try FileManager.default.attributesOfItem(atPath: store.path + suffix)[.size] as? Int ?? 0
            }
            try await store.put(count: 500)
            let log = try size("-wal")
            let file = try size("")
            #expect(log > 100_000)
            try await store.checkpoint()
            #expect(try size("") > file)
            #expect(try await store.head(of: "tenant").sequence == 500)
        }
    }

    @Test("the log is cut off again after a long reader")
    func longReader() async throws {
        var options = SQLiteStore.Options()
        options.logBytes = 100_000
        try await withTemporaryStore(options) { store in
            var configuration = Configuration()
            configuration.allowsUnsafeTransactions = true
            let reader = try DatabaseQueue(path: store.path, configuration: configuration)
            try await reader.writeWithoutTransaction {
                try $0.execute(sql: "BEGIN")
                _ = try Row.fetchAll($0, sql: "SELECT * FROM store")
            }
            try await store.put(count: 500)
            try await store.checkpoint()
            #expect(store.logBytes > 100_000, "somebody reads what was before")
            try await reader.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
            try await store.checkpoint()
            #expect(store.logBytes == 0)
            #expect(try await store.head(of: "tenant").sequence == 500)
            try reader.close()
        }
    }

    @Test("a busy pool does not make the store look away, and a full disk does")
    func busyPool() async throws {
        var options = SQLiteStore.Options()
        options.readers = 1
        try await withTemporaryStore(options) { store in
            let (held, hold) = AsyncStream.makeStream(of: Void.self)
            let release = DispatchSemaphore(value: 0)
            let reading = Task {
                try await store.onReader { _ in
                    hold.yield()
                    release.wait()
                }
            }
            _ = await held.first { _ in true }
            try await store.ping()
            release.signal()
            try await reading.value
        }
        options.minimumFreeBytes = .max
        try await withTemporaryStore(options) { store in
            await #expect { try await store.ping() } throws: { error in
                if case StoreError.unavailable(let text) = error { text.contains("bytes left") } else { false }
            }
        }
    }

    @Test("the schema in the binary is the file in the repository, byte for byte")
    func sameSchema() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let directory = root.appending(path: "Schemas/SQLite")
        let files = try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
        #expect(files.count == Migration.all.count)
        for (file, migration) in zip(files, Migration.all) {
            let number = String(migration.version)
            #expect(file.hasPrefix("V" + String(repeating: "0", count: 4 - number.count) + number + "_"))
            #expect(try Data(contentsOf: directory.appending(path: file)) == Data(migration.sql.utf8))
        }
        #expect(Migration.all.map(\.version) == Array(1...Migration.supported))
    }

    @Test("a new file has the whole catalogue and the newest version")
    func newFile() async throws {
        try await withTemporaryStore { store in
            let (names, version) = try await store.onReader { database in
                (
                    try String.fetchAll(
                        database,
                        sql: "SELECT type || ' ' || name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY 1"),
                    try Int.fetchOne(database, sql: "PRAGMA user_version")
                )
            }
            #expect(version == Migration.supported)
            #expect(
                names == [
                    "index access_ends_by_expiry", "index audit_entries_by_conflict",
                    "index audit_entries_by_version",
                    "index audit_sides_by_conflict", "index audit_sides_by_device",
                    "index audit_sides_by_user", "index conflicts_by_assignee", "index conflicts_by_collection",
                    "index conflicts_by_collection_unit", "index conflicts_by_kind", "index conflicts_by_policy",
                    "index conflicts_by_record", "index conflicts_by_record_name", "index conflicts_by_status",
                    "index conflicts_by_time", "index conflicts_by_unit", "index devices_by_user",
                    "index members_by_user", "index one_time_codes_by_expiry",
                    "index operations_by_id", "index operations_by_record", "index operations_rejected",
                    "index operations_rejected_by_device",
                    "index records_by_sequence", "index review_sessions_by_expiry",
                    "index review_sessions_by_time", "index review_sessions_by_user",
                    "table access_ends", "table administration", "table audit_entries",
                    "table audit_sides", "table batches",
                    "table conflicts", "table devices", "table life_beginnings", "table lives", "table members",
                    "table one_time_codes", "table operation_groups",
                    "table operations",
                    "table records",
                    "table review_sessions", "table store", "table tenants",
                ])
        }
    }

    @Test("every key and index begins with the tenant")
    func keysAndIndexes() async throws {
        try await withTemporaryStore { store in
            let first = try await store.onReader { database in
                try Row.fetchAll(
                    database,
                    sql: """
                        SELECT t.name AS owner, i.name AS name, c.name AS first
                        FROM sqlite_schema t, pragma_index_list(t.name) i, pragma_index_xinfo(i.name) c
                        WHERE t.type = 'table' AND t.name NOT IN ('store', 'lives') AND c.seqno = 0
                        """
                ).map { ($0["name"] as String, $0["first"] as String) }
            }
            #expect(first.count > 15)
            // A user's tenants are looked for before a tenant is known.
            for (name, column) in first where name != "members_by_user" { #expect(column == "tenant", "\(name)") }
        }
    }

    @Test("the identity stays when the file is opened again, and is another one in another file")
    func identity() async throws {
        try await withTemporaryPath { path in
            let first = try SQLiteStore.open(at: path)
            await first.close()
            let second = try SQLiteStore.open(at: path)
            #expect(first.identity == second.identity)
            #expect(first.identity.formerCursorKey.isEmpty && first.identity.redactionKey.count == 32)
            await second.close()
            let other = try SQLiteStore.open(at: path + ".other")
            #expect(other.identity.lineage != first.identity.lineage)
            await other.close()
        }
    }

    @Test(
        "its files are for their owner alone, whatever the directory and the process let through",
        arguments: [0o777, 0o755, 0o700])
    func permissions(
        _ mode: Int
    ) async throws {
        try await withTemporaryPath { path in
            let directory = (path as NSString).deletingLastPathComponent
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: directory)
            func modes() throws -> [String: Int] {
                var modes: [String: Int] = [:]
                for suffix in ["", "-wal", "-shm", ".lock"] {
                    let attributes = try FileManager.default.attributesOfItem(atPath: path + suffix)
                    modes[suffix] = (attributes[.posixPermissions] as? NSNumber)?.intValue
                }
                return modes
            }
            let own = ["": 0o600, "-wal": 0o600, "-shm": 0o600, ".lock": 0o600]
            let store = try SQLiteStore.open(at: path)
            try await store.put(count: 1)
            #expect(try modes() == own)
            // The files get the modes that an earlier version left, or somebody who copied them.
            for suffix in own.keys {
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o664], ofItemAtPath: path + suffix)
            }
            await store.close()
            let again = try SQLiteStore.open(at: path)
            try await again.put(count: 1)
            #expect(try modes() == own)
            await again.close()
        }
    }

    @Test("data of a later version is refused and left alone")
    func laterVersion() async throws {
        try await withTemporaryPath { path in
            try await SQLiteStore.open(at: path).close()
            try raw(path) { try $0.execute(sql: "PRAGMA user_version = 99") }
            let refused = StoreError.newerSchema(found: 99, supported: Migration.supported)
            #expect(throws: refused) { try SQLiteStore.open(at: path) }
            #expect(throws: refused) { try SQLiteStore.openReadOnly(at: path) }
            #expect(try raw(path) { try Int.fetchOne($0, sql: "PRAGMA user_version") } == 99)
        }
    }

    @Test("a database of something else is refused and left alone")
    func foreignDatabase() async throws {
        try await withTemporaryPath { path in
            try raw(path) { try $0.execute(sql: "CREATE TABLE somebody (else_s TEXT)") }
            #expect(throws: StoreError.cannotOpen("The file is an SQLite database of something else.")) {
                try SQLiteStore.open(at: path)
            }
            let names = try raw(path) { try String.fetchAll($0, sql: "SELECT name FROM sqlite_schema") }
            #expect(names == ["somebody"])
        }
    }

    @Test("a file that is no database is damaged")
    func noDatabase() async throws {
        try await withTemporaryPath { path in
            try Data(repeating: 0x41, count: 10_000).write(to: URL(filePath: path))
            let error = #expect(throws: StoreError.self) { try SQLiteStore.open(at: path) }
            guard case .damaged = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test("a directory that is not there is named in one sentence")
    func missingDirectory() throws {
        let error = #expect(throws: StoreError.self) { try SQLiteStore.open(at: "/nowhere/at/all/data.sqlite") }
        guard case .cannotOpen(let text) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(text.contains("/nowhere/at/all"))
    }

    @Test("a second server on the same file is refused until the first is closed")
    func secondServer() async throws {
        try await withTemporaryPath { path in
            let first = try SQLiteStore.open(at: path)
            #expect(
                throws: StoreError.cannotOpen(
                    "\(path) is already open in another server; stop it, or choose another data directory.")
            ) { try SQLiteStore.open(at: path) }
            await first.close()
            let second = try SQLiteStore.open(at: path)
            try await second.ping()
            await second.close()
        }
    }

    @Test("a reader beside a server sees its commits and cannot write")
    func readerBeside() async throws {
        try await withTemporaryStore { store in
            let reader = try SQLiteStore.openReadOnly(at: store.path)
            try await store.put(count: 3)
            #expect(try await reader.head(of: "tenant").sequence == 3)
            #expect(reader.identity == store.identity)
            await #expect {
                try await reader.put(count: 1)
            } throws: { error in
                guard case StoreError.cannotOpen(let reason) = error else { return false }
                return reason.contains("opened for reading only")
            }
            #expect(try await store.head(of: "tenant").sequence == 3)
            await reader.close()
        }
    }

    @Test("data at rest can be read without a server")
    func atRest() async throws {
        try await withTemporaryPath { path in
            let store = try SQLiteStore.open(at: path)
            try await store.put(count: 3)
            await store.close()
            let reader = try SQLiteStore.openReadOnly(at: path)
            #expect(try await reader.head(of: "tenant").sequence == 3)
            await reader.close()
        }
    }
}

extension SQLiteStore {
    /// What is kept of a tenant, in words.
    func contents(of tenant: TenantID) async throws -> [String] {
        let audit = try await auditEntries(tenant, after: 0, limit: 1_000).map { "\($0)" }
        let index = try await conflictIndex(tenant, after: 0, limit: 1_000).map { "\($0)" }
        let changes = try await changes(tenant, ChangeQuery(after: 0, limit: 1_000)).rows.map { "\($0)" }
        return audit + index + changes + ["\(try await head(of: tenant))"]
    }
}

extension StoreError {
    var isUnavailable: Bool {
        if case .unavailable = self { true } else { false }
    }
}
