import Causality
import MergeCore
import SyncStorage

extension SQLiteStore {
    public func conflicts(_ tenant: TenantID, _ query: ConflictQuery) async throws(StoreError) -> [ConflictFile] {
        try await read { (connection: Connection) throws(StoreError) in
            let rows = try connection.prepare(Statements.selectConflicts(query)).all(
                { query.bind(to: &$0, tenant: tenant) }, { ConflictRow($0) })
            var files: [ConflictFile] = []
            files.reserveCapacity(rows.count)
            for row in rows { files.append(try connection.file(row, tenant: tenant)) }
            return files
        }
    }

    public func conflict(_ tenant: TenantID, _ id: ConflictID) async throws(StoreError) -> ConflictFile? {
        try await read { (connection: Connection) throws(StoreError) in
            let row = try connection.prepare(Statements.selectConflict).first(
                { row in
                    row.text(tenant.name.text)
                    row.integer(id.position)
                }, { ConflictRow($0) })
            guard let row else { return nil }
            return try connection.file(row, tenant: tenant)
        }
    }

    public func conflictSummary(_ tenant: TenantID) async throws(StoreError) -> ConflictSummary {
        try await read { (connection: Connection) throws(StoreError) in
            var summary = ConflictSummary()
            summary.byStatus = try connection.counts(Statements.countByStatus, tenant)
            summary.byKind = try connection.counts(Statements.countByKind, tenant)
            summary.byCollection = try connection.counts(Statements.countByCollection, tenant)
            summary.byUnit = try connection.counts(Statements.countByUnit, tenant)
            summary.byDevice = try connection.counts(Statements.countByDevice, tenant)
            summary.byDay = try connection.prepare(Statements.countByDay).all(
                { $0.text(tenant.name.text) },
                { row in
                    let day = Timestamp(milliseconds: row.integer(0) * 86_400_000).text.prefix(10)
                    return ConflictSummary.Count(name: String(day), count: row.integer(1))
                })
            return summary
        }
    }

    public func auditEntries(
        _ tenant: TenantID, after position: Int64, limit: Int
    ) async throws(StoreError) -> [AuditEntryRow] {
        try await read { (connection: Connection) throws(StoreError) in
            let entries = try connection.prepare(Statements.selectAuditEntries).all(
                { row in
                    row.text(tenant.name.text)
                    row.integer(position)
                    row.integer(Int64(max(limit, 0)))
                }, { AuditEntryRow($0) })
            guard let last = entries.last else { return [] }
            let sides = try connection.prepare(Statements.selectAuditSides).all(
                { row in
                    row.text(tenant.name.text)
                    row.integer(position)
                    row.integer(last.position)
                }, { PlacedSide($0) })
            return entries.with(sides)
        }
    }

    public func conflictIndex(
        _ tenant: TenantID, after id: Int64, limit: Int
    ) async throws(StoreError) -> [ConflictRow] {
        try await read { (connection: Connection) throws(StoreError) in
            try connection.prepare(Statements.selectConflictIndex).all(
                { row in
                    row.text(tenant.name.text)
                    row.integer(id)
                    row.integer(Int64(max(limit, 0)))
                }, { ConflictRow($0) })
        }
    }
}

extension Connection {
    fileprivate func file(_ conflict: ConflictRow, tenant: TenantID) throws(StoreError) -> ConflictFile {
        let bind = { (row: inout Bindings) in
            row.text(tenant.name.text)
            row.integer(conflict.id)
        }
        let entries = try prepare(Statements.selectEntriesOfConflict).all(bind) { AuditEntryRow($0) }
        let sides = try prepare(Statements.selectSidesOfConflict).all(bind) { PlacedSide($0) }
        return ConflictFile(conflict: conflict, entries: entries.with(sides))
    }

    fileprivate func counts(
        _ statement: Statement, _ tenant: TenantID
    ) throws(StoreError) -> [ConflictSummary.Count] {
        try prepare(statement).all(
            { $0.text(tenant.name.text) },
            { (row: Columns) throws(StoreError) in
                ConflictSummary.Count(name: try row.text(0), count: row.integer(1))
            })
    }
}

extension ConflictQuery {
    /// In the order that all statements of `Statements.selectConflicts` share.
    fileprivate func bind(to row: inout Bindings, tenant: TenantID) {
        row.text(tenant.name.text)
        row.integer(beyond?.position ?? (order == .newest ? .max : .min))
        row.text(kind?.rawValue)
        row.text(status?.rawValue)
        row.text(collection?.text)
        row.text(record?.text)
        row.text(unit?.text)
        row.text(policy?.text)
        row.text(device?.name.text)
        row.text(user?.text)
        row.integer(sinceMilliseconds)
        row.integer(untilMilliseconds)
        row.integer(Int64(max(limit, 0)))
    }
}
