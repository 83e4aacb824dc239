import Causality
import MergeCore
import SyncStorage

extension SQLiteStore {
    public func transact<Answer: Sendable>(
        _ tenant: TenantID, readSet: StoreReadSet,
        _ decide: @escaping @Sendable (StoreSnapshot) throws(StoreError) -> (Commit, Answer)
    ) async throws(StoreError) -> Answer {
        await locks.acquire(tenant)
        do throws(StoreError) {
            let answer = try await transactInTurn(tenant, readSet: readSet, decide)
            await locks.release(tenant)
            return answer
        } catch {
            await locks.release(tenant)
            throw error
        }
    }

    /// Reads, decides and writes, while the caller holds the tenant's lock.
    ///
    /// What the read set names cannot change until the lock is released. This process alone commits batches to the
    /// file. What is written for the tenant in other ways (`register`, `retire`, `spend`, `acknowledge`, and `end`,
    /// which a command beside the server may write too) changes nothing that a decision has to see sooner than the next
    /// one does. So reading and deciding need not keep other tenants from writing.
    private func transactInTurn<Answer: Sendable>(
        _ tenant: TenantID, readSet: StoreReadSet,
        _ decide: @escaping @Sendable (StoreSnapshot) throws(StoreError) -> (Commit, Answer)
    ) async throws(StoreError) -> Answer {
        let name = tenant.name.text
        var beginning = try await read { [storedLife] (connection: Connection) throws(StoreError) in
            try connection.beginning(of: tenant, readSet, in: storedLife)
        }
        if readSet.canDoWithoutOperations(over: beginning.snapshot) {
            var (commit, answer) = try decide(beginning.snapshot)
            commit.operations = try commit.operations.eachOnce()
            if readSet.isFulfilled(by: commit), let entries = commit.operations.newEntries,
                try await write(commit, of: tenant, entries.map { .insert($0) }, from: beginning)
            {
                return answer
            }
            // An operation was known that nobody had looked for.
        }
        beginning = try await read { [beginning] (connection: Connection) throws(StoreError) in
            try connection.withOperations(beginning, of: name, readSet)
        }
        var (commit, answer) = try decide(beginning.snapshot)
        commit.operations = try commit.operations.eachOnce()
        var writes: [OperationWrite] = []
        if !commit.operations.isEmpty {
            let keys = Set(commit.operations.map { IndexKey($0.id) })
            let known = try await read { (connection: Connection) throws(StoreError) in
                try connection.operations(of: name, under: keys, dots: [])
            }
            writes = try commit.operations.writes(beside: Dictionary(grouping: known, by: { IndexKey($0.row.id) }))
        }
        guard try await write(commit, of: tenant, writes, from: beginning) else {
            throw .damaged("an operation that was accepted before would be overwritten")
        }
        return answer
    }

    /// - Returns: false, with nothing written, where an entry is there that was to be new, or one is gone that was to be
    ///   replaced.
    private func write(
        _ commit: Commit, of tenant: TenantID, _ writes: [OperationWrite], from beginning: Beginning
    ) async throws(StoreError) -> Bool {
        guard !commit.isEmpty else { return true }
        knownHeads?.willMove(tenant)
        do throws(StoreError) {
            let (isFirst, former) = (beginning.life < storedLife.number, beginning.snapshot.head.sequence)
            let isWritten = try await write(tenant) { [storedLife] (connection: Connection) throws(StoreError) in
                let name = tenant.name.text
                if isFirst { try connection.insertBeginning(of: storedLife, name, at: former) }
                let isWritten = try connection.write(commit, writes, tenant: name, in: storedLife)
                return (isWritten, isWritten ? .commit : .nothingWritten)
            }
            knownHeads?.didMove(tenant, to: isWritten ? commit.head : nil)
            return isWritten
        } catch {
            knownHeads?.didMove(tenant, to: nil)
            throw error
        }
    }
}

/// What a transaction reads before it decides.
private struct Beginning: Sendable {
    var snapshot: StoreSnapshot
    /// The number of the life of the tenant's last commit.
    let life: Int64
    /// Where the operations of batches stand that were committed before.
    var ordinals: [BatchKey: ClosedRange<Int64>] = [:]
}

extension Connection {
    func head(of tenant: TenantID) throws(StoreError) -> TenantHead { try headAndLife(of: tenant).head }

    /// The tenant's head, and the number of the life of its last commit.
    private func headAndLife(of tenant: TenantID) throws(StoreError) -> (head: TenantHead, life: Int64) {
        try prepare(Statements.selectHead).first(
            { $0.text(tenant.name.text) }, { (TenantHead($0), $0.integer(6)) }) ?? (TenantHead(), 0)
    }

    /// Reads each key of the read set once, but those of operations.
    fileprivate func beginning(
        of tenant: TenantID, _ readSet: StoreReadSet, in life: StoredLife
    ) throws(StoreError) -> Beginning {
        let name = tenant.name.text
        let (head, lastLife) = try headAndLife(of: tenant)
        var snapshot = StoreSnapshot(
            merge: Snapshot(
                sequence: head.sequence, auditPosition: head.auditPosition, auditMilliseconds: head.auditMilliseconds),
            head: head, life: life.id)
        var ordinals: [BatchKey: ClosedRange<Int64>] = [:]
        if !readSet.merge.records.isEmpty {
            let statement = try prepare(Statements.selectRecord)
            var decoder = RecordDecoder()
            snapshot.merge.records.reserveCapacity(readSet.merge.records.count)
            var allowance = ReadAllowance(bytes: readSet.recordBytes)
            // In one order, so that what there is no room for does not depend on the order of a hash table.
            for key in readSet.merge.records.sorted() {
                guard let row = try statement.record(name, key) else { continue }
                if allowance.admits(row.byteCount) {
                    snapshot.merge.records[key] = try decoder.record(row)
                } else {
                    snapshot.omitted.insert(key)
                }
            }
        }
        if !readSet.batches.isEmpty {
            let statement = try prepare(Statements.selectBatch)
            for key in readSet.batches {
                guard let (row, range) = try statement.placedBatch(name, key) else { continue }
                snapshot.batches[key] = row
                ordinals[key] = range
            }
        }
        if !readSet.devices.isEmpty {
            let statement = try prepare(Statements.selectDevice)
            for device in readSet.devices { snapshot.devices[device] = try statement.device(name, device) }
        }
        for id in readSet.conflicts { snapshot.conflicts[id] = try history(id, tenant: tenant) }
        return Beginning(snapshot: snapshot, life: lastLife, ordinals: ordinals)
    }

