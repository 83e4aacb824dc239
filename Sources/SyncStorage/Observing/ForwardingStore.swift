import Causality
import MergeCore

/// A store in front of another one, which it asks everything. Whoever conforms says in `call` what is done around each method:
/// measuring, counting, holding, failing. A method that is more than that is implemented beside it.
///
/// This is the only place that writes out the methods of `SyncStore` in order to forward them.
public protocol ForwardingStore: SyncStore {
    /// The store that is asked.
    var base: any SyncStore { get }

    /// Stands around every method that can fail.
    /// - Parameters:
    ///   - method: the one that was called.
    ///   - body: asks `base`.
    func call<Answer>(
        _ method: StoreMethod, _ body: () async throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer
}

/// The methods of `SyncStore` that can fail, by name. Two that are the same question have one name.
///
/// - `transact` commits.
/// - `head`, `changes`, `record` and `records` read the feed.
/// - `batch`, `recall` and `operations` read what was answered.
/// - `conflicts`, `conflictCounts`, `conflict`, `auditEntries`, `strandedSides` and `conflictIndex` read the audit.
/// - `tenants` lists the tenants.
/// - `device`, `retiredDevices`, `devices`, `register`, `retire` and `acknowledge` are about devices.
/// - `spend` is about codes that are good once.
/// - `access`, `end` and `agree` are about who has access.
/// - `administer`, `administration`, `members`, `memberships`, `begin` and `reviewSessions` are about people.
/// - `ping` asks whether the engine answers.
public enum StoreMethod: String, Sendable, Hashable, CaseIterable {
    case transact
    case head, changes, record, records
    case batch, recall, operations
    case conflicts, conflictCounts, conflict, auditEntries, strandedSides, conflictIndex
    case tenants, device, retiredDevices, devices, register, retire, acknowledge
    case spend
    case access, end, agree
    case administer, administration, members, memberships, begin, reviewSessions
    case ping
}

extension ForwardingStore {
    public var identity: StoreIdentity { base.identity }
    public var life: LifeID { base.life }

    public func transact<Answer: Sendable>(
        _ tenant: TenantID, readSet: StoreReadSet,
        _ decide: @escaping @Sendable (StoreSnapshot) throws(StoreError) -> (Commit, Answer)
    ) async throws(StoreError) -> Answer {
        try await call(.transact) { () throws(StoreError) in
            try await base.transact(tenant, readSet: readSet, decide)
        }
    }

    // MARK: The feed

    public func head(of tenant: TenantID) async throws(StoreError) -> TenantHead {
        try await call(.head) { () throws(StoreError) in try await base.head(of: tenant) }
    }

    public func changes(_ tenant: TenantID, _ query: ChangeQuery) async throws(StoreError) -> ChangePage {
        try await call(.changes) { () throws(StoreError) in try await base.changes(tenant, query) }
    }

    public func knownHead(of tenant: TenantID) -> TenantHead? { base.knownHead(of: tenant) }

    public func changes(
        _ tenant: TenantID, _ query: ChangeQuery, for reader: AccessQuery
    ) async throws(StoreError) -> ReaderPage {
        try await call(.changes) { () throws(StoreError) in try await base.changes(tenant, query, for: reader) }
    }

    public func record(_ tenant: TenantID, _ key: RecordKey) async throws(StoreError) -> RecordRow? {
        try await call(.record) { () throws(StoreError) in try await base.record(tenant, key) }
    }

    public func records(_ tenant: TenantID, _ query: RecordsQuery) async throws(StoreError) -> RecordsPage {
        try await call(.records) { () throws(StoreError) in try await base.records(tenant, query) }
    }

    // MARK: What was answered

    public func batch(_ tenant: TenantID, _ key: BatchKey) async throws(StoreError) -> BatchRow? {
        try await call(.batch) { () throws(StoreError) in try await base.batch(tenant, key) }
    }

    public func recall(
        _ tenant: TenantID, _ key: BatchKey, recordBytes: Int
    ) async throws(StoreError) -> BatchRecall? {
        try await call(.recall) { () throws(StoreError) in
            try await base.recall(tenant, key, recordBytes: recordBytes)
        }
    }

    public func operations(_ tenant: TenantID, id: OperationID) async throws(StoreError) -> [OperationRow] {
        try await call(.operations) { () throws(StoreError) in try await base.operations(tenant, id: id) }
    }

    public func operations(_ tenant: TenantID, _ query: OperationQuery) async throws(StoreError) -> [OperationRow] {
        try await call(.operations) { () throws(StoreError) in try await base.operations(tenant, query) }
    }

    // MARK: The audit

    public func conflicts(_ tenant: TenantID, _ query: ConflictQuery) async throws(StoreError) -> [ConflictHistory] {
        try await call(.conflicts) { () throws(StoreError) in try await base.conflicts(tenant, query) }
    }

