import Causality
import MergeCore
import SyncStorage
import SyncWire
import Values

extension SyncEngine {
    // MARK: Session

    /// Who the caller is to the server. - Parameter limits: what it may ask, as whoever keeps the limits says.
    public func session(
        _ caller: Caller, limits: [SessionAnswer.Limit]
    ) async throws(Problem) -> SessionAnswer {
        try await admit(caller)
        return SessionAnswer(
            tenant: caller.tenant.name, user: caller.user, device: caller.device,
            roles: caller.roles.map { ExactString($0.rawValue) }.sorted(), lineage: lineage, limits: limits,
            serverTimeMilliseconds: clock.now())
    }

    // MARK: One record

    /// A record with its clock and, for each unit, the events behind what it holds.
    public func record(_ caller: Caller, _ key: RecordKey) async throws(Problem) -> RecordAnswer {
        try await admit(caller)
        let stored = try await reading { () throws(StoreError) -> (RecordRow, StoredRecord)? in
            guard let row = try await store.record(caller.tenant, key), !row.isPurged else { return nil }
            return (row, try row.decoded())
        }
        guard let (row, record) = stored else { throw .notFound }
        let dots = record.state.units.sorted { $0.key < $1.key }
            .map { RecordAnswer.UnitDots(unit: $0.key.name, dots: Array($0.value.dots)) }
        return RecordAnswer(record: WireRecord(row), dots: dots)
    }

    // MARK: Records by their ids

    /// Records by their keys, as they stand, within `pageBytes`.
    /// - Throws: what ``changes(_:_:)`` throws of a cursor; `storage_unavailable` also where this copy of the data is
    ///   behind it.
    public func records(_ caller: Caller, _ request: RecordsRequest) async throws(Problem) -> RecordsAnswer {
        try await admit(caller)
        let (after, life) = try place(request.since?.text, of: caller.tenant)
        let query = RecordsQuery(request.keys, bytes: limits.pageBytes, after: after, in: life)
        let page = try await reading { () throws(StoreError) in
            let page = try await store.records(caller.tenant, query)
            // A standby that was promoted while it was read answered with what it had before.
            guard page.head < after, !page.isReplica else { return page }
            return try await store.records(caller.tenant, query)
        }
        guard page.course?.isContinued == true else {
            guard page.isReplica else { throw .resyncRequired(.lineage) }
            var behind = Problem(.storageUnavailable, "This copy of the data is behind your cursor.")
            behind.retryAfterSeconds = 1
            throw behind
        }
        return RecordsAnswer(
            records: page.rows.filter { !$0.isPurged }.map(WireRecord.init(_:)), omitted: page.omitted,
            serverTimeMilliseconds: clock.now())
    }

    /// Operations and conflicts of a record as JSON, the newest first.
    /// - Throws: `not_found`, `cursor_invalid`, `storage_unavailable`.
    public func history(
        _ caller: Caller, _ key: RecordKey, page: String?, limit: Int
    ) async throws(Problem) -> HistoryPage {
        try await admit(caller)
        let token = try HistoryToken(page)
        let (operations, conflicts, exists) = try await reading {
            () throws(StoreError) -> (BoundedRows<OperationRow>, BoundedRows<ConflictHistory>, Bool) in
            let operations = try await operationRows(
                caller.tenant, OperationQuery(.record(key), before: token.operation, limit: limit))
            var query = ConflictQuery(limit: limit)
            query.collection = key.collection
            query.record = key.id
            query.beyond = token.conflict.map { ConflictID(position: $0) }
            let conflicts = try await conflictHistories(caller.tenant, query)
            let exists = try await store.record(caller.tenant, key) != nil
            return (operations, conflicts, exists)
        }
        guard exists || !operations.rows.isEmpty else { throw .notFound }
        var merge = HistoryMerge(operations: operations, conflicts: conflicts, byteLimit: limits.pageBytes)
        return try await reading { () throws(StoreError) in try merge.page(limit: limit, after: token) }
    }

    // MARK: What was answered

    /// What a retry of a batch would be answered.
    /// - Parameters:
    ///   - caller: who asks.
    ///   - device: the device whose key it is.
    ///   - key: the batch's key.
    /// - Throws: `not_found`, `storage_unavailable`.
    public func batch(_ caller: Caller, device: DeviceID, key: ExactString) async throws(Problem) -> BatchReply {
        try await admit(caller)
        guard let recall = try await recall(caller.tenant, BatchKey(device: device, key: key)) else { throw .notFound }
        return replies(of: caller.tenant).reply(recall, .full)
    }

    /// What happened to an operation. - Parameter device: whose operation it is; nil: whoever's, if only one used the id.
    public func operation(_ caller: Caller, id: OperationID, device: DeviceID?) async throws(Problem) -> WireOperation {
        try await admit(caller)
        let rows = try await reading { () throws(StoreError) in try await store.operations(caller.tenant, id: id) }
            .filter { device == nil || $0.device == device }
        guard let row = rows.first else { throw .notFound }
        guard rows.count == 1 else {
            throw Problem(.invalidRequest, "Several devices used this id; name one with the query parameter 'device'.")
        }
        return try await reading { () throws(StoreError) in try WireOperation(row) }
    }

    /// The operations that were refused for good as JSON, the newest first, with their content.
    /// - Throws: `cursor_invalid`, `storage_unavailable`.
    public func rejectedOperations(
        _ caller: Caller, device: DeviceID?, page: String?, limit: Int
    ) async throws(Problem) -> OperationsPage {
        try await admit(caller)
        let before = try PageToken.read(page, kind: "o")
        return try await reading { () throws(StoreError) in
            let page = try await operationRows(
                caller.tenant, OperationQuery(.rejected(device), before: before, limit: limit))
            var operations: [WireOperation] = []
            for row in page.rows { operations.append(try WireOperation(row)) }
            let next = page.hasMore ? page.rows.last.map { PageToken.text($0.ordinal, kind: "o") } : nil
            return OperationsPage(operations: operations, next: next)
        }
    }
}
