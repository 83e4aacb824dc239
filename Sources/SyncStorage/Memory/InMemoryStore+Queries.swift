import Causality
import MergeCore
import Values

extension InMemoryStore {
    public func head(of tenant: TenantID) async throws(StoreError) -> TenantHead {
        try state(of: tenant).head
    }

    public func changes(_ tenant: TenantID, _ query: ChangeQuery) async throws(StoreError) -> ChangePage {
        let state = try state(of: tenant)
        let later = state.records.values.filter { $0.sequence > query.after && !$0.isPurged }
            .sorted { $0.sequence < $1.sequence }
        var builder = ChangePageBuilder(query, over: state.head)
        rows: for row in later {
            let isWanted = query.wants(row.key.collection) { row.key.id }
            switch builder.look(at: row.sequence, isWanted: isWanted, bytes: { row.pageBytes }) {
            case .wanted: builder.append(row)
            case .filtered: continue
            case .beyond: break rows
            }
        }
        var page = builder.finished()
        page.course = try course(of: query.after, in: query.life, over: state.head)
        return page
    }

    public func changes(
        _ tenant: TenantID, _ query: ChangeQuery, for reader: AccessQuery
    ) async throws(StoreError) -> ReaderPage {
        ReaderPage(page: try await changes(tenant, query), access: try await access(tenant, reader))
    }

    /// The data has one life, and what was before it was nothing.
    private func course(
        of place: Int64, in life: LifeID?, over head: TenantHead
    ) throws(StoreError) -> FeedCourse? {
        guard let life else { return nil }
        return try FeedCourse(of: place, in: life, current: self.life, head: head.sequence) {
            () throws(StoreError) in life == .beforeAny ? .at(0) : .unknownLife
        }
    }

    public func record(_ tenant: TenantID, _ key: RecordKey) async throws(StoreError) -> RecordRow? {
        try state(of: tenant).records[key]
    }

    public func records(_ tenant: TenantID, _ query: RecordsQuery) async throws(StoreError) -> RecordsPage {
        let state = try state(of: tenant)
        var page = RecordsPage(head: state.head.sequence)
        page.course = try course(of: query.after, in: query.life, over: state.head)
        var allowance = ReadAllowance(bytes: query.bytes)
        for key in query.keys {
            guard let row = state.records[key] else { continue }
            if allowance.admits(row.byteCount) { page.rows.append(row) } else { page.omitted.append(key) }
        }
        return page
    }

    public func batch(_ tenant: TenantID, _ key: BatchKey) async throws(StoreError) -> BatchRow? {
        try state(of: tenant).batches[key]
    }

    public func recall(
        _ tenant: TenantID, _ key: BatchKey, recordBytes: Int
    ) async throws(StoreError) -> BatchRecall? {
        let state = try state(of: tenant)
        guard let batch = state.batches[key] else { return nil }
        var recall = try BatchRecall(batch, at: state.head.sequence, in: life) { owner throws(StoreError) in
            try state.operations[owner.id]?[owner.device]?.known()
        }
        var allowance = ReadAllowance(bytes: recordBytes)
        for record in recall.touched {
            guard let row = state.records[record] else { continue }
            if allowance.admits(row.byteCount) { recall.records.append(row) } else { recall.omitted.append(record) }
        }
        return recall
    }

    public func operations(_ tenant: TenantID, id: OperationID) async throws(StoreError) -> [OperationRow] {
        try (state(of: tenant).operations[id] ?? [:]).values.sorted { $0.device < $1.device }
    }

    public func operations(_ tenant: TenantID, _ query: OperationQuery) async throws(StoreError) -> [OperationRow] {
        let all = try state(of: tenant).operations.values.flatMap(\.values)
        let selected = all.filter { row in
            guard query.before.map({ row.ordinal < $0 }) ?? true else { return false }
            return switch query.selection {
            case .record(let key): row.record == key
            case .rejected(let device): row.outcome == .rejected && (device == nil || row.device == device)
            }
        }
        return Array(selected.sorted { $0.ordinal > $1.ordinal }.prefix(query.limit))
    }

    public func conflicts(_ tenant: TenantID, _ query: ConflictQuery) async throws(StoreError) -> [ConflictHistory] {
        let state = try state(of: tenant)
        let selected = state.conflicts.values.filter { query.selects($0, sides: state.sides(of: $0.id)) }
        let ordered = selected.sorted { query.order == .newest ? $0.id > $1.id : $0.id < $1.id }
        var histories: [ConflictHistory] = []
        for row in ordered.prefix(query.limit) { histories.append(try state.history(row)) }
        return histories
    }

    public func conflictCounts(_ tenant: TenantID, _ queries: [ConflictQuery]) async throws(StoreError) -> [Int] {
        var counts: [Int] = []
        for query in queries { counts.append(try await conflicts(tenant, query).count) }
        return counts
    }

