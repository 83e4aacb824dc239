import Causality
import MergeCore
import SyncStorage
import SyncWire

/// Commits batches of one tenant the way the server does: decided by a `BatchDecider` over the snapshot, chained, written.
public struct Committer: Sendable {
    public let store: any SyncStore
    public let tenant: TenantID
    public let settings: DecisionSettings

    public init(_ store: any SyncStore, _ tenant: TenantID, under schema: Schema = .open) {
        self.store = store
        self.tenant = tenant
        settings = DecisionSettings(schema: schema)
    }

    /// What one commit did: a decision for each batch, and the changed records as the merge left them.
    public struct Answer: Sendable, Hashable {
        public let decisions: [BatchDecision]
        public let records: [RecordKey: StoredRecord]
        public let sequence: Int64
    }

    /// All batches in one transaction.
    @discardableResult
    public func commit(_ batches: [Batch]) async throws(StoreError) -> Answer {
        try await store.transact(tenant, readSet: Self.readSet(of: batches)) { snapshot throws(StoreError) in
            var draft = Draft(snapshot, tenant: tenant, identity: store.identity, settings: settings)
            let decisions = batches.map { draft.decide($0) }
            let commit = try draft.finished()
            return (commit, Answer(decisions: decisions, records: draft.records, sequence: commit.head.sequence))
        }
    }

    @discardableResult
    public func commit(_ batch: Batch) async throws(StoreError) -> Answer { try await commit([batch]) }

    public static func readSet(of batches: [Batch]) -> StoreReadSet {
        var readSet = StoreReadSet()
        for batch in batches {
            readSet.merge.formUnion(batch.readSet)
            readSet.batches.insert(BatchKey(device: batch.device, key: batch.key))
            readSet.devices.insert(batch.device)
        }
        return readSet
    }
}

/// One commit in the making.
private struct Draft {
    private let snapshot: StoreSnapshot
    private var decider: BatchDecider
    private var chain: AuditChainWriter
    private var commit: Commit
    private var latestMilliseconds: Int64 = 0
    private var writer = JSONWriter()

    init(_ snapshot: StoreSnapshot, tenant: TenantID, identity: StoreIdentity, settings: DecisionSettings) {
        self.snapshot = snapshot
        decider = BatchDecider(over: snapshot.merge, under: settings)
        chain = AuditChainWriter(tenant: tenant, identity: identity, after: snapshot.head.auditHash)
        commit = Commit(head: snapshot.head)
    }

    var records: [RecordKey: StoredRecord] { decider.plan.records }

    mutating func decide(_ batch: Batch) -> BatchDecision {
        let decision = decider.decide(batch)
        let key = BatchKey(device: batch.device, key: batch.key)
        guard !decision.isRefused, snapshot.batches[key] == nil else { return decision }
        latestMilliseconds = max(latestMilliseconds, batch.receivedAtMilliseconds)
        for decided in decision.operations {
            commit.head.operationOrdinal += 1
            commit.operations.append(
                OperationRow(decided, of: batch, ordinal: commit.head.operationOrdinal))
        }
        commit.batches.append(
            BatchRow(
                key: key, fingerprint: ContentFingerprint(hexadecimal: "00"), outcomes: decision.outcomes,
                recordedAtMilliseconds: batch.receivedAtMilliseconds, using: &writer))
        if snapshot.devices[batch.device] == nil, !commit.devices.contains(where: { $0.device == batch.device }) {
            commit.devices.append(
                DeviceRow(
                    device: batch.device, user: batch.user, registeredAtMilliseconds: batch.receivedAtMilliseconds,
                    lastSeenAtMilliseconds: batch.receivedAtMilliseconds))
        }
        return decision
    }

    mutating func finished() throws(StoreError) -> Commit {
        commit.records = decider.plan.records.values.sorted { $0.sequence < $1.sequence }.map { record in
            RecordRow(record, rules: rules(record.key.collection), changedAtMilliseconds: latestMilliseconds)
        }
        var index = AuditIndex()
        for entry in decider.plan.audit {
            let row = chain.append(entry, rules: rules(entry.record.collection))
            commit.audit.append(row)
            try index.note(row)
        }
        commit.conflicts = index.opened.values.sorted { $0.id < $1.id }
        commit.conflictChanges = index.changed.values.sorted { $0.id < $1.id }
        commit.assignments = index.assigned.values.sorted { $0.id < $1.id }
        commit.head.sequence = decider.plan.sequence
        commit.head.auditPosition = decider.plan.auditPosition
        commit.head.auditHash = chain.hash
        commit.head.auditMilliseconds = decider.plan.auditMilliseconds
        return commit
    }

    private func rules(_ collection: ExactString) -> CollectionRules {
        decider.settings.schema.rules(for: collection) ?? CollectionRules()
    }
}

extension OperationRow {
    fileprivate init(_ decided: DecidedOperation, of batch: Batch, ordinal: Int64) {
        let content: Value =
            switch decided.item {
            case .operation(let operation): .object(operation.fields)
            case .malformed(let malformed): malformed.content
            }
        self.init(
            id: decided.known.id, device: decided.known.device, ordinal: ordinal, user: decided.known.user,
            batch: batch.key, record: decided.known.record, counter: decided.dot?.counter,
            clock: decided.known.clock.canonicalText, fingerprint: decided.known.fingerprint,
            outcome: decided.known.result.outcome, result: decided.known.result.storedText,
            content: content.canonicalText, stampMilliseconds: decided.stampMilliseconds,
            recordedAtMilliseconds: batch.receivedAtMilliseconds)
    }
}

extension Operation {
    /// An operation whose fingerprint follows from its content.
    public init(
        _ kind: OperationKind, _ id: OperationID, on record: RecordKey, clock: VersionVector, _ fields: Value = [:],
        at milliseconds: Int64? = nil, dependsOn: [OperationID] = []
    ) {
        var members = ObjectValue([])
        if case .object(let object) = fields { members = object }
        let content: Value = [
            .string(kind.rawValue), .string(record.collection), .string(record.id), .object(members),
            milliseconds.map { .integer($0) } ?? .null,
        ]
        self.init(
            id: id, kind: kind, record: record, clock: clock, claimedMilliseconds: milliseconds, fields: members,
            dependsOn: dependsOn, fingerprint: ContentFingerprint(hexadecimal: Fingerprint(of: content).hex))
    }
}

extension Batch {
    /// A batch of operations that stand or fall one by one.
    public init(
        _ key: ExactString, from device: DeviceID, at milliseconds: Int64 = 1_700_000_000_000,
        _ operations: [Operation]
    ) {
        self.init(
            key: key, device: device, user: ExactString("user of \(device)"), atomicity: .eachOperation,
            receivedAtMilliseconds: milliseconds, sentAtMilliseconds: nil,
            items: operations.map { .operation($0) })
    }
}

extension RecordKey {
    public init(_ collection: ExactString, _ id: ExactString) {
        self.init(collection: collection, id: id)
    }
}
