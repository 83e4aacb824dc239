import Causality
import MergeCore
import SyncStorage

extension PostgreSQLStore {
    public func transact<Answer: Sendable>(
        _ tenant: TenantID, readSet: StoreReadSet,
        _ decide: @escaping @Sendable (StoreSnapshot) throws(StoreError) -> (Commit, Answer)
    ) async throws(StoreError) -> Answer {
        let answer: Answer
        let advance: FeedAdvance?
        do throws(StoreError) {
            (answer, advance) = try await threads.run(of: tenant, for: .writing, probe: probe) {
                (session: Session) throws(StoreError) in
                try session.transact(tenant.name.text, readSet, decide)
            }
        } catch {
            if error.isFullDisk { fullDisk.note() }
            throw error
        }
        if let advance { broadcast.note(tenant, advance) }
        return answer
    }
}

extension Session {
    /// - Returns: beside the answer, what readers may not have heard of.
    fileprivate func transact<Answer>(
        _ tenant: String, _ readSet: StoreReadSet,
        _ decide: (StoreSnapshot) throws(StoreError) -> (Commit, Answer)
    ) throws(StoreError) -> (Answer, FeedAdvance?) {
        do throws(StoreError) {
            return try TenantTransaction(self, tenant, readSet).run(expectingNewOperations: true, decide)
        } catch {
            guard let lastReport, lastReport.isOfKnownKey, lastReport.statement == Statements.insertOperations.name
            else { throw error }
            // An operation was known that nobody had looked for.
            startOver()
            return try TenantTransaction(self, tenant, readSet).run(expectingNewOperations: false, decide)
        }
    }
}

/// One transaction under the tenant's lock.
private struct TenantTransaction {
    private let session: Session
    private let tenant: String
    private let readSet: StoreReadSet
    private let keys: ReadSetKeys
    private let life: StoredLife

    init(_ session: Session, _ tenant: String, _ readSet: StoreReadSet) throws(StoreError) {
        life = try session.currentLife()
        self.session = session
        self.tenant = tenant
        self.readSet = readSet
        keys = ReadSetKeys(readSet, tenant: tenant)
    }

    /// What was read, and whether the tenant's row was made for this transaction.
    private struct Beginning {
        var snapshot: StoreSnapshot
        let isNew: Bool
        /// The number of the life of the tenant's last commit.
        let life: Int64
        /// Where the operations of batches stand that were committed before.
        let ordinals: [BatchKey: ClosedRange<Int64>]
    }

    /// - Parameter expectingNewOperations: whether to decide without looking for operations, where that may do.
    func run<Answer>(
        expectingNewOperations: Bool, _ decide: (StoreSnapshot) throws(StoreError) -> (Commit, Answer)
    ) throws(StoreError) -> (Answer, FeedAdvance?) {
        var beginning = try begin()
        if expectingNewOperations, readSet.canDoWithoutOperations(over: beginning.snapshot) {
            let (commit, answer) = try decided(over: beginning.snapshot, decide)
            if readSet.isFulfilled(by: commit), let entries = commit.operations.newEntries {
                return (answer, try end(beginning, commit, entries.map { .insert($0) }))
            }
        }
        try readOperations(into: &beginning)
        let (commit, answer) = try decided(over: beginning.snapshot, decide)
        guard !commit.operations.isEmpty else { return (answer, try end(beginning, commit, [])) }
        let keys = Set(commit.operations.map { IndexKey($0.id) })
        let known = try reading.operations(at: [reading.places(under: keys)])
        let writes = try commit.operations.writes(beside: Dictionary(grouping: known, by: { IndexKey($0.row.id) }))
        return (answer, try end(beginning, commit, writes))
    }

    private func decided<Answer>(
        over snapshot: StoreSnapshot, _ decide: (StoreSnapshot) throws(StoreError) -> (Commit, Answer)
    ) throws(StoreError) -> (Commit, Answer) {
        var (commit, answer) = try decide(snapshot)
        commit.operations = try commit.operations.eachOnce()
        return (commit, answer)
    }

    private var reading: OperationReading {
        OperationReading(tenant: tenant) { (requests: [Request]) throws(StoreError) in try session.exchange(requests) }
    }

    /// Takes the lock and reads everything but operations.
    private func begin() throws(StoreError) -> Beginning {
        let begin = session.begin(Statements.begin, naming: tenant)
        let lock = Request(Statements.lockHead) { $0.text(tenant) }
        var results = try session.exchange(begin + [lock] + keys.requests)[begin.count...]
        var isNew = false
        if results.first?.rowCount == 0 {
            // The tenant's first commit: there was no row to lock, and another server may make it at the same time.
            let insert = Request(Statements.insertTenant) { $0.text(tenant) }
            results = try session.exchange([insert, lock] + keys.requests)[...]
            isNew = results.removeFirst().changedCount > 0
        }
        guard let (head, lastLife) = try results.first?.first({ (TenantHead($0), $0.integer(6)) }) else {
            throw .damaged("the tenant's row cannot be written and read")
        }
        var (snapshot, ordinals) = try keys.snapshot(head: head, Array(results.dropFirst()))
        snapshot.life = life.id
        let references = Array(snapshot.conflicts.values).references
        if !references.isEmpty {
            let entries = try [AuditEntryRow](session.exchange(Request.entries(at: references, of: tenant)))
            for history in try Array(snapshot.conflicts.values).filledIn(from: entries) {
                snapshot.conflicts[ConflictID(position: history.conflict.id)] = history
            }
        }
        return Beginning(snapshot: snapshot, isNew: isNew, life: lastLife, ordinals: ordinals)
    }

