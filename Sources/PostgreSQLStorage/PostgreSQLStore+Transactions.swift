import Causality
import MergeCore
import SyncStorage

extension PostgreSQLStore {
    public func transact<Answer: Sendable>(
        _ tenant: TenantID, readSet: StoreReadSet,
        _ decide: @escaping @Sendable (StoreSnapshot) throws(StoreError) -> (Commit, Answer)
    ) async throws(StoreError) -> Answer {
        let answer: Answer
        let sequence: Int64?
        do throws(StoreError) {
            (answer, sequence) = try await threads.run(of: tenant, for: .writing, probe: probe) {
                (session: Session) throws(StoreError) in
                try session.transact(tenant.name.text, readSet, decide)
            }
        } catch {
            if error.isFullDisk { fullDisk.note() }
            throw error
        }
        if let sequence { broadcast.note(tenant, sequence: sequence) }
        return answer
    }
}

extension Session {
    /// - Returns: beside the answer, the tenant's sequence where readers may not have heard of it.
    fileprivate func transact<Answer>(
        _ tenant: String, _ readSet: StoreReadSet,
        _ decide: (StoreSnapshot) throws(StoreError) -> (Commit, Answer)
    ) throws(StoreError) -> (Answer, Int64?) {
        let keys = ReadSetKeys(readSet, tenant: tenant)
        let begin = [Request(Statements.begin), Request(Statements.setTenant) { $0.text(tenant) }]
        let lock = Request(Statements.lockHead) { $0.text(tenant) }
        var results = try exchange(begin + [lock] + keys.requests)[2...]
        var isNew = false
        if results.first?.rowCount == 0 {
            // The tenant's first commit: there was no row to lock, and another server may make it at the same time.
            results = try exchange([Request(Statements.insertTenant) { $0.text(tenant) }, lock] + keys.requests)[...]
            isNew = results.removeFirst().changedCount > 0
        }
        guard let head = try results.first?.first({ TenantHead($0) }) else {
            throw .damaged("the tenant's row cannot be written and read")
        }
        var snapshot = try keys.snapshot(head: head, Array(results.dropFirst()))
        let references = Array(snapshot.conflicts.values).references
        if !references.isEmpty {
            let entries = try [AuditEntryRow](exchange(Request.entries(at: references, of: tenant)))
            for history in try Array(snapshot.conflicts.values).filledIn(from: entries) {
                snapshot.conflicts[ConflictID(position: history.conflict.id)] = history
            }
        }
        let (commit, answer) = try decide(snapshot)
        let end = [Request(Statements.waitForCommit), Request(Statements.commit)]
        guard !commit.isEmpty else {
            guard !isNew else {
                rollBack()
                return (answer, nil)
            }
            // The answer that is told again was committed before, and yet a standby need not have it: a crash ends the
            // wait for the standby, and after it the commit is there to be read. The commit of the tenant's lock waits
            // for all that came before it. And the server that committed may have been lost before it could tell the
            // readers.
            _ = try exchange(end)
            return (answer, head.sequence)
        }
        _ = try exchange(try commit.requests(tenant: tenant) + end)
        return (answer, commit.head.sequence > head.sequence ? commit.head.sequence : nil)
    }
}

/// The keys of a read set in a fixed order, the statements that read them, and what these have found. A kind of key
/// that the read set does not name has no statement.
private struct ReadSetKeys {
    private let tenant: String
    private let records: [RecordKey]
    private let recordBytes: Int
    private let operations: [OperationID]
    private let dots: [RecordDot]
    private let batches: [BatchKey]
    private let devices: [DeviceID]
    private let conflicts: [Int64]

    init(_ readSet: StoreReadSet, tenant: String) {
        self.tenant = tenant
        // In one order, so that what there is no room for does not depend on the order of a hash table.
        records = readSet.merge.records.sorted()
        recordBytes = readSet.recordBytes
        operations = Array(readSet.merge.operations)
        dots = Array(readSet.merge.dots)
        batches = Array(readSet.batches)
        devices = Array(readSet.devices)
        conflicts = readSet.conflicts.map(\.position)
    }

    var requests: [Request] {
        var requests: [Request] = []
        if !records.isEmpty {
            requests.append(
                Request(Statements.selectRecords) { row in
                    row.text(tenant)
                    row.texts(records) { $0.collection.text }
                    row.texts(records) { $0.id.text }
                    row.integer(Int64(recordBytes))
                })
        }
        if !operations.isEmpty {
            requests.append(
                Request(Statements.selectKnownOperations) { row in
                    row.text(tenant)
                    row.texts(operations) { $0.name.text }
                })
        }
        if !dots.isEmpty {
            requests.append(
                Request(Statements.selectKnownDots) { row in
                    row.text(tenant)
                    row.texts(dots) { $0.record.collection.text }
                    row.texts(dots) { $0.record.id.text }
                    row.texts(dots) { $0.dot.device.name.text }
                    row.integers(dots) { $0.dot.counter }
                })
        }
        if !batches.isEmpty {
            requests.append(
                Request(Statements.selectBatches) { row in
                    row.text(tenant)
                    row.texts(batches) { $0.device.name.text }
                    row.texts(batches) { $0.key.text }
                })
        }
        if !devices.isEmpty {
            requests.append(
                Request(Statements.selectDevicesOfReadSet) { row in
                    row.text(tenant)
                    row.texts(devices) { $0.name.text }
                })
        }
        if !conflicts.isEmpty {
            let bind = { (row: inout Parameters) in
                row.text(tenant)
                row.integers(conflicts) { $0 }
            }
            requests += [
                Request(Statements.selectConflicts, bind), Request(Statements.selectEntriesOfConflicts, bind),
                Request(Statements.selectSidesOfConflicts, bind),
            ]
        }
        return requests
    }