    public func conflict(_ tenant: TenantID, _ id: ConflictID) async throws(StoreError) -> ConflictHistory? {
        let state = try state(of: tenant)
        guard let row = state.conflicts[id.position] else { return nil }
        return try state.history(row)
    }

    public func conflictCounts(_ tenant: TenantID) async throws(StoreError) -> ConflictCounts {
        let state = try state(of: tenant)
        let rows = Array(state.conflicts.values)
        var conflictCounts = ConflictCounts()
        conflictCounts.byStatus = Self.counts(rows.map(\.status))
        conflictCounts.byKind = Self.counts(rows.map(\.kind))
        conflictCounts.byCollection = Self.counts(rows.map(\.collection))
        conflictCounts.byUnit = Dictionary(grouping: rows) { [ExactString($0.collection), ExactString($0.unit)] }
            .sorted { $0.key.lexicographicallyPrecedes($1.key) }
            .map { .init(collection: $0.key[0], unit: $0.key[1], count: Int64($0.value.count)) }
        conflictCounts.byDevice = Self.counts(
            rows.flatMap { row in Set(state.sides(of: row.id).map { ExactString($0.device) }).map(\.text) })
        conflictCounts.byDay = Self.counts(
            rows.map { String(Timestamp(milliseconds: $0.openedAtMilliseconds).text.prefix(10)) })
        return conflictCounts
    }

    public func auditEntries(
        _ tenant: TenantID, after position: Int64, limit: Int
    ) async throws(StoreError) -> [AuditEntryRow] {
        Array(try state(of: tenant).audit.filter { $0.position > position }.prefix(limit))
    }

    /// Always nil, because sides are kept inside their entries here.
    public func strandedSides(_ tenant: TenantID) async throws(StoreError) -> Int64? {
        _ = try state(of: tenant)
        return nil
    }

    public func conflictIndex(
        _ tenant: TenantID, after id: Int64, limit: Int
    ) async throws(StoreError) -> [ConflictRow] {
        Array(try state(of: tenant).conflicts.values.filter { $0.id > id }.sorted { $0.id < $1.id }.prefix(limit))
    }

    public func device(_ tenant: TenantID, _ device: DeviceID) async throws(StoreError) -> DeviceRow? {
        try state(of: tenant).devices[device]
    }

    public func retiredDevices(
        _ tenant: TenantID, among devices: Set<DeviceID>
    ) async throws(StoreError) -> Set<DeviceID> {
        let there = try state(of: tenant).devices
        return devices.filter { there[$0]?.retiredAtMilliseconds != nil }
    }

    public func devices(_ tenant: TenantID) async throws(StoreError) -> [DeviceRow] {
        try state(of: tenant).devices.values.sorted { $0.device < $1.device }
    }

    /// Counts names, and sorts them byte by byte.
    private static func counts(_ names: [String]) -> [ConflictCounts.Count] {
        var counts: [ExactString: Int64] = [:]
        for name in names { counts[ExactString(name), default: 0] += 1 }
        return counts.sorted { $0.key < $1.key }.map { ConflictCounts.Count(name: $0.key.text, count: $0.value) }
    }
}

extension InMemoryStore.TenantState {
    func sides(of conflict: Int64) -> [AuditSideRow] {
        audit.filter { $0.conflict == conflict }.flatMap(\.sides)
    }

    func history(_ conflict: ConflictRow) throws(StoreError) -> ConflictHistory {
        let history = ConflictHistory(conflict: conflict, entries: audit.filter { $0.conflict == conflict.id })
        let references = history.references
        return try [history].filledIn(from: audit.filter { references.contains($0.position) })[0]
    }
}

extension ConflictQuery {
    func selects(_ row: ConflictRow, sides: [AuditSideRow]) -> Bool {
        let text = { (wanted: String?, found: String) in wanted.map { ExactString($0) == ExactString(found) } ?? true }
        let isBeyond = beyond.map { order == .newest ? row.id < $0.position : row.id > $0.position } ?? true
        return isBeyond && text(status?.rawValue, row.status) && text(kind?.rawValue, row.kind)
            && text(collection?.text, row.collection) && text(record?.text, row.record) && text(unit?.text, row.unit)
            && text(policy?.text, row.policy) && text(assignee?.column, row.assignee)
            && (device == nil || sides.contains { text(device?.name.text, $0.device) })
            && (user == nil || sides.contains { text(user?.text, $0.user) })
            && (sinceMilliseconds.map { row.openedAtMilliseconds >= $0 } ?? true)
            && (untilMilliseconds.map { row.openedAtMilliseconds < $0 } ?? true)
    }
}
