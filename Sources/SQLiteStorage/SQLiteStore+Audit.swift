import Causality
import MergeCore
import SyncStorage
import Values

extension SQLiteStore {
    public func conflicts(_ tenant: TenantID, _ query: ConflictQuery) async throws(StoreError) -> [ConflictHistory] {
        try await read(tenant) { (connection: Connection) throws(StoreError) in
            let range = try connection.range(of: query, tenant: tenant)
            let narrowest = query.narrowest(try connection.counts(of: query.probes, tenant: tenant))
            let rows = try connection.prepare(Statements.selectConflicts(query, by: narrowest)).all(
                { query.bind(to: &$0, tenant: tenant, within: range) }, { ConflictRow($0) })
            var histories: [ConflictHistory] = []
            histories.reserveCapacity(rows.count)
            for row in rows { histories.append(try connection.history(row, tenant: tenant)) }
            return try connection.filledIn(histories, tenant: tenant)
        }
    }

    public func conflictCounts(_ tenant: TenantID, _ queries: [ConflictQuery]) async throws(StoreError) -> [Int] {
        try await read(tenant) { (connection: Connection) throws(StoreError) in
            let probed = try connection.counts(of: queries.flatMap(\.probes), tenant: tenant)
            var counts: [Int] = []
            for query in queries {
                counts.append(try connection.count(query, by: query.narrowest(probed), tenant: tenant))
            }
            return counts
        }
    }

    public func conflict(_ tenant: TenantID, _ id: ConflictID) async throws(StoreError) -> ConflictHistory? {
        try await read(tenant) { (connection: Connection) throws(StoreError) in
            try connection.history(id, tenant: tenant)
        }
    }

    public func conflictCounts(_ tenant: TenantID) async throws(StoreError) -> ConflictCounts {
        try await read(tenant) { (connection: Connection) throws(StoreError) in
            var conflictCounts = ConflictCounts()
            conflictCounts.byStatus = try connection.counts(Statements.countByStatus, tenant)
            conflictCounts.byKind = try connection.counts(Statements.countByKind, tenant)
            conflictCounts.byCollection = try connection.counts(Statements.countByCollection, tenant)
            conflictCounts.byUnit = try connection.unitCounts(tenant)
            conflictCounts.byDevice = try connection.counts(Statements.countByDevice, tenant)
            conflictCounts.byDay = try connection.prepare(Statements.countByDay).all(
                { $0.text(tenant.name.text) },
                { row in
                    let day = Timestamp(milliseconds: row.integer(0) * 86_400_000).text.prefix(10)
                    return ConflictCounts.Count(name: String(day), count: row.integer(1))
                })
            return conflictCounts
        }
    }

