import Causality
import MergeCore
import SyncStorage

/// A store that costs nothing beyond what every engine has to do: rows are decoded for the decision, and what it commits is
/// encoded and copied out, as an engine's parameters are. What it was seeded with stays as it is, so that the same batch
/// meets the same state again and again.
actor RowStore: SyncStore {
    nonisolated let identity: StoreIdentity
    nonisolated let life = LifeID.random()
    private let rest: InMemoryStore
    private var isSeeding = true
    private var head = TenantHead()
    private var records: [RecordKey: RecordRow] = [:]
    private var devices: [DeviceID: DeviceRow] = [:]
    private var dots: [RecordDot: OperationRow] = [:]
    private var parameters: [UInt8] = []

    init() {
        let identity = StoreIdentity(
            lineage: "0123456789abcdef0123456789abcdef", redactionKey: Array(32..<64))
        self.identity = identity
        rest = InMemoryStore(identity: identity)
    }

    /// From now on commits are encoded and forgotten.
    func freeze() { isSeeding = false }

    func transact<Answer: Sendable>(
        _ tenant: TenantID, readSet: StoreReadSet,
        _ decide: @Sendable (StoreSnapshot) throws(StoreError) -> (Commit, Answer)
    ) async throws(StoreError) -> Answer {
        var snapshot = StoreSnapshot(
            merge: Snapshot(sequence: head.sequence, auditPosition: head.auditPosition), head: head)
        var decoder = RecordDecoder()
        snapshot.merge.records.reserveCapacity(readSet.merge.records.count)
        for key in readSet.merge.records {
            if let row = records[key] { snapshot.merge.records[key] = try decoder.record(row) }
        }
        for dot in readSet.merge.dots {
            if let row = dots[dot] { snapshot.merge.dots[dot] = try row.known() }
        }
        for device in readSet.devices { snapshot.devices[device] = devices[device] }
        let (commit, answer) = try decide(snapshot)
        if isSeeding { keep(commit) } else { encode(commit) }
        return answer
    }

    private func keep(_ commit: Commit) {
        head = commit.head
        for row in commit.records { records[row.key] = row }
        for row in commit.devices { devices[row.device] = row }
        for row in commit.operations {
            guard let record = row.record, let counter = row.counter else { continue }
            dots[RecordDot(record: record, dot: Dot(device: row.device, counter: counter))] = row
        }
    }

    private func encode(_ commit: Commit) {
        parameters.removeAll(keepingCapacity: true)
        for row in commit.records {
            encode(row.key.collection.text, row.key.id.text, row.clock, row.fields, row.siblings ?? "", row.state)
        }
        for row in commit.operations {
            encode(
                row.id.name.text, row.device.name.text, row.user.text, row.batch.text, row.clock,
                row.fingerprint.storedText, row.outcome.rawValue, row.result, row.content)
        }
        for row in commit.batches { encode(row.key.key.text, row.fingerprint.hex, row.results) }
        for row in commit.audit {
            encode(
                row.type, row.collection, row.record, row.batch, row.device, row.clockBefore, row.clockAfter, row.detail
            )
            for side in row.sides { encode(side.role, side.value, side.device, side.user, side.operation) }
        }
        for row in commit.conflicts {
            encode(row.kind, row.status, row.collection, row.record, row.unit, row.policy)
        }
    }

    private func encode(_ texts: String...) {
        for text in texts { parameters.append(contentsOf: text.utf8) }
    }

    // MARK: What no batch asks for

    func head(of tenant: TenantID) async throws(StoreError) -> TenantHead { head }

    func changes(_ tenant: TenantID, _ query: ChangeQuery) async throws(StoreError) -> ChangePage {
        try await rest.changes(tenant, query)
    }

    func changes(
        _ tenant: TenantID, _ query: ChangeQuery, for access: AccessQuery
    ) async throws(StoreError) -> ReaderPage {
        try await rest.changes(tenant, query, for: access)
    }

    func record(_ tenant: TenantID, _ key: RecordKey) async throws(StoreError) -> RecordRow? { records[key] }

    func batch(_ tenant: TenantID, _ key: BatchKey) async throws(StoreError) -> BatchRow? {
        try await rest.batch(tenant, key)
    }

    func recall(
        _ tenant: TenantID, _ key: BatchKey, recordBytes: Int
    ) async throws(StoreError) -> BatchRecall? {
        try await rest.recall(tenant, key, recordBytes: recordBytes)
    }

    func operations(_ tenant: TenantID, id: OperationID) async throws(StoreError) -> [OperationRow] {
        try await rest.operations(tenant, id: id)
    }

    func operations(_ tenant: TenantID, _ query: OperationQuery) async throws(StoreError) -> [OperationRow] {
        try await rest.operations(tenant, query)
    }

    func conflicts(_ tenant: TenantID, _ query: ConflictQuery) async throws(StoreError) -> [ConflictHistory] {
        try await rest.conflicts(tenant, query)
    }

    func conflict(_ tenant: TenantID, _ id: ConflictID) async throws(StoreError) -> ConflictHistory? {
        try await rest.conflict(tenant, id)
    }

    func conflictCounts(_ tenant: TenantID, _ queries: [ConflictQuery]) async throws(StoreError) -> [Int] {
        try await rest.conflictCounts(tenant, queries)
    }

    func conflictCounts(_ tenant: TenantID) async throws(StoreError) -> ConflictCounts {
        try await rest.conflictCounts(tenant)
    }

    func auditEntries(
        _ tenant: TenantID, after position: Int64, limit: Int
    ) async throws(StoreError) -> [AuditEntryRow] {
        try await rest.auditEntries(tenant, after: position, limit: limit)
    }

    func strandedSides(_ tenant: TenantID) async throws(StoreError) -> Int64? {
        try await rest.strandedSides(tenant)
    }

    func conflictIndex(
        _ tenant: TenantID, after id: Int64, limit: Int
    ) async throws(StoreError) -> [ConflictRow] {
        try await rest.conflictIndex(tenant, after: id, limit: limit)
    }

    func tenants() async throws(StoreError) -> [TenantID] { try await rest.tenants() }

    func device(_ tenant: TenantID, _ device: DeviceID) async throws(StoreError) -> DeviceRow? { devices[device] }

    func devices(_ tenant: TenantID) async throws(StoreError) -> [DeviceRow] { try await rest.devices(tenant) }

    func records(_ tenant: TenantID, _ query: RecordsQuery) async throws(StoreError) -> RecordsPage {
        try await rest.records(tenant, query)
    }

    func register(_ tenant: TenantID, _ device: DeviceRow) async throws(StoreError) -> DeviceRow {
        try await rest.register(tenant, device)
    }

    func register(
        _ tenant: TenantID, _ device: DeviceRow, atMost count: Int
    ) async throws(StoreError) -> DeviceRow? {
        try await rest.register(tenant, device, atMost: count)
    }

    func retire(_ tenant: TenantID, _ device: DeviceID, atMilliseconds: Int64) async throws(StoreError) -> Bool {
        try await rest.retire(tenant, device, atMilliseconds: atMilliseconds)
    }

    func spend(
        _ tenant: TenantID, _ code: OneTimeCode, nowMilliseconds: Int64
    ) async throws(StoreError) -> Bool {
        try await rest.spend(tenant, code, nowMilliseconds: nowMilliseconds)
    }

    func access(_ tenant: TenantID, _ query: AccessQuery) async throws(StoreError) -> AccessState {
        try await rest.access(tenant, query)
    }

    func end(_ tenant: TenantID, _ end: AccessRevocation, nowMilliseconds: Int64) async throws(StoreError) {
        try await rest.end(tenant, end, nowMilliseconds: nowMilliseconds)
    }

    func agree(on check: [UInt8], _ intention: KeyIntention) async throws(StoreError) -> KeyAgreement {
        try await rest.agree(on: check, intention)
    }

    func acknowledge(_ heartbeats: [DeviceHeartbeat]) async throws(StoreError) {
        try await rest.acknowledge(heartbeats)
    }

    func ping() async throws(StoreError) { try await rest.ping() }

    func close() async {}
}