    /// - Parameters:
    ///   - head: the tenant's head.
    ///   - results: one a request.
    func snapshot(head: TenantHead, _ results: [QueryResult]) throws(StoreError) -> StoreSnapshot {
        var snapshot = StoreSnapshot(
            merge: Snapshot(
                sequence: head.sequence, auditPosition: head.auditPosition, auditMilliseconds: head.auditMilliseconds),
            head: head)
        var results = results.makeIterator()
        if !records.isEmpty {
            var decoder = RecordDecoder()
            try results.next()?.forEach { (row: Columns) throws(StoreError) in
                guard row.boolean(12) else {
                    snapshot.omitted.insert(
                        RecordKey(collection: ExactString(try row.text(0)), id: ExactString(try row.text(1))))
                    return
                }
                let record = try RecordRow(row)
                snapshot.merge.records[record.key] = try decoder.record(record)
            }
        }
        if !operations.isEmpty {
            try results.next()?.forEach { (row: Columns) throws(StoreError) in
                let known = try OperationRow(known: row).known()
                snapshot.merge.operations[known.id, default: []].append(known)
            }
        }
        if !dots.isEmpty {
            try results.next()?.forEach { (row: Columns) throws(StoreError) in
                let operation = try OperationRow(known: row)
                guard let record = operation.record else { throw .damaged("an event belongs to no record") }
                let dot = RecordDot(record: record, dot: Dot(device: operation.device, counter: row.integer(9)))
                snapshot.merge.dots[dot] = try operation.known()
            }
        }
        if !batches.isEmpty {
            try results.next()?.forEach { (row: Columns) throws(StoreError) in
                let batch = try BatchRow(row)
                snapshot.batches[batch.key] = batch
            }
        }
        if !devices.isEmpty {
            try results.next()?.forEach { (row: Columns) throws(StoreError) in
                let device = try DeviceRow(row)
                snapshot.devices[device.device] = device
            }
        }
        if !conflicts.isEmpty, let rows = results.next(), let entries = results.next(), let sides = results.next() {
            let conflicts = try rows.all { (row: Columns) throws(StoreError) in try ConflictRow(row) }
            for history in try [ConflictHistory](conflicts, entries: entries, sides: sides) {
                snapshot.conflicts[ConflictID(position: history.conflict.id)] = history
            }
        }
        return snapshot
    }
}

extension Commit {
    /// One statement for each table that is written to, and one for the head.
    fileprivate func requests(tenant: String) throws(StoreError) -> [Request] {
        var requests: [Request] = []
        func write<Row>(
            _ rows: [Row], _ statement: Statement, _ bind: ([Row]) -> (inout Parameters) -> Void
        ) {
            guard !rows.isEmpty else { return }
            requests.append(
                Request(statement) { parameters in
                    parameters.text(tenant)
                    bind(rows)(&parameters)
                })
        }
        write(records, Statements.writeRecords) { rows in { rows.bind(to: &$0) } }
        write(try operations.eachOnce, Statements.writeOperations) { rows in { rows.bind(to: &$0) } }
        write(batches, Statements.insertBatches) { rows in { rows.bind(to: &$0) } }
        write(devices, Statements.insertDevices) { rows in { rows.bind(to: &$0) } }
        write(audit, Statements.insertAuditEntries) { rows in { rows.bind(to: &$0) } }
        write(audit.placedSides, Statements.insertAuditSides) { rows in { rows.bind(to: &$0) } }
        write(conflicts, Statements.insertConflicts) { rows in { rows.bind(to: &$0) } }
        write(conflictChanges, Statements.updateConflicts) { rows in { rows.bind(to: &$0) } }
        write(assignments, Statements.assignConflicts) { rows in { rows.bind(to: &$0) } }
        requests.append(
            Request(Statements.updateHead) { row in
                row.text(tenant)
                head.bind(to: &row)
            })
        return requests
    }
}

extension [OperationRow] {
    /// The rows, each once. One statement cannot write a row twice, so of a rejection and what replaces it in the same
    /// commit only the latter stays.
    fileprivate var eachOnce: [OperationRow] {
        get throws(StoreError) {
            var places: [OperationOwner: Int] = [:]
            places.reserveCapacity(count)
            var rows: [OperationRow] = []
            rows.reserveCapacity(count)
            for row in self {
                let owner = OperationOwner(id: row.id, device: row.device)
                guard let place = places[owner] else {
                    places[owner] = rows.count
                    rows.append(row)
                    continue
                }
                guard rows[place].outcome == .rejected else {
                    throw .damaged("an operation that was accepted before would be overwritten")
                }
                rows[place] = row
            }
            return rows
        }
    }
}