    public func conflictCounts(_ tenant: TenantID, _ queries: [ConflictQuery]) async throws(StoreError) -> [Int] {
        try await call(.conflictCounts) { () throws(StoreError) in try await base.conflictCounts(tenant, queries) }
    }

    public func conflict(_ tenant: TenantID, _ id: ConflictID) async throws(StoreError) -> ConflictHistory? {
        try await call(.conflict) { () throws(StoreError) in try await base.conflict(tenant, id) }
    }

    public func conflictCounts(_ tenant: TenantID) async throws(StoreError) -> ConflictCounts {
        try await call(.conflictCounts) { () throws(StoreError) in try await base.conflictCounts(tenant) }
    }

    public func auditEntries(
        _ tenant: TenantID, after position: Int64, limit: Int
    ) async throws(StoreError) -> [AuditEntryRow] {
        try await call(.auditEntries) { () throws(StoreError) in
            try await base.auditEntries(tenant, after: position, limit: limit)
        }
    }

    public func strandedSides(_ tenant: TenantID) async throws(StoreError) -> Int64? {
        try await call(.strandedSides) { () throws(StoreError) in try await base.strandedSides(tenant) }
    }

    public func conflictIndex(
        _ tenant: TenantID, after id: Int64, limit: Int
    ) async throws(StoreError) -> [ConflictRow] {
        try await call(.conflictIndex) { () throws(StoreError) in
            try await base.conflictIndex(tenant, after: id, limit: limit)
        }
    }

    // MARK: Tenants and devices

    public func tenants() async throws(StoreError) -> [TenantID] {
        try await call(.tenants) { () throws(StoreError) in try await base.tenants() }
    }

    public func device(_ tenant: TenantID, _ device: DeviceID) async throws(StoreError) -> DeviceRow? {
        try await call(.device) { () throws(StoreError) in try await base.device(tenant, device) }
    }

    public func retiredDevices(
        _ tenant: TenantID, among devices: Set<DeviceID>
    ) async throws(StoreError) -> Set<DeviceID> {
        try await call(.retiredDevices) { () throws(StoreError) in
            try await base.retiredDevices(tenant, among: devices)
        }
    }

    public func devices(_ tenant: TenantID) async throws(StoreError) -> [DeviceRow] {
        try await call(.devices) { () throws(StoreError) in try await base.devices(tenant) }
    }

    public func register(_ tenant: TenantID, _ device: DeviceRow) async throws(StoreError) -> DeviceRow {
        try await call(.register) { () throws(StoreError) in try await base.register(tenant, device) }
    }

    public func register(
        _ tenant: TenantID, _ device: DeviceRow, atMost count: Int
    ) async throws(StoreError) -> DeviceRow? {
        try await call(.register) { () throws(StoreError) in
            try await base.register(tenant, device, atMost: count)
        }
    }

    public func retire(
        _ tenant: TenantID, _ device: DeviceID, atMilliseconds: Int64
    ) async throws(StoreError) -> Bool {
        try await call(.retire) { () throws(StoreError) in
            try await base.retire(tenant, device, atMilliseconds: atMilliseconds)
        }
    }

    public func acknowledge(_ heartbeats: [DeviceHeartbeat]) async throws(StoreError) {
        try await call(.acknowledge) { () throws(StoreError) in try await base.acknowledge(heartbeats) }
    }

    // MARK: One-time codes

    public func spend(
        _ tenant: TenantID, _ code: OneTimeCode, nowMilliseconds: Int64
    ) async throws(StoreError) -> Bool {
        try await call(.spend) { () throws(StoreError) in
            try await base.spend(tenant, code, nowMilliseconds: nowMilliseconds)
        }
    }

    // MARK: Access

    public func access(_ tenant: TenantID, _ query: AccessQuery) async throws(StoreError) -> AccessState {
        try await call(.access) { () throws(StoreError) in try await base.access(tenant, query) }
    }

    public func end(_ tenant: TenantID, _ end: AccessRevocation, nowMilliseconds: Int64) async throws(StoreError) {
        try await call(.end) { () throws(StoreError) in
            try await base.end(tenant, end, nowMilliseconds: nowMilliseconds)
        }
    }

    public func agree(on check: [UInt8], _ intention: KeyIntention) async throws(StoreError) -> KeyAgreement {
        try await call(.agree) { () throws(StoreError) in try await base.agree(on: check, intention) }
    }

    // MARK: Other processes, and maintenance

    public func changeNotifications() -> AsyncStream<ChangeNotification> { base.changeNotifications() }

    public func ping() async throws(StoreError) {
        try await call(.ping) { () throws(StoreError) in try await base.ping() }
    }

    public func close() async { await base.close() }
}
