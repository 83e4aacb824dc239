import Causality
import MergeCore
import SyncStorage
import Values

extension PostgreSQLStore {
    public func conflicts(_ tenant: TenantID, _ query: ConflictQuery) async throws(StoreError) -> [ConflictHistory] {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            let range = try reading.range(of: query)
            let narrowest = query.narrowest(try reading.counts(of: query.probes))
            let rows = try reading.ask(
                Request(Statements.selectConflicts(query, by: narrowest)) {
                    query.bind(to: &$0, tenant: reading.tenant, within: range)
                })[0]
                .all { (row: Columns) throws(StoreError) in try ConflictRow(row) }
            return try reading.histories(rows)
        }
    }

    public func conflictCounts(_ tenant: TenantID, _ queries: [ConflictQuery]) async throws(StoreError) -> [Int] {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            let probed = try reading.counts(of: queries.flatMap(\.probes))
            var requests: [Request] = []
            for query in queries {
                requests.append(try reading.counting(query, by: query.narrowest(probed)))
            }
            var counts: [Int] = []
            for result in try reading.askLast(requests) { counts.append(try result.count()) }
            return counts
        }
    }

    public func conflict(_ tenant: TenantID, _ id: ConflictID) async throws(StoreError) -> ConflictHistory? {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            let rows = try reading.ask(
                Request(Statements.selectConflict) { row in
                    row.text(reading.tenant)
                    row.integer(id.position)
                })[0]
                .all { (row: Columns) throws(StoreError) in try ConflictRow(row) }
            return try reading.histories(rows).first
        }
    }

    public func conflictCounts(_ tenant: TenantID) async throws(StoreError) -> ConflictCounts {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            let tenant = { (row: inout Parameters) in row.text(reading.tenant) }
            let results = try reading.askLast(
                Request(Statements.countByStatus, tenant), Request(Statements.countByKind, tenant),
                Request(Statements.countByCollection, tenant), Request(Statements.countByUnit, tenant),
                Request(Statements.countByDevice, tenant), Request(Statements.countByDay, tenant))
            var conflictCounts = ConflictCounts()
            conflictCounts.byStatus = try results[0].counts()
            conflictCounts.byKind = try results[1].counts()
            conflictCounts.byCollection = try results[2].counts()
            conflictCounts.byUnit = try results[3].unitCounts()
            conflictCounts.byDevice = try results[4].counts()
            conflictCounts.byDay = try results[5].all { row in
                let day = Timestamp(milliseconds: row.integer(0) * 86_400_000).text.prefix(10)
                return ConflictCounts.Count(name: String(day), count: row.integer(1))
            }
            return conflictCounts
        }
    }

    public func auditEntries(
        _ tenant: TenantID, after position: Int64, limit: Int
    ) async throws(StoreError) -> [AuditEntryRow] {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            let entries = try reading.ask(
                Request(Statements.selectAuditEntries) { row in
                    row.text(reading.tenant)
                    row.integer(position)
                    row.integer(Int64(max(limit, 0)))
                })[0]
                .all { (row: Columns) throws(StoreError) in try AuditEntryRow(row) }
            let sides = try reading.askLast(
                Request(Statements.selectAuditSides) { row in
                    row.text(reading.tenant)
                    row.integer(position)
                    row.integer(entries.last?.position ?? position)
                })[0]
                .all { (row: Columns) throws(StoreError) in try PlacedSide(row) }
            return entries.with(sides)
        }
    }

    public func strandedSides(_ tenant: TenantID) async throws(StoreError) -> Int64? {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            try reading.askLast(Request(Statements.selectStrandedSides) { $0.text(reading.tenant) })[0]
                .first { $0.integer(0) }
        }
    }

    public func conflictIndex(
        _ tenant: TenantID, after id: Int64, limit: Int
    ) async throws(StoreError) -> [ConflictRow] {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            try reading.askLast(
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
    /// The conflicts with their entries, in their order. This takes two statements for all, and two more where they
    /// refer to entries of others; it ends the transaction.
    fileprivate func histories(_ conflicts: [ConflictRow]) throws(StoreError) -> [ConflictHistory] {
        let bind = { (row: inout Parameters) in
            row.text(self.tenant)
            row.integers(conflicts) { $0.id }
        }
        let results = try ask(
            Request(Statements.selectEntriesOfConflicts, bind), Request(Statements.selectSidesOfConflicts, bind))
        let histories = try [ConflictHistory](conflicts, entries: results[0], sides: results[1])
        let references = histories.references
        guard !references.isEmpty else {
            _ = try askLast()
            return histories
        }
        return try histories.filledIn(from: try [AuditEntryRow](askLast(Request.entries(at: references, of: tenant))))
    }

    /// How many rows each probe selects, each counted once, all in one round trip.
    fileprivate func counts(of probes: [ConflictQuery]) throws(StoreError) -> [ConflictQuery: Int] {
        let probes = Array(Set(probes))
        guard !probes.isEmpty else { return [:] }
        var requests: [Request] = []
        for probe in probes { requests.append(try counting(probe, by: probe.conditions.first)) }
        var counts: [ConflictQuery: Int] = [:]
        for (probe, result) in zip(probes, try ask(requests)) { counts[probe] = try result.count() }
        return counts
    }

    fileprivate func counting(
        _ query: ConflictQuery, by condition: ConflictQuery.Condition?
    ) throws(StoreError) -> Request {
        let range = try range(of: query)
        return Request(Statement(counting: Statements.selectConflicts(query, by: condition))) {
            query.bind(to: &$0, tenant: self.tenant, within: range)
        }
    }

    /// The ids between which a page lies, both exclusive. The page is beyond where the last one ended, and within the
    /// times, which are in the order of ids.
    fileprivate func range(of query: ConflictQuery) throws(StoreError) -> (above: Int64, below: Int64) {
        var above = query.order == .oldest ? query.beyond?.position ?? .min : .min
        var below = query.order == .newest ? query.beyond?.position ?? .max : .max
        if let since = query.sinceMilliseconds {
            guard let first = try firstConflict(since: since) else { return (.max, .min) }
            above = max(above, max(first, .min + 1) - 1)
        }
        if let until = query.untilMilliseconds, let first = try firstConflict(since: until) {
            below = min(below, first)
        }
        return (above, below)
    }

    private func firstConflict(since milliseconds: Int64) throws(StoreError) -> Int64? {
        try ask(
            Request(Statements.selectFirstConflictSince) { row in
                row.text(tenant)
                row.integer(milliseconds)
            })[0].first { $0.integer(0) }
    }
}

extension Request {
    /// The entries at positions, and their sides.
    static func entries(at positions: [Int64], of tenant: String) -> [Request] {
        let bind = { (row: inout Parameters) in
            row.text(tenant)
            row.integers(positions) { $0 }
        }
        return [Request(Statements.selectEntriesAt, bind), Request(Statements.selectSidesAt, bind)]
    }
}

extension [AuditEntryRow] {
    /// - Parameter results: those of `Request.entries(at:of:)`.
    init(_ results: [QueryResult]) throws(StoreError) {
        let entries = try results[0].all { (row: Columns) throws(StoreError) in try AuditEntryRow(row) }
        let sides = try results[1].all { (row: Columns) throws(StoreError) in try PlacedSide(row) }
        self = entries.with(sides)
    }
}

extension [ConflictHistory] {
    /// Conflicts in their order, each with its entries and their sides.
    init(_ conflicts: [ConflictRow], entries: QueryResult, sides: QueryResult) throws(StoreError) {
        let entries = try entries.all { (row: Columns) throws(StoreError) in try AuditEntryRow(row) }
        let sides = try sides.all { (row: Columns) throws(StoreError) in try PlacedSide(row) }
        let entriesByConflict = Dictionary(grouping: entries, by: \.conflict)
        let sidesByConflict = Dictionary(grouping: sides, by: \.conflict)
        self = conflicts.map { conflict in
            ConflictHistory(
                conflict: conflict,
                entries: (entriesByConflict[conflict.id] ?? []).with(sidesByConflict[conflict.id] ?? []))
        }
    }
}

extension QueryResult {
    fileprivate func count() throws(StoreError) -> Int { Int(try first { $0.integer(0) } ?? 0) }

    fileprivate func counts() throws(StoreError) -> [ConflictCounts.Count] {
        try all { (row: Columns) throws(StoreError) in
            ConflictCounts.Count(name: try row.text(0), count: row.integer(1))
        }
    }

    fileprivate func unitCounts() throws(StoreError) -> [ConflictCounts.UnitCount] {
        try all { (row: Columns) throws(StoreError) in
            ConflictCounts.UnitCount(
                collection: ExactString(try row.text(0)), unit: ExactString(try row.text(1)), count: row.integer(2))
        }
    }
}

extension ConflictQuery {
    /// Binds the values in the order that all statements of `Statements.selectConflicts` share.
    fileprivate func bind(to row: inout Parameters, tenant: String, within range: (above: Int64, below: Int64)) {
        row.text(tenant)
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
