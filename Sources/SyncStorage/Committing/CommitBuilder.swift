import Causality
import MergeCore
import StrictJSON
import SyncWire

/// A batch with what its row keeps of the request.
public struct SentBatch: Sendable {
    /// The batch that was decided.
    public let batch: Batch
    /// The digest of the request's canonical body.
    public let fingerprint: Digest
    /// For each operation the canonical text of its fields; nil where it is not at hand and has to be written again.
    /// The array is empty where none is at hand.
    public let fieldTexts: [String?]

    /// Takes a batch with what is at hand of its request.
    public init(_ batch: Batch, fingerprint: Digest, fieldTexts: [String?] = []) {
        self.batch = batch
        self.fingerprint = fingerprint
        self.fieldTexts = fieldTexts
    }

    /// The batch's name.
    public var key: BatchKey { BatchKey(device: batch.device, key: batch.key) }
}

/// Makes the rows that one transaction writes out of what a `BatchDecider` decided.
///
/// This is the only way from decisions to rows. Decisions are added in the order in which they were made.
/// ``commit(_:)`` then adds what the decider's plan holds: records, audit, index and head. The builder is pure: the
/// same snapshot and decisions make the same rows.
public struct CommitBuilder: Sendable {
    /// Whose commit it is, under which rules, and when it is made.
    public struct Context: Sendable {
        /// The tenant whose commit it is.
        public let tenant: TenantID
        /// The data set's identity, with the key that hashes redacted values.
        public let identity: StoreIdentity
        /// The rules under which the decisions were made.
        public let schema: Schema
        /// Server time.
        public let nowMilliseconds: Int64

        public init(tenant: TenantID, identity: StoreIdentity, schema: Schema, nowMilliseconds: Int64) {
            self.tenant = tenant
            self.identity = identity
            self.schema = schema
            self.nowMilliseconds = nowMilliseconds
        }
    }

    /// Hashes redacted values in the form that the rows have.
    public let redactor: Redactor
    private let snapshot: StoreSnapshot
    private let context: Context
    private var head: TenantHead
    private var operations: [OperationRow] = []
    private var placeOfOperation: [OperationOwner: Int] = [:]
    private var batches: [BatchRow] = []
    private var placeOfBatch: [BatchKey: Int] = [:]
    private var devices: [DeviceRow] = []
    /// The rows of records that were encoded already, for an answer or a commit. A record's sequence tells its states
    /// apart.
    private var records: [RecordKey: RecordRow] = [:]
    /// One writer for all rows, so that its memory is needed once.
    private var writer = JSONWriter(reservingCapacity: 1024)

    /// Begins with nothing added.
    /// - Parameters:
    ///   - snapshot: what the decisions were made on.
    ///   - context: whose commit it is, under which rules, and when it is made.
    public init(on snapshot: StoreSnapshot, _ context: Context) {
        self.snapshot = snapshot
        self.context = context
        head = snapshot.head
        redactor = Redactor(identity: context.identity, tenant: context.tenant)
    }

    /// The row of a batch that was added, or that was there before.
    public func batch(_ key: BatchKey) -> BatchRow? { placeOfBatch[key].map { batches[$0] } ?? snapshot.batches[key] }

    // MARK: Adding decisions

    /// Adds a batch with its operations, and its device where that is new. O(size of the batch).
    public mutating func add(_ decision: BatchDecision, of sent: SentBatch) {
        guard !decision.isRefused else { return }
        let batch = sent.batch
        placeOfBatch[sent.key] = batches.count
        batches.append(
            BatchRow(
                key: sent.key, fingerprint: sent.fingerprint, outcomes: decision.outcomes,
                recordedAtMilliseconds: batch.receivedAtMilliseconds, using: &writer))
        for operation in decision.operations {
            let fields = sent.fieldTexts.isEmpty ? nil : sent.fieldTexts[operation.index]
            add(operation, of: batch.key, fields: fields, atMilliseconds: batch.receivedAtMilliseconds)
        }
        if snapshot.devices[batch.device] == nil, !devices.contains(where: { $0.device == batch.device }) {
            devices.append(
                DeviceRow(
                    device: batch.device, user: batch.user, registeredAtMilliseconds: context.nowMilliseconds,
                    lastSeenAtMilliseconds: context.nowMilliseconds))
        }
    }