    public func auditEntries(
        _ tenant: TenantID, after position: Int64, limit: Int
    ) async throws(StoreError) -> [AuditEntryRow] {
        try await read(tenant) { (connection: Connection) throws(StoreError) in
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

    public func strandedSides(_ tenant: TenantID) async throws(StoreError) -> Int64? {
        try await read(tenant) { (connection: Connection) throws(StoreError) in
            try connection.prepare(Statements.selectStrandedSides).first(
                { $0.text(tenant.name.text) }, { $0.integer(0) })
        }
    }

    public func conflictIndex(
        _ tenant: TenantID, after id: Int64, limit: Int
    ) async throws(StoreError) -> [ConflictRow] {
        try await read(tenant) { (connection: Connection) throws(StoreError) in
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
    func history(_ id: ConflictID, tenant: TenantID) throws(StoreError) -> ConflictHistory? {
        let row = try prepare(Statements.selectConflict).first(
            { row in
                row.text(tenant.name.text)
                row.integer(id.position)
            }, { ConflictRow($0) })
        guard let row else { return nil }
        return try filledIn([try history(row, tenant: tenant)], tenant: tenant)[0]
    }

    /// Fills in what stands in entries of other conflicts. Each of these entries is read once for all histories.
    fileprivate func filledIn(_ histories: [ConflictHistory], tenant: TenantID) throws(StoreError) -> [ConflictHistory]
    {
        var entries: [AuditEntryRow] = []
        for position in histories.references {
            let bind = { (row: inout Bindings) in
                row.text(tenant.name.text)
                row.integer(position)
            }
            entries += try prepare(Statements.selectAuditEntry).all(bind) { AuditEntryRow($0) }
                .with(try prepare(Statements.selectSidesOfEntry).all(bind) { PlacedSide($0) })
        }
        return try histories.filledIn(from: entries)
    }

    /// How many rows each probe selects, each counted once.
    fileprivate func counts(
        of probes: [ConflictQuery], tenant: TenantID
    ) throws(StoreError) -> [ConflictQuery: Int] {
        var counts: [ConflictQuery: Int] = [:]
        for probe in probes where counts[probe] == nil {
            counts[probe] = try count(probe, by: probe.conditions.first, tenant: tenant)
        }
        return counts
    }

    fileprivate func count(
        _ query: ConflictQuery, by condition: ConflictQuery.Condition?, tenant: TenantID
    ) throws(StoreError) -> Int {
        let range = try range(of: query, tenant: tenant)
        let statement = Statement(counting: Statements.selectConflicts(query, by: condition))
        let count = try prepare(statement).first(
            { query.bind(to: &$0, tenant: tenant, within: range) }, { $0.integer(0) })
        return Int(count ?? 0)
    }

    /// The ids between which a page lies, both exclusive. The page is beyond where the last one ended, and within the
    /// times, which are in the order of ids.
    fileprivate func range(
        of query: ConflictQuery, tenant: TenantID
    ) throws(StoreError) -> (above: Int64, below: Int64) {
        var above = query.order == .oldest ? query.beyond?.position ?? .min : .min
        var below = query.order == .newest ? query.beyond?.position ?? .max : .max
        if let since = query.sinceMilliseconds {
            guard let first = try firstConflict(since: since, tenant) else { return (.max, .min) }
            above = max(above, max(first, .min + 1) - 1)
        }
        if let until = query.untilMilliseconds, let first = try firstConflict(since: until, tenant) {
            below = min(below, first)
        }
        return (above, below)
    }

    private func firstConflict(since milliseconds: Int64, _ tenant: TenantID) throws(StoreError) -> Int64? {
        try prepare(Statements.selectFirstConflictSince).first(
            { row in
                row.text(tenant.name.text)
                row.integer(milliseconds)
            }, { $0.integer(0) })
    }

    fileprivate func unitCounts(_ tenant: TenantID) throws(StoreError) -> [ConflictCounts.UnitCount] {
        try prepare(Statements.countByUnit).all(
            { $0.text(tenant.name.text) },
            { (row: Columns) throws(StoreError) in
                ConflictCounts.UnitCount(
                    collection: ExactString(try row.text(0)), unit: ExactString(try row.text(1)), count: row.integer(2))
            })
    }

    fileprivate func history(_ conflict: ConflictRow, tenant: TenantID) throws(StoreError) -> ConflictHistory {
        let bind = { (row: inout Bindings) in
            row.text(tenant.name.text)
            row.integer(conflict.id)
        }
        let entries = try prepare(Statements.selectEntriesOfConflict).all(bind) { AuditEntryRow($0) }
        let sides = try prepare(Statements.selectSidesOfConflict).all(bind) { PlacedSide($0) }
        return ConflictHistory(conflict: conflict, entries: entries.with(sides))
    }

    fileprivate func counts(
        _ statement: Statement, _ tenant: TenantID
    ) throws(StoreError) -> [ConflictCounts.Count] {
        try prepare(statement).all(
            { $0.text(tenant.name.text) },
            { (row: Columns) throws(StoreError) in
                ConflictCounts.Count(name: try row.text(0), count: row.integer(1))
            })
    }
}

extension ConflictQuery {
    /// Binds the values in the order that all statements of `Statements.selectConflicts` share.
    fileprivate func bind(to row: inout Bindings, tenant: TenantID, within range: (above: Int64, below: Int64)) {
        row.text(tenant.name.text)
        row.integer(range.above)
        row.text(kind?.rawValue)
        row.text(status?.rawValue)
        row.text(collection?.text)
        row.text(record?.text)
        row.text(unit?.text)
        row.text(policy?.text)
        row.text(device?.name.text)
        row.text(user?.text)
        row.text(assignee?.column)
        row.integer(range.below)
        row.integer(Int64(max(limit, 0)))
    }
}
