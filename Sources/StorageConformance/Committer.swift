import Causality
import MergeCore
import SyncStorage
import SyncWire
import Values

/// Commits batches of one tenant the way the server does: decided by a `BatchDecider` over the snapshot, made
/// into rows by a `CommitBuilder`, written.
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
            var decider = BatchDecider(over: snapshot.merge, under: settings)
            var builder = CommitBuilder(
                on: snapshot,
                CommitBuilder.Context(
                    tenant: tenant, identity: store.identity, schema: settings.schema,
                    nowMilliseconds: batches.map(\.receivedAtMilliseconds).max() ?? 0))
            var decisions: [BatchDecision] = []
            for batch in batches {
                let decision = decider.decide(batch)
                let sent = SentBatch(batch, fingerprint: Digest(of: .string(batch.key)))
                if builder.batch(sent.key) == nil { builder.add(decision, of: sent) }
                decisions.append(decision)
            }
            let commit = builder.commit(decider.plan)
            return (
                commit, Answer(decisions: decisions, records: decider.plan.records, sequence: commit.head.sequence)
            )
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
            dependsOn: dependsOn, fingerprint: Digest(of: content))
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
