import Causality
import MergeCore
import StorageConformance
import SyncStorage
import SyncWire
import Testing

@Suite("the rows of a commit")
struct CommitBuilderTests {
    private static let tenant = TenantID("tenant")
    private static let identity = StoreIdentity(lineage: "l", redactionKey: Array(repeating: 7, count: 32))
    private static let record = RecordKey("jobs", "r")

    private static func builder(
        on snapshot: StoreSnapshot, schema: Schema = .open
    ) -> CommitBuilder {
        CommitBuilder(
            on: snapshot,
            CommitBuilder.Context(tenant: tenant, identity: identity, schema: schema, nowMilliseconds: 5))
    }

    private static let empty = StoreSnapshot(merge: Snapshot(), head: TenantHead())

    /// What batches come to over a snapshot.
    private static func commit(
        _ batches: [Batch], on snapshot: StoreSnapshot = empty, schema: Schema = .open
    ) -> Commit {
        var decider = BatchDecider(over: snapshot.merge, under: DecisionSettings(schema: schema))
        var builder = builder(on: snapshot, schema: schema)
        for batch in batches {
            builder.add(decider.decide(batch), of: SentBatch(batch, fingerprint: Digest(of: .string(batch.key))))
        }
        return builder.commit(decider.plan)
    }

    private static func batch(_ key: ExactString, from device: DeviceID = "anna", _ operations: Operation...) -> Batch {
        Batch(key, from: device, operations)
    }

    private static let create = Operation(.create, "o1", on: record, clock: ["anna": 1], ["n": 1])
    private static let concurrent = Operation(.create, "o2", on: record, clock: ["ben": 1], ["n": 2])

    @Test("are the same for the same decisions")
    func same() {
        let batches = [Self.batch("a", Self.create), Self.batch("b", from: "ben", Self.concurrent)]
        let commit = Self.commit(batches)
        #expect(commit == Self.commit(batches))
        #expect(commit.batches.map(\.key.key) == ["a", "b"])
        #expect(commit.devices.map(\.device) == ["anna", "ben"])
        #expect(commit.operations.map(\.ordinal) == [1, 2])
        #expect(commit.records.count == 1)
        #expect(commit.conflicts.count == 1)
        #expect(commit.head.operationOrdinal == 2)
        #expect(commit.head.auditHash == commit.audit.last?.hash)
    }

    @Test("are none for a batch that is refused")
    func refused() {
        let refused = Batch(
            key: "a", device: "anna", user: "u", atomicity: .allOrNothing, receivedAtMilliseconds: 1,
            sentAtMilliseconds: nil,
            items: [
                .operation(Self.create),
                .malformed(
                    MalformedOperation(
                        id: "bad", record: nil, content: .null, rejections: [Rejection(.invalidRequest, "An object.")])),
            ])
        #expect(Self.commit([refused]).isEmpty)
    }

    @Test("have an operation once that one batch got wrong and the next one right")
    func secondTry() {
        let wrong = Batch(
            key: "a", device: "anna", user: "u", atomicity: .eachOperation, receivedAtMilliseconds: 1,
            sentAtMilliseconds: nil,
            items: [
                .malformed(
                    MalformedOperation(
                        id: "o1", record: nil, content: "?", rejections: [Rejection(.invalidRequest, "An object.")]))
            ])
        let commit = Self.commit([wrong, Self.batch("b", Self.create)])
        #expect(commit.operations.map(\.id) == ["o1"])
        #expect(commit.operations.map(\.ordinal) == [2])
        #expect(commit.operations.map(\.outcome) == [.applied])
        #expect(Self.commit([wrong]).operations.map(\.fingerprint) == [nil])
    }

    @Test("have no redacted value but in the record")
    func redacted() throws {
        let schema = Schema(declaring: ["jobs": CollectionRules(fields: ["n": FieldRule(audit: .redacted)])])
        let commit = Self.commit(
            [
                Self.batch("a", Operation(.create, "o1", on: Self.record, clock: ["anna": 1], ["n": "hidden"])),
                Self.batch(
                    "b", from: "ben", Operation(.create, "o2", on: Self.record, clock: ["ben": 1], ["n": "hidden too"])),
            ], schema: schema)
        #expect(commit.records.map { $0.fields.contains("hidden") } == [true])
        #expect(commit.operations.allSatisfy { !$0.content.contains("hidden") && $0.content.contains("n") })
        #expect(commit.audit.flatMap(\.sides).allSatisfy { !$0.value.contains("hidden") })
        #expect(!commit.audit.isEmpty)
    }

    @Test("index an entry by what it says, as those do who read it back")
    func indexed() async throws {
        let store = InMemoryStore()
        try await AuditSample.put(in: store, of: Self.tenant)
        let entries = try await store.auditEntries(Self.tenant, after: 0, limit: .max)
        #expect(Set(entries.map(\.type)) == Set(AuditEntryRow.EntryType.allCases.map(\.rawValue)))
        var index = AuditIndex()
        for entry in entries { try index.note(stored: entry) }
        let stored = try await store.conflictIndex(Self.tenant, after: .min, limit: .max)
        #expect(index.opened.values.sorted { $0.id < $1.id } == stored)
    }
}
