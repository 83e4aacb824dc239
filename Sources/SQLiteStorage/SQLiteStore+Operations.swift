import Causality
import MergeCore
import SyncStorage

extension SQLiteStore {
    public func operations(_ tenant: TenantID, id: OperationID) async throws(StoreError) -> [OperationRow] {
        try await read(tenant) { (connection: Connection) throws(StoreError) in
            try connection.operations(of: tenant.name.text, under: IndexKey(id), .all).map(\.row)
                .filter { $0.id == id }.sorted { $0.device < $1.device }
        }
    }

    public func operations(_ tenant: TenantID, _ query: OperationQuery) async throws(StoreError) -> [OperationRow] {
        try await read(tenant) { (connection: Connection) throws(StoreError) in
            var rows: [OperationRow] = []
            var before = query.before ?? .max
            // Names that share a key are rare, and are left out. The page is filled up from what comes after them.
            while rows.count < query.limit {
                let wanted = query.limit - rows.count
                let found = try connection.operations(
                    of: tenant.name.text, selectedBy: query.selection, before: before, limit: wanted)
                rows += found.reversed().map(\.row).filter { query.selection.selects($0) }
                guard found.count == wanted, let last = found.first else { break }
                before = last.row.ordinal
            }
            return rows
        }
    }
}

// Operations are read in two steps: where they stand, and then the groups in which they do.
extension Connection {
    /// The operations under the key of an id.
    func operations(
        of tenant: String, under key: IndexKey, _ parts: OperationParts = .known
    ) throws(StoreError) -> [StoredOperation] {
        try operations(of: tenant, at: try places(of: tenant, under: key), parts)
    }

    /// The operations under keys of ids, and those that events were.
    func operations(
        of tenant: String, under keys: Set<IndexKey>, dots: Set<RecordDot>
    ) throws(StoreError) -> [StoredOperation] {
        var places: Set<OperationPlace> = []
        for key in keys { places.formUnion(try self.places(of: tenant, under: key)) }
        for dot in dots { places.formUnion(try self.places(of: tenant, dot)) }
        return try operations(of: tenant, at: Array(places))
    }

    /// A page of operations, in the order of their ordinals.
    fileprivate func operations(
        of tenant: String, selectedBy selection: OperationQuery.Selection, before ordinal: Int64, limit: Int
    ) throws(StoreError) -> [StoredOperation] {
        let statement =
            switch selection {
            case .record: Statements.selectPlacesOfRecord
            case .rejected(nil): Statements.selectPlacesOfRejected
            case .rejected: Statements.selectPlacesOfRejectedOfDevice
            }
        let places = try prepare(statement).all(
            { row in
                row.text(tenant)
                switch selection {
                case .record(let key): row.bytes(IndexKey(key).bytes)
                case .rejected(let device?): row.integer(IndexKey.author(device))
                case .rejected(nil): break
                }
                row.integer(ordinal)
                row.integer(Int64(limit))
            }, { OperationPlace($0) })
        return try operations(of: tenant, at: places, .all)
    }

    /// The operations of the groups that a batch made.
    func operations(
        of tenant: String, ofBatchAt ordinals: ClosedRange<Int64>
    ) throws(StoreError) -> [OperationRow] {
        var rows: [OperationRow] = []
        try prepare(Statements.selectGroupsOfBatch).forEach(
            { row in
                row.text(tenant)
                row.integer(ordinals.lowerBound)
                row.integer(ordinals.upperBound)
            }, { (row: Columns) throws(StoreError) in rows += try OperationGroup(row).operations(nil, .known) })
        return rows
    }

    private func places(of tenant: String, under key: IndexKey) throws(StoreError) -> [OperationPlace] {
        try prepare(Statements.selectPlaces).all(
            { row in
                row.text(tenant)
                row.bytes(key.bytes)
            }, { OperationPlace($0) })
    }

    private func places(of tenant: String, _ dot: RecordDot) throws(StoreError) -> [OperationPlace] {
        try prepare(Statements.selectPlaceOfDot).all(
            { row in
                row.text(tenant)
                row.bytes(IndexKey(dot.record).bytes)
                row.integer(IndexKey.author(dot.dot.device))
                row.integer(dot.dot.counter)
                row.integer(Int64(StoreReadSet.newestOperationsSearched))
            }, { OperationPlace($0) })
    }

    private func operations(
        of tenant: String, at places: [OperationPlace], _ parts: OperationParts = .known
    ) throws(StoreError) -> [StoredOperation] {
        guard !places.isEmpty else { return [] }
        let statement = try prepare(Statements.selectGroup)
        return try StoredOperation.all(at: places, parts) { (groups: [Int64]) throws(StoreError) in
            var found: [OperationGroup] = []
            for first in groups {
                let group = try statement.first(
                    { row in
                        row.text(tenant)
                        row.integer(first)
                    }, { OperationGroup($0) })
                if let group { found.append(group) }
            }
            return found
        }
    }
}
