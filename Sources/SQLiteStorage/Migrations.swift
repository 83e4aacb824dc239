import GRDB
import GRDBSQLite
import MergeCore
import SyncStorage

/// One step of the SQLite schema: the number of its file and its text. Each file sets `user_version` to its number.
struct Migration: Sendable {
    let version: Int
    let sql: String
    /// Moves rows that the new schema has in another form, after the text was run.
    var move: (@Sendable (Connection) throws(StoreError) -> Void)?

    /// All steps in order, without gaps.
    static let all = [
        Migration(version: 1, sql: String(decoding: PackageResources.V0001_initial_sql, as: UTF8.self)),
        Migration(version: 2, sql: String(decoding: PackageResources.V0002_reviewing_sql, as: UTF8.self)),
        Migration(version: 3, sql: String(decoding: PackageResources.V0003_one_time_codes_sql, as: UTF8.self)),
        Migration(version: 4, sql: String(decoding: PackageResources.V0004_nothing_twice_sql, as: UTF8.self)),
        Migration(version: 5, sql: String(decoding: PackageResources.V0005_access_sql, as: UTF8.self)),
        Migration(
            version: 6, sql: String(decoding: PackageResources.V0006_operations_in_groups_sql, as: UTF8.self),
            move: { (connection: Connection) throws(StoreError) in
                try connection.moveFormerOperations()
                try connection.moveFormerBatches()
            }),
        Migration(version: 7, sql: String(decoding: PackageResources.V0007_devices_of_a_user_sql, as: UTF8.self)),
        Migration(version: 8, sql: String(decoding: PackageResources.V0008_lives_sql, as: UTF8.self)),
        Migration(version: 9, sql: String(decoding: PackageResources.V0009_people_sql, as: UTF8.self)),
    ]

    static var supported: Int { all.last?.version ?? 0 }
}

extension Connection {
    /// Brings the schema up to the newest version, forward only, in one transaction. Data of another form than ours, if
    /// there is any, is left alone.
    func migrate() throws(StoreError) {
        guard try needsMigration() else { return }
        try transaction { (connection: Connection) throws(StoreError) in
            // This is asked again under the lock, because another process may have been quicker.
            guard try connection.needsMigration() else { return ((), .nothingWritten) }
            let found = try connection.schemaVersion()
            for migration in Migration.all where migration.version > found {
                try connection.probe?("migrate")
                do {
                    try connection.database.execute(sql: migration.sql)
                } catch {
                    throw StoreError(error, at: "migrate to \(migration.version)")
                }
                try migration.move?(connection)
                guard try connection.schemaVersion() == migration.version else {
                    throw .damaged("migration \(migration.version) did not set its version")
                }
            }
            if found == 0 { try connection.insert(StoreIdentity.random()) }
            return ((), .commit)
        }
    }

    /// Moves all operations of schema 5 into groups, a hundred at a time.
    fileprivate func moveFormerOperations() throws(StoreError) {
        for tenant in try tenantNames() {
            var last: Int64 = .min
            // The first operation under a key has the twin 0, in the order of storing.
            var taken: Set<IndexKey> = []
            while true {
                let rows = try prepare(Statements.selectFormerOperations).all(
                    { row in
                        row.text(tenant)
                        row.integer(last)
                    }, { (row: Columns) throws(StoreError) in try OperationRow(former: row) })
                guard let end = rows.last?.ordinal else { break }
                last = end
                let entries = rows.entries(besides: &taken)
                try each(entries, Statements.insertOperation, tenant) { $0.bind(to: &$1) }
                try each(rows.groups, Statements.insertGroup, tenant) { $0.bind(to: &$1) }
            }
        }
        try prepare(Statements.dropFormerOperations).execute()
    }

    /// Moves all batches of schema 5, whose fingerprints were texts.
    fileprivate func moveFormerBatches() throws(StoreError) {
        for tenant in try tenantNames() {
            var last = BatchKey(device: "", key: "")
            while true {
                let rows = try prepare(Statements.selectFormerBatches).all(
                    { row in
                        row.text(tenant)
                        row.text(last.device.name.text)
                        row.text(last.key.text)
                    }, { (row: Columns) throws(StoreError) in try BatchRow(former: row) })
                guard let end = rows.last?.key else { break }
                last = end
                try each(rows, Statements.insertBatch, tenant) { $0.bind(to: &$1, ordinals: nil) }
            }
        }
        try prepare(Statements.dropFormerBatches).execute()
    }

    private func tenantNames() throws(StoreError) -> [String] {
        try prepare(Statements.selectTenants).all(
            { _ in }, { (row: Columns) throws(StoreError) in try row.text(0) })
    }

    func schemaVersion() throws(StoreError) -> Int {
        try prepare(Statements.schemaVersion).first { Int($0.integer(0)) } ?? 0
    }

    func requireNewestSchema() throws(StoreError) {
        let found = try schemaVersion()
        guard found <= Migration.supported else {
            throw .newerSchema(found: found, supported: Migration.supported)
        }
        guard found == Migration.supported else {
            throw .cannotOpen(
                "The data has schema \(found) and has to be migrated to \(Migration.supported) first.")
        }
    }

    private func needsMigration() throws(StoreError) -> Bool {
        let found = try schemaVersion()
        guard found <= Migration.supported else {
            throw .newerSchema(found: found, supported: Migration.supported)
        }
        if found == 0, try prepare(Statements.countTables).first({ $0.integer(0) }) ?? 0 > 0 {
            throw .cannotOpen("The file is an SQLite database of something else.")
        }
        return found < Migration.supported
    }

    private func insert(_ identity: StoreIdentity) throws(StoreError) {
        try prepare(Statements.insertStore).execute { row in
            row.text(identity.lineage)
            row.bytes(identity.formerCursorKey)
            row.bytes(identity.redactionKey)
        }
    }

    func storedIdentity() throws(StoreError) -> StoreIdentity {
        let identity = try prepare(Statements.selectStore).first { (row: Columns) throws(StoreError) in
            StoreIdentity(
                lineage: try row.text(0), formerCursorKey: row.bytes(1), redactionKey: row.bytes(2))
        }
        guard let identity else { throw .damaged("the data set has no identity") }
        return identity
    }
}
