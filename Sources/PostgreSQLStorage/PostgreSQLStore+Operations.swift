import Causality
import MergeCore
import SyncStorage

/// Reads operations: first where they stand, and then the groups in which they do.
///
/// Both an open transaction of a commit and one that only reads can be asked.
struct OperationReading {
    let tenant: String
    /// Sends statements and returns what was answered to each.
    let ask: ([Request]) throws(StoreError) -> [QueryResult]

    /// The operations at places that some statements find, each once.
    func operations(
        at requests: [Request], _ parts: OperationParts = .known
    ) throws(StoreError) -> [StoredOperation] {
        var places: [Int64: OperationPlace] = [:]
        for result in try ask(requests) {
            try result.forEach { (row: Columns) throws(StoreError) in
                let place = OperationPlace(row)
                places[place.ordinal] = place
            }
        }
        return try StoredOperation.all(at: places.values, parts) { (groups: [Int64]) throws(StoreError) in
            try ask([
                Request(Statements.selectGroups) { row in
                    row.text(tenant)
                    row.integers(groups) { $0 }
                }
            ])[0].all { OperationGroup($0) }
        }
    }

    /// Finds the operations under keys of ids.
    func places(under keys: some Collection<IndexKey>) -> Request {
        Request(Statements.selectPlaces) { row in
            row.text(tenant)
            row.uuids(keys) { $0 }
        }
    }

    /// Finds the operations that events were.
    func places(of dots: some Collection<RecordDot>) -> Request {
        Request(Statements.selectPlacesOfDots) { row in
            row.text(tenant)
            row.uuids(dots) { IndexKey($0.record) }
            row.integers(dots) { IndexKey.author($0.dot.device) }
            row.integers(dots) { $0.dot.counter }
            row.integer(Int64(StoreReadSet.newestOperationsSearched))
        }
    }

    /// The operations of the groups that batches made.
    func operations(of batches: [ClosedRange<Int64>]) throws(StoreError) -> [OperationRow] {
        let groups = try ask([
            Request(Statements.selectGroupsOfBatches) { row in
                row.text(tenant)
                row.integers(batches) { $0.lowerBound }
                row.integers(batches) { $0.upperBound }
            }
        ])[0]
        var rows: [OperationRow] = []
        try groups.forEach { (row: Columns) throws(StoreError) in
            rows += try OperationGroup(row).operations(nil, .known)
        }
        return rows
    }
}

extension PostgreSQLStore {
    public func operations(_ tenant: TenantID, id: OperationID) async throws(StoreError) -> [OperationRow] {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            let operations = reading.operations
            let found = try operations.operations(at: [operations.places(under: [IndexKey(id)])], .all)
            _ = try reading.askLast()
            return found.map(\.row).filter { $0.id == id }.sorted { $0.device < $1.device }
        }
    }

    public func operations(_ tenant: TenantID, _ query: OperationQuery) async throws(StoreError) -> [OperationRow] {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            var rows: [OperationRow] = []
            var before = query.before ?? .max
            // Names that share a key are rare, and are left out. The page is filled up from what comes after them.
            while rows.count < query.limit {
                let wanted = query.limit - rows.count
                let found = try reading.operations.operations(
                    at: [query.selection.places(in: reading.tenant, before: before, limit: wanted)], .all)
                rows += found.reversed().map(\.row).filter { query.selection.selects($0) }
                guard found.count == wanted, let last = found.first else { break }
                before = last.row.ordinal
            }
            _ = try reading.askLast()
            return rows
        }
    }
}

extension OperationQuery.Selection {
    fileprivate func places(in tenant: String, before ordinal: Int64, limit: Int) -> Request {
        let statement =
            switch self {
            case .record: Statements.selectPlacesOfRecord
            case .rejected(nil): Statements.selectPlacesOfRejected
            case .rejected: Statements.selectPlacesOfRejectedOfDevice
            }
        return Request(statement) { row in
            row.text(tenant)
            switch self {
            case .record(let key): row.uuid(IndexKey(key))
            case .rejected(let device?): row.integer(IndexKey.author(device))
            case .rejected(nil): break
            }
            row.integer(ordinal)
            row.integer(Int64(limit))
        }
    }
}