extension RowStore {
    func administer(
        _ tenant: TenantID, _ act: AdministrativeAct, by actor: ExactString, nowMilliseconds: Int64
    ) async throws(StoreError) -> Bool {
        try await rest.administer(tenant, act, by: actor, nowMilliseconds: nowMilliseconds)
    }

    func administration(
        _ tenant: TenantID, before ordinal: Int64?, limit: Int
    ) async throws(StoreError) -> [AdministrationRow] {
        try await rest.administration(tenant, before: ordinal, limit: limit)
    }

    func members(_ tenant: TenantID) async throws(StoreError) -> [MemberRow] { try await rest.members(tenant) }

    func memberships(of user: ExactString, limit: Int) async throws(StoreError) -> [Membership] {
        try await rest.memberships(of: user, limit: limit)
    }

    func begin(
        _ tenant: TenantID, _ session: ReviewSessionRow, nowMilliseconds: Int64
    ) async throws(StoreError) {
        try await rest.begin(tenant, session, nowMilliseconds: nowMilliseconds)
    }

    func reviewSessions(
        _ tenant: TenantID, of user: ExactString?, nowMilliseconds: Int64, limit: Int
    ) async throws(StoreError) -> [ReviewSessionRow] {
        try await rest.reviewSessions(tenant, of: user, nowMilliseconds: nowMilliseconds, limit: limit)
    }
}