    /// Reads the operations of the read set.
    private func readOperations(into beginning: inout Beginning) throws(StoreError) {
        let merge = readSet.merge
        let ids = merge.operations.union(merge.dependencies)
        guard !ids.isEmpty || !merge.dots.isEmpty else { return }
        if readSet.isOfKnownBatches(beginning.ordinals) {
            // The batches know where their operations stand.
            let operations = try reading.operations(of: Array(beginning.ordinals.values))
            if beginning.snapshot.merge.take(try operations.known(), fulfilling: ids) { return }
        }
        var requests: [Request] = []
        if !ids.isEmpty { requests.append(reading.places(under: Set(ids.map { IndexKey($0) }))) }
        let dots = readSet.dotsToLookFor(over: beginning.snapshot)
        if !dots.isEmpty { requests.append(reading.places(of: dots)) }
        try beginning.snapshot.merge.take(try reading.operations(at: requests).map(\.row), ids: ids, dots: dots)
    }

    /// Writes the commit.
    /// - Returns: what readers may not have heard of.
    private func end(
        _ beginning: Beginning, _ commit: Commit, _ writes: [OperationWrite]
    ) throws(StoreError) -> FeedAdvance? {
        let end = [Request(Statements.waitForCommit), Request(Statements.commit)]
        let sequence = beginning.snapshot.head.sequence
        guard !commit.isEmpty else {
            guard !beginning.isNew else {
                session.rollBack()
                return nil
            }
            // The answer that is told again was committed before, and yet a standby need not have it: a crash ends the
            // wait for the standby, and after it the commit is there to be read. The commit of the tenant's lock waits
            // for all that came before it. And the server that committed may have been lost before it could tell the
            // readers.
            _ = try session.exchange(end)
            return FeedAdvance(sequence: sequence, collections: nil)
        }
        // A rejection that is gone by now would be overwritten by nothing, so its statement is asked what it changed
        // before the commit is sent.
        let replacements = writes.compactMap { write in
            if case .replace(let entry) = write { entry } else { nil }
        }
        if !replacements.isEmpty {
            let results = try session.exchange(
                replacements.map { entry in
                    Request(Statements.replaceOperation) { row in
                        row.text(tenant)
                        entry.bind(to: &row)
                    }
                })
            guard results.allSatisfy({ $0.changedCount == 1 }) else {
                throw .damaged("an operation that was accepted before would be overwritten")
            }
        }
        let entries = writes.compactMap { write in
            if case .insert(let entry) = write { entry } else { nil }
        }
        var first: [Request] = []
        if beginning.life < life.number {
            first.append(
                Request(Statements.insertLifeBeginning) { row in
                    row.text(tenant)
                    row.integer(life.number)
                    row.integer(sequence)
                })
        }
        let requests = commit.requests(tenant: tenant, life: max(life.number, beginning.life), entries: entries) {
            key in
            readSet.merge.records.contains(key) && beginning.snapshot.merge.records[key] == nil
                && !beginning.snapshot.omitted.contains(key)
        }
        _ = try session.exchange(first + requests + end)
        guard commit.head.sequence > sequence else { return nil }
        return FeedAdvance(
            sequence: commit.head.sequence, collections: Set(commit.records.map(\.key.collection)))
    }
}

/// The keys of a read set in a fixed order, the statements that read them, and what these have found. A kind of key
/// that the read set does not name has no statement.
private struct ReadSetKeys {
    private let tenant: String
    private let records: [RecordKey]
    private let recordBytes: Int
    private let batches: [BatchKey]
    private let devices: [DeviceID]
    private let conflicts: [Int64]

    init(_ readSet: StoreReadSet, tenant: String) {
        self.tenant = tenant
        // In one order, so that what there is no room for does not depend on the order of a hash table.
        records = readSet.merge.records.sorted()
        recordBytes = readSet.recordBytes
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
    /// - Returns: beside what was read, where the operations of the batches stand that were found.
    func snapshot(
        head: TenantHead, _ results: [QueryResult]
    ) throws(StoreError) -> (StoreSnapshot, [BatchKey: ClosedRange<Int64>]) {
        var ordinals: [BatchKey: ClosedRange<Int64>] = [:]
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
        if !batches.isEmpty {
            try results.next()?.forEach { (row: Columns) throws(StoreError) in
                let batch = try BatchRow(row)
                snapshot.batches[batch.key] = batch
                if let first = row.optionalInteger(5), let last = row.optionalInteger(6), first <= last {
                    ordinals[batch.key] = first...last
                }
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
        return (snapshot, ordinals)
    }
}

extension Commit {
    /// One statement for each table that is written to, and one for the head.
    /// - Parameters:
    ///   - tenant: whose commit it is.
    ///   - life: the number of the life in which it is made.
    ///   - entries: those of the operations whose entries are new.
    ///   - isNew: whether a record was looked for and is not there.
    fileprivate func requests(
        tenant: String, life: Int64, entries: [OperationEntry], isNew: (RecordKey) -> Bool
    ) -> [Request] {
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
        write(records.filter { isNew($0.key) }, Statements.insertRecords) { rows in { rows.bind(to: &$0) } }
        write(records.filter { !isNew($0.key) }, Statements.writeRecords) { rows in { rows.bind(to: &$0) } }
        write(entries, Statements.insertOperations) { rows in { rows.bind(to: &$0) } }
        write(operations.groups, Statements.insertGroups) { rows in { rows.bind(to: &$0) } }
        let ordinals = batches.isEmpty ? [:] : operations.ordinalsOfBatches
        write(batches, Statements.insertBatches) { rows in { rows.bind(to: &$0, ordinals: ordinals) } }
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
                row.integer(life)
            })
        return requests
    }
}
