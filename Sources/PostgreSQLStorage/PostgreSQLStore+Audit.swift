import Causality
import MergeCore
import SyncStorage

extension PostgreSQLStore {
    public func conflicts(_ tenant: TenantID, _ query: ConflictQuery) async throws(StoreError) -> [ConflictFile] {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            let statement = Statements.selectConflicts(query)
            let rows = try reading.first(Request(statement) { query.bind(to: &$0, tenant: reading.tenant) })[0]
                .all { (row: Columns) throws(StoreError) in try ConflictRow(row) }
            return try reading.files(rows)
        }
    }

    public func conflict(_ tenant: TenantID, _ id: ConflictID) async throws(StoreError) -> ConflictFile? {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            let rows = try reading.first(
                Request(Statements.selectConflict) { row in
                    row.text(reading.tenant)
                    row.integer(id.position)
                })[0]
                .all { (row: Columns) throws(StoreError) in try ConflictRow(row) }
            return try reading.files(rows).first
        }
    }

    public func conflictSummary(_ tenant: TenantID) async throws(StoreError) -> ConflictSummary {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            let tenant = { (row: inout Parameters) in row.text(reading.tenant) }
            let results = try reading.only(
                Request(Statements.countByStatus, tenant), Request(Statements.countByKind, tenant),
                Request(Statements.countByCollection, tenant), Request(Statements.countByUnit, tenant),
                Request(Statements.countByDevice, tenant), Request(Statements.countByDay, tenant))
            var summary = ConflictSummary()
            summary.byStatus = try results[0].counts()
            summary.byKind = try results[1].counts()
            summary.byCollection = try results[2].counts()
            summary.byUnit = try results[3].counts()
            summary.byDevice = try results[4].counts()
            summary.byDay = try results[5].all { row in
                let day = Timestamp(milliseconds: row.integer(0) * 86_400_000).text.prefix(10)
                return ConflictSummary.Count(name: String(day), count: row.integer(1))
            }
            return summary
        }
    }

    public func auditEntries(
        _ tenant: TenantID, after position: Int64, limit: Int
    ) async throws(StoreError) -> [AuditEntryRow] {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            let entries = try reading.first(
                Request(Statements.selectAuditEntries) { row in
                    row.text(reading.tenant)
                    row.integer(position)
                    row.integer(Int64(max(limit, 0)))
                })[0]
                .all { (row: Columns) throws(StoreError) in try AuditEntryRow(row) }
            let sides = try reading.last(
                Request(Statements.selectAuditSides) { row in
                    row.text(reading.tenant)
                    row.integer(position)
                    row.integer(entries.last?.position ?? position)
                })[0]
                .all { (row: Columns) throws(StoreError) in try PlacedSide(row) }
            return entries.with(sides)
        }
    }

    public func conflictIndex(
        _ tenant: TenantID, after id: Int64, limit: Int
    ) async throws(StoreError) -> [ConflictRow] {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            try reading.only(
                Request(Statements.selectConflictIndex) { row in
                    row.text(reading.tenant)
                    row.integer(id)
                    row.integer(Int64(max(limit, 0)))
                })[0]
                .all { (row: Columns) throws(StoreError) in try ConflictRow(row) }
        }
    }
}

extension Reading {
    /// The conflicts with their entries, in their order, in two statements for all; ends the transaction.
    fileprivate func files(_ conflicts: [ConflictRow]) throws(StoreError) -> [ConflictFile] {
        let bind = { (row: inout Parameters) in
            row.text(tenant)
            row.integers(conflicts) { $0.id }
        }
        let results = try last(
            Request(Statements.selectEntriesOfConflicts, bind), Request(Statements.selectSidesOfConflicts, bind))
        let entries = try results[0].all { (row: Columns) throws(StoreError) in try AuditEntryRow(row) }
        let sides = try results[1].all { (row: Columns) throws(StoreError) in try PlacedSide(row) }
        let entriesByConflict = Dictionary(grouping: entries, by: \.conflict)
        let sidesByConflict = Dictionary(grouping: sides, by: \.conflict)
        return conflicts.map { conflict in
            ConflictFile(
                conflict: conflict,
                entries: (entriesByConflict[conflict.id] ?? []).with(sidesByConflict[conflict.id] ?? []))
        }
    }
}

extension QueryResult {
    fileprivate func counts() throws(StoreError) -> [ConflictSummary.Count] {
        try all { (row: Columns) throws(StoreError) in
            ConflictSummary.Count(name: try row.text(0), count: row.integer(1))
        }
    }
}

extension ConflictQuery {
    /// In the order that all statements of `Statements.selectConflicts` share.
    fileprivate func bind(to row: inout Parameters, tenant: String) {
        row.text(tenant)
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
