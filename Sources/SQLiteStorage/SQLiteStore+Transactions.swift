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
        let snapshot = try await read { (connection: Connection) throws(StoreError) in
            try connection.snapshot(of: tenant, readSet)
        }
        let (commit, answer) = try decide(snapshot)
        guard !commit.isEmpty else { return answer }
        knownHeads?.willMove(tenant)
        do throws(StoreError) {
            try await write(tenant) { (connection: Connection) throws(StoreError) in
                try connection.write(commit, tenant: tenant.name.text)
                return ((), .commit)
            }
        } catch {
            knownHeads?.didMove(tenant, to: nil)
            throw error
        }
        knownHeads?.didMove(tenant, to: commit.head)
        return answer
    }
}

extension Connection {
    func head(of tenant: TenantID) throws(StoreError) -> TenantHead {
        try prepare(Statements.selectHead).first({ $0.text(tenant.name.text) }, { TenantHead($0) }) ?? TenantHead()
    }

    /// Reads each key of the read set once.
    fileprivate func snapshot(of tenant: TenantID, _ readSet: StoreReadSet) throws(StoreError) -> StoreSnapshot {
        let name = tenant.name.text
        let head = try head(of: tenant)
        var snapshot = StoreSnapshot(
            merge: Snapshot(
                sequence: head.sequence, auditPosition: head.auditPosition, auditMilliseconds: head.auditMilliseconds),
            head: head)
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
        if !readSet.merge.operations.isEmpty {
            let statement = try prepare(Statements.selectKnownOperations)
            for id in readSet.merge.operations {
                let known = try statement.all(
                    { row in
                        row.text(name)
                        row.text(id.name.text)
                    }, { (row: Columns) throws(StoreError) in try OperationRow(known: row).known() })
                if !known.isEmpty { snapshot.merge.operations[id] = known }
            }
        }
        if !readSet.merge.dots.isEmpty {
            let statement = try prepare(Statements.selectKnownDot)
            for dot in readSet.merge.dots { snapshot.merge.dots[dot] = try statement.known(name, dot) }
        }
        if !readSet.batches.isEmpty {
            let statement = try prepare(Statements.selectBatch)
            for key in readSet.batches { snapshot.batches[key] = try statement.batch(name, key) }
        }
        if !readSet.devices.isEmpty {
            let statement = try prepare(Statements.selectDevice)
            for device in readSet.devices { snapshot.devices[device] = try statement.device(name, device) }
        }
        for id in readSet.conflicts { snapshot.conflicts[id] = try history(id, tenant: tenant) }
        return snapshot
    }

    /// Writes each row once.
    fileprivate func write(_ commit: Commit, tenant: String) throws(StoreError) {
        try each(commit.records, Statements.upsertRecord, tenant) { $0.bind(to: &$1) }
        let changed = try each(commit.operations, Statements.writeOperation, tenant) { $0.bind(to: &$1) }
        guard changed == commit.operations.count else {
            throw .damaged("an operation that was accepted before would be overwritten")
        }
        try each(commit.batches, Statements.insertBatch, tenant) { $0.bind(to: &$1) }
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
        }
    }

    /// Runs a statement once for each row, the tenant as its first parameter.
    /// - Returns: how many rows changed.
    @discardableResult
    private func each<Row>(
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

    func known(_ tenant: String, _ dot: RecordDot) throws(StoreError) -> KnownOperation? {
        try first(
            { row in
                row.text(tenant)
                row.text(dot.record.collection.text)
                row.text(dot.record.id.text)
                row.text(dot.dot.device.name.text)
                row.integer(dot.dot.counter)
            }, { (row: Columns) throws(StoreError) in try OperationRow(known: row).known() })
    }

    func batch(_ tenant: String, _ key: BatchKey) throws(StoreError) -> BatchRow? {
        try first(
            { row in
                row.text(tenant)
                row.text(key.device.name.text)
                row.text(key.key.text)
            }, { (row: Columns) throws(StoreError) in try BatchRow(row) })
    }

    func device(_ tenant: String, _ device: DeviceID) throws(StoreError) -> DeviceRow? {
        try first(
            { row in
                row.text(tenant)
                row.text(device.name.text)
            }, { (row: Columns) throws(StoreError) in try DeviceRow(row) })
    }
}