    /// Adds the operation that a reviewer's decision became. The operation is kept as a device's is: it is in the
    /// record's history, and its result can be asked for. Its batch is named like it, and has no row.
    public mutating func add(_ decided: DecidedConflict, by reviewer: Reviewer) {
        let event = decided.resolution.event
        writer.write(.object(decided.fields))
        let fields = writer.takeText()
        let fingerprint = Digest(
            kind: decided.kind, record: decided.record, claimedMilliseconds: nil, fields: fields, using: &writer)
        let operation = Operation(
            id: event.provenance.operation, kind: decided.kind, record: decided.record, clock: decided.clock,
            claimedMilliseconds: nil, fields: decided.fields, fingerprint: fingerprint)
        let known = KnownOperation(
            id: operation.id, device: reviewer.device, user: reviewer.user, record: decided.record,
            clock: decided.clock, fingerprint: fingerprint,
            result: OperationResult(outcome: .applied, relation: .newer, sequence: decided.sequence))
        add(
            DecidedOperation(
                index: 0, item: .operation(operation), known: known, dot: event.dot,
                stampMilliseconds: event.stamp.milliseconds),
            of: operation.id.name, fields: fields, atMilliseconds: reviewer.nowMilliseconds)
    }

    /// Adds an operation.
    /// - Parameters:
    ///   - operation: the operation with its result.
    ///   - batch: the key of its batch.
    ///   - fields: the canonical text of its fields; nil where it is not at hand.
    ///   - milliseconds: server time.
    private mutating func add(
        _ operation: DecidedOperation, of batch: ExactString, fields: String?, atMilliseconds milliseconds: Int64
    ) {
        let known = operation.known
        known.clock.write(to: &writer)
        let clock = writer.takeText()
        known.result.writeStored(to: &writer)
        let result = writer.takeText()
        operation.item.writeContent(fields: fields, to: &writer, redactor: redactor, schema: context.schema)
        head.operationOrdinal += 1
        let row = OperationRow(
            id: known.id, device: known.device, ordinal: head.operationOrdinal, user: known.user, batch: batch,
            record: known.record, counter: operation.dot?.counter, clock: clock, fingerprint: known.fingerprint,
            outcome: known.result.outcome, result: result, content: writer.takeText(),
            stampMilliseconds: operation.stampMilliseconds, recordedAtMilliseconds: milliseconds)
        // A rejected operation that was repaired in a later batch of the commit has one row: the last.
        let owner = OperationOwner(id: row.id, device: row.device)
        if let place = placeOfOperation[owner] {
            operations[place] = row
        } else {
            placeOfOperation[owner] = operations.count
            operations.append(row)
        }
    }

    // MARK: Rows of records

    /// The row of a record as the decider has it by now. It is made once for each of the record's states.
    public mutating func row(_ record: StoredRecord) -> RecordRow {
        if let row = records[record.key], row.sequence == record.sequence { return row }
        let row = self.row(imagined: record)
        records[record.key] = row
        return row
    }

    /// The row that a record would have; it will not be written.
    public mutating func row(imagined record: StoredRecord) -> RecordRow {
        RecordRow(
            record, rules: context.schema.rules(for: record.key.collection) ?? .undeclared,
            changedAtMilliseconds: context.nowMilliseconds, using: &writer)
    }

    // MARK: The commit

    /// All that was added, with what the plan holds. O(size of the rows).
    /// - Parameter plan: that of the decider that made the decisions, after all of them.
    public mutating func commit(_ plan: Plan) -> Commit {
        var commit = Commit(head: head, operations: operations, batches: batches, devices: devices)
        commit.records = plan.records.keys.sorted().compactMap { key in plan.records[key].map { row($0) } }
        var chain = AuditChainWriter(tenant: context.tenant, identity: context.identity, after: head.auditHash)
        var index = AuditIndex()
        commit.audit.reserveCapacity(plan.audit.count)
        for entry in plan.audit {
            let rules = context.schema.rules(for: entry.record.collection) ?? .undeclared
            commit.audit.append(chain.append(entry, rules: rules))
            index.note(entry)
        }
        commit.conflicts = index.opened.values.sorted { $0.id < $1.id }
        commit.conflictChanges = index.changed.values.sorted { $0.id < $1.id }
        commit.assignments = index.assigned.values.sorted { $0.id < $1.id }
        commit.head.sequence = plan.sequence
        commit.head.auditPosition = plan.auditPosition
        commit.head.auditHash = chain.hash
        commit.head.auditMilliseconds = plan.auditMilliseconds
        return commit
    }
}