    /// Reads the operations of the read set.
    fileprivate func withOperations(
        _ beginning: Beginning, of tenant: String, _ readSet: StoreReadSet
    ) throws(StoreError) -> Beginning {
        var beginning = beginning
        let ids = readSet.merge.operations.union(readSet.merge.dependencies)
        if readSet.isOfKnownBatches(beginning.ordinals) {
            // The batches know where their operations stand.
            var rows: [OperationRow] = []
            for range in beginning.ordinals.values { rows += try operations(of: tenant, ofBatchAt: range) }
            if beginning.snapshot.merge.take(try rows.known(), fulfilling: ids) { return beginning }
        }
        let dots = readSet.dotsToLookFor(over: beginning.snapshot)
        let found = try operations(of: tenant, under: Set(ids.map { IndexKey($0) }), dots: dots)
        try beginning.snapshot.merge.take(found.map(\.row), ids: ids, dots: dots)
        return beginning
    }

    /// Writes each row once.
    /// - Returns: whether every entry of an operation was written.
    fileprivate func write(
        _ commit: Commit, _ writes: [OperationWrite], tenant: String, in life: StoredLife
    ) throws(StoreError) -> Bool {
        for write in writes {
            let (statement, entry) =
                switch write {
                case .insert(let entry): (Statements.insertOperation, entry)
                case .replace(let entry): (Statements.replaceOperation, entry)
                }
            guard try each([entry], statement, tenant, { $0.bind(to: &$1) }) == 1 else { return false }
        }
        try each(commit.operations.groups, Statements.insertGroup, tenant) { $0.bind(to: &$1) }
        try each(commit.records, Statements.upsertRecord, tenant) { $0.bind(to: &$1) }
        let ordinals = commit.operations.ordinalsOfBatches
        try each(commit.batches, Statements.insertBatch, tenant) { $0.bind(to: &$1, ordinals: ordinals[$0.key]) }
        try each(commit.devices, Statements.insertDevice, tenant) { $0.bind(to: &$1) }
        try each(commit.audit, Statements.insertAuditEntry, tenant) { $0.bind(to: &$1) }
        for entry in commit.audit {
            try each(Array(entry.sides.enumerated()), Statements.insertAuditSide, tenant) {
                $0.element.bind(to: &$1, at: $0.offset, of: entry)
            }
        }
        try each(commit.conflicts, Statements.insertConflict, tenant) { $0.bind(to: &$1) }
        try each(commit.conflictChanges, Statements.updateConflict, tenant) { change, row in
            row.integer(change.id)
            row.integer(change.version)
            row.text(change.status.rawValue)
        }
        try each(commit.assignments, Statements.assignConflict, tenant) { assignment, row in
            row.integer(assignment.id)
            row.text(assignment.assignee)
        }
        try prepare(Statements.upsertHead).execute { row in
            row.text(tenant)
            commit.head.bind(to: &row)
            row.integer(life.number)
        }
        return true
    }

    /// Runs a statement once for each row, the tenant as its first parameter.
    /// - Returns: how many rows changed.
    @discardableResult
    func each<Row>(
        _ rows: [Row], _ statement: Statement, _ tenant: String, _ bind: (Row, inout Bindings) -> Void
    ) throws(StoreError) -> Int {
        guard !rows.isEmpty else { return 0 }
        let prepared = try prepare(statement)
        var changed = 0
        for row in rows {
            changed += try prepared.execute { bindings in
                bindings.text(tenant)
                bind(row, &bindings)
            }
        }
        return changed
    }
}

extension PreparedStatement {
    func record(_ tenant: String, _ key: RecordKey) throws(StoreError) -> RecordRow? {
        try first(
            { row in
                row.text(tenant)
                row.text(key.collection.text)
                row.text(key.id.text)
            }, { (row: Columns) throws(StoreError) in try RecordRow(row) })
    }

    func batch(_ tenant: String, _ key: BatchKey) throws(StoreError) -> BatchRow? {
        try placedBatch(tenant, key)?.0
    }

    /// A batch, with the ordinals of its operations where these are known.
    func placedBatch(
        _ tenant: String, _ key: BatchKey
    ) throws(StoreError) -> (BatchRow, ClosedRange<Int64>?)? {
        try first(
            { row in
                row.text(tenant)
                row.text(key.device.name.text)
                row.text(key.key.text)
            },
            { (row: Columns) throws(StoreError) in
                guard let first = row.optionalInteger(5), let last = row.optionalInteger(6), first <= last else {
                    return (try BatchRow(row), nil)
                }
                return (try BatchRow(row), first...last)
            })
    }

    func device(_ tenant: String, _ device: DeviceID) throws(StoreError) -> DeviceRow? {
        try first(
            { row in
                row.text(tenant)
                row.text(device.name.text)
            }, { (row: Columns) throws(StoreError) in try DeviceRow(row) })
    }
}
