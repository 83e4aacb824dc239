import Causality
import MergeCore
import SyncStorage
import SyncWire

extension SyncEngine {
    /// A page of conflicts. - Parameter page: where the page before said that this one begins.
    public func conflicts(_ caller: Caller, _ query: ConflictQuery, page: String?) async throws(Problem)
        -> ConflictsPage
    {
        let (views, next) = try await conflictPage(caller, query, page: page)
        return ConflictsPage(conflicts: views.map(\.document), next: next)
    }

    /// A page of conflicts with all that is known of them.
    public func conflictPage(
        _ caller: Caller, _ query: ConflictQuery, page: String?
    ) async throws(Problem) -> (views: [ConflictView], next: String?) {
        try await admit(caller)
        let beyond = try PageToken.read(page, kind: "c")
        return try await reading { () throws(StoreError) in
            var query = query
            query.beyond = beyond.map { ConflictID(position: $0) }
            let page = try await conflictHistories(caller.tenant, query)
            var views: [ConflictView] = []
            for history in page.rows { views.append(try ConflictView(history)) }
            let next = page.hasMore ? views.last.map { PageToken.text($0.row.id, kind: "c") } : nil
            return (views, next)
        }
    }

    /// The conflicts of a query, as many as it wants and a page may hold.
    func conflictHistories(
        _ tenant: TenantID, _ query: ConflictQuery
    ) async throws(StoreError) -> BoundedRows<ConflictHistory> {
        try await BoundedRows.reading(query.limit, byteLimit: limits.pageBytes, byteCount: \.byteCount) {
            last, limit throws(StoreError) in
            var portion = query
            if let last { portion.beyond = ConflictID(position: last.conflict.id) }
            portion.limit = limit
            return try await store.conflicts(tenant, portion)
        }
    }

    /// The operations of a query, as many as it wants and a page may hold.
    func operationRows(
        _ tenant: TenantID, _ query: OperationQuery
    ) async throws(StoreError) -> BoundedRows<OperationRow> {
        try await BoundedRows.reading(query.limit, byteLimit: limits.pageBytes, byteCount: \.byteCount) {
            last, limit throws(StoreError) in
            var portion = query
            if let last { portion.before = last.ordinal }
            portion.limit = limit
            return try await store.operations(tenant, portion)
        }
    }

    /// A conflict with its sides and what was said about it.
    /// - Throws: `not_found`, `storage_unavailable`.
    public func conflictView(_ caller: Caller, _ id: ConflictID) async throws(Problem) -> ConflictView {
        try await admit(caller)
        let view = try await reading { () throws(StoreError) -> ConflictView? in
            guard let history = try await store.conflict(caller.tenant, id) else { return nil }
            return try ConflictView(history)
        }
        guard let view else { throw .notFound }
        return view
    }

    /// How many conflicts the tenant has, by each of the things that people ask for.
    public func conflictCounts(_ caller: Caller) async throws(Problem) -> ConflictCounts {
        try await admit(caller)
        return try await reading { () throws(StoreError) in try await store.conflictCounts(caller.tenant) }
    }
}
