import SyncStorage

/// One step of the PostgreSQL schema: the number of its file and its text.
struct Migration: Sendable {
    let version: Int
    let sql: String
    /// Moves rows that the new schema has in another form, after the text was run.
    var move: (@Sendable (Session) throws(StoreError) -> Void)?

    /// All steps in order, without gaps.
    static let all = [
        Migration(version: 1, sql: String(decoding: PackageResources.V0001_initial_sql, as: UTF8.self)),
        Migration(version: 2, sql: String(decoding: PackageResources.V0002_one_time_codes_sql, as: UTF8.self)),
        Migration(version: 3, sql: String(decoding: PackageResources.V0003_counts_of_values_sql, as: UTF8.self)),
        Migration(version: 4, sql: String(decoding: PackageResources.V0004_nothing_twice_sql, as: UTF8.self)),
        Migration(version: 5, sql: String(decoding: PackageResources.V0005_access_sql, as: UTF8.self)),
        Migration(
            version: 6, sql: String(decoding: PackageResources.V0006_operations_in_groups_sql, as: UTF8.self),
            move: { (session: Session) throws(StoreError) in try session.moveFormerOperations() }),
        Migration(
            version: 7, sql: String(decoding: PackageResources.V0007_settings_of_transactions_sql, as: UTF8.self)),
        Migration(version: 8, sql: String(decoding: PackageResources.V0008_devices_of_a_user_sql, as: UTF8.self)),
        Migration(version: 9, sql: String(decoding: PackageResources.V0009_lives_sql, as: UTF8.self)),
        Migration(version: 10, sql: String(decoding: PackageResources.V0010_people_sql, as: UTF8.self)),
    ]

    static var supported: Int { all.last?.version ?? 0 }
}

extension Session {
    /// The version of the schema; 0 where there is no schema of ours.
    func schemaVersion() throws(StoreError) -> Int {
        guard try exchange([Request(Statements.schemaIsThere)])[0].first({ $0.integer(0) }) == 1 else { return 0 }
        return try exchange([Request(Statements.schemaVersion)])[0].first { Int($0.integer(0)) } ?? 0
    }

    func needsMigration(to version: Int = Migration.supported) throws(StoreError) -> Bool {
        let found = try schemaVersion()
        guard found <= Migration.supported else {
            throw .newerSchema(found: found, supported: Migration.supported)
        }
        return found < version
    }

    /// Brings the schema up to a version, forward only, in one transaction. A lock lets servers that start at the same
    /// time do this one after the other.
    /// - Parameter version: the newest, but for tests.
    func migrate(to version: Int = Migration.supported) throws(StoreError) {
        do throws(StoreError) {
            // Moving many rows takes longer than any statement of a server may.
            _ = try exchange([
                Request(Statements.begin), Request(Statements.waitForCommit), Request(Statements.lockMigrations),
            ])
            // This is asked again under the lock, because another server may have been quicker.
            if try needsMigration(to: version) {
                let found = try schemaVersion()
                if found == 0 {
                    _ = try exchange([Request(Statements.createSchema), Request(Statements.createVersions)])
                }
                for migration in Migration.all where migration.version > found && migration.version <= version {
                    try run(script: migration.sql, called: "migrate to \(migration.version)")
                    try migration.move?(self)
                    _ = try exchange([Request(Statements.insertVersion) { $0.integer(Int64(migration.version)) }])
                }
                if found == 0 { try insert(StoreIdentity.random()) }
            }
            _ = try exchange([Request(Statements.commit)])
        } catch {
            let report = lastReport
            rollBack()
            guard case .cannotOpen = error else { throw error.with(report) }
            throw StoreError.cannotOpen(
                "the schema has to be made or brought up to date, and this role may not: run 'rejoin migrate' as the "
                    + "role that owns the database, with --grant-to for the server's role"
            ).with(report)
        }
    }

    /// Moves all operations of schema 5 into groups, a hundred at a time.
    fileprivate func moveFormerOperations() throws(StoreError) {
        let tenants = try exchange([Request(Statements.selectTenants)])[0]
            .all { (row: Columns) throws(StoreError) in try row.text(0) }
        for tenant in tenants {
            _ = try exchange([Request(Statements.setFormerTenant) { $0.text(tenant) }])
            var last: Int64 = .min
            // The first operation under a key has the twin 0, in the order of storing.
            var taken: Set<IndexKey> = []
            while true {
                let rows = try exchange([
                    Request(Statements.selectFormerOperations) { row in
                        row.text(tenant)
                        row.integer(last)
                    }
                ])[0].all { (row: Columns) throws(StoreError) in try OperationRow(former: row) }
                guard let end = rows.last?.ordinal else { break }
                last = end
                let entries = rows.entries(besides: &taken)
                _ = try exchange([
                    Request(Statements.insertOperations) { parameters in
                        parameters.text(tenant)
                        entries.bind(to: &parameters)
                    },
                    Request(Statements.insertGroups) { parameters in
                        parameters.text(tenant)
                        rows.groups.bind(to: &parameters)
                    },
                ])
            }
        }
        _ = try exchange([Request(Statements.dropFormerOperations)])
    }

    /// Gives a role what a server needs.
    func grant(to role: String) throws(StoreError) {
        do throws(StoreError) {
            _ = try exchange([Request(Statements.grant) { $0.text(role) }])
        } catch {
            throw error.with(lastReport)
        }
    }

    private func insert(_ identity: StoreIdentity) throws(StoreError) {
        _ = try exchange([
            Request(Statements.insertStore) { row in
                row.text(identity.lineage)
                row.bytes(identity.formerCursorKey)
                row.bytes(identity.redactionKey)
            }
        ])
    }

    func storedIdentity() throws(StoreError) -> StoreIdentity {
        let identity = try exchange([Request(Statements.selectStore)])[0].first { (row: Columns) throws(StoreError) in
            StoreIdentity(
                lineage: try row.text(0), formerCursorKey: row.bytes(1), redactionKey: row.bytes(2))
        }
        guard let identity else { throw .damaged("the data set has no identity") }
        return identity
    }
}
