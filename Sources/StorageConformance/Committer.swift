import Causality
import MergeCore
import SyncStorage
import SyncWire
import Values

/// Commits batches of one tenant as the server does: a `BatchDecider` decides them over the snapshot, a `CommitBuilder`
/// makes them into rows, and the store writes those.
public struct Committer: Sendable {
    /// The store that is written to.
    public let store: any SyncStore
    /// The tenant whose batches they are.
    public let tenant: TenantID
    /// What the decisions are held to.
    public let settings: DecisionSettings

    /// Commits to a store, under the rules of a schema and the limits of a server.
    public init(_ store: any SyncStore, _ tenant: TenantID, under schema: Schema = .open) {
        self.store = store
        self.tenant = tenant
        settings = DecisionSettings(schema: schema)
    }

    /// What one commit did: a decision for each batch, and the changed records as the merge left them.
    public struct Answer: Sendable, Hashable {
        /// A decision for each batch, in their order.
        public let decisions: [BatchDecision]
        /// The records that the commit changed.
        public let records: [RecordKey: StoredRecord]
        /// The tenant's last place in the change feed after the commit.
        public let sequence: Int64
    }

    /// Commits all batches in one transaction. A batch whose key was committed before is not stored again.
    /// - Throws: what the store throws.
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

    /// Commits one batch in a transaction of its own.
    /// - Throws: what the store throws.
    @discardableResult
    public func commit(_ batch: Batch) async throws(StoreError) -> Answer { try await commit([batch]) }

    /// The keys of all that deciding the batches needs.
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
    /// Makes an operation whose fingerprint follows from its content.
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
    /// Makes a batch of operations that stand or fall one by one.
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
    /// Makes the name of a record.
    public init(_ collection: ExactString, _ id: ExactString) {
        self.init(collection: collection, id: id)
    }
}
