import Causality
import MergeCore
import Synchronization

/// Wraps another store, and tells an observer what the store does and how long that takes. Failures are timed like
/// everything else.
public struct ObservedStore: SyncStore {
    private let base: any SyncStore
    private let observe: StoreObserver

    /// Wraps a store.
    /// - Parameters:
    ///   - base: the store that does the work.
    ///   - observe: is told, on whatever thread did the work.
    public init(_ base: any SyncStore, _ observe: @escaping StoreObserver) {
        self.base = base
        self.observe = observe
    }

    public var identity: StoreIdentity { base.identity }

    /// Notes when the parts of a transaction were, told by the thread that decides.
    private final class TransactionClock: Sendable {
        struct Times: Sendable {
            let beganAt: ContinuousClock.Instant
            let endedAt: ContinuousClock.Instant
            let size: StoreObservation.CommitSize?
        }

        let times = Mutex<Times?>(nil)
    }

    public func transact<Answer: Sendable>(
        _ tenant: TenantID, readSet: StoreReadSet,
        _ decide: @escaping @Sendable (StoreSnapshot) throws(StoreError) -> (Commit, Answer)
    ) async throws(StoreError) -> Answer {
        let began = ContinuousClock.now
        let decision = TransactionClock()
        let answer = try await base.transact(tenant, readSet: readSet) {
            (snapshot: StoreSnapshot) throws(StoreError) -> (Commit, Answer) in
            let beganAt = ContinuousClock.now
            let (commit, answer) = try decide(snapshot)
            let size = commit.isEmpty ? nil : StoreObservation.CommitSize(commit)
            let endedAt = ContinuousClock.now
            decision.times.withLock { $0 = TransactionClock.Times(beganAt: beganAt, endedAt: endedAt, size: size) }
            return (commit, answer)
        }
        if let times = decision.times.withLock({ $0 }) {
            observe(.step(.read, times.beganAt - began))
            observe(.step(.decide, times.endedAt - times.beganAt))
            observe(.step(.write, ContinuousClock.now - times.endedAt))
            if let size = times.size { observe(.committed(size)) }
        }
        return answer
    }

    private func timed<Answer>(
        _ step: StoreStep, _ body: () async throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        let began = ContinuousClock.now
        defer { observe(.step(step, ContinuousClock.now - began)) }
        return try await body()
    }

    // MARK: The feed

    public func head(of tenant: TenantID) async throws(StoreError) -> TenantHead {
        try await timed(.feed) { () throws(StoreError) in try await base.head(of: tenant) }
    }

    public func changes(_ tenant: TenantID, _ query: ChangeQuery) async throws(StoreError) -> ChangePage {
        try await timed(.feed) { () throws(StoreError) in try await base.changes(tenant, query) }
    }

    public func record(_ tenant: TenantID, _ key: RecordKey) async throws(StoreError) -> RecordRow? {
        try await timed(.feed) { () throws(StoreError) in try await base.record(tenant, key) }
    }

    // MARK: What was answered

    public func batch(_ tenant: TenantID, _ key: BatchKey) async throws(StoreError) -> BatchRow? {
        try await timed(.answers) { () throws(StoreError) in try await base.batch(tenant, key) }
    }

    public func recall(
        _ tenant: TenantID, _ key: BatchKey, recordBytes: Int
    ) async throws(StoreError) -> BatchRecall? {
        try await timed(.answers) { () throws(StoreError) in
            try await base.recall(tenant, key, recordBytes: recordBytes)
        }
    }

    public func operations(_ tenant: TenantID, id: OperationID) async throws(StoreError) -> [OperationRow] {
        try await timed(.answers) { () throws(StoreError) in try await base.operations(tenant, id: id) }
    }

    public func operations(_ tenant: TenantID, _ query: OperationQuery) async throws(StoreError) -> [OperationRow] {
        try await timed(.answers) { () throws(StoreError) in try await base.operations(tenant, query) }
    }

    // MARK: The audit

    public func conflicts(_ tenant: TenantID, _ query: ConflictQuery) async throws(StoreError) -> [ConflictHistory] {
        try await timed(.audit) { () throws(StoreError) in try await base.conflicts(tenant, query) }
    }

    public func conflictCounts(_ tenant: TenantID, _ queries: [ConflictQuery]) async throws(StoreError) -> [Int] {
        try await timed(.audit) { () throws(StoreError) in try await base.conflictCounts(tenant, queries) }
    }

    public func conflict(_ tenant: TenantID, _ id: ConflictID) async throws(StoreError) -> ConflictHistory? {
        try await timed(.audit) { () throws(StoreError) in try await base.conflict(tenant, id) }
    }

    public func conflictCounts(_ tenant: TenantID) async throws(StoreError) -> ConflictCounts {
        try await timed(.audit) { () throws(StoreError) in try await base.conflictCounts(tenant) }
    }

    public func auditEntries(
        _ tenant: TenantID, after position: Int64, limit: Int
    ) async throws(StoreError) -> [AuditEntryRow] {
        try await timed(.audit) { () throws(StoreError) in
            try await base.auditEntries(tenant, after: position, limit: limit)
        }
    }

    public func strandedSides(_ tenant: TenantID) async throws(StoreError) -> Int64? {
        try await timed(.audit) { () throws(StoreError) in try await base.strandedSides(tenant) }
    }

    public func conflictIndex(
        _ tenant: TenantID, after id: Int64, limit: Int
    ) async throws(StoreError) -> [ConflictRow] {
        try await timed(.audit) { () throws(StoreError) in
            try await base.conflictIndex(tenant, after: id, limit: limit)
        }
    }

    // MARK: Tenants and devices

    public func tenants() async throws(StoreError) -> [TenantID] {
        try await timed(.devices) { () throws(StoreError) in try await base.tenants() }
    }

    public func device(_ tenant: TenantID, _ device: DeviceID) async throws(StoreError) -> DeviceRow? {
        try await timed(.devices) { () throws(StoreError) in try await base.device(tenant, device) }
    }

    public func devices(_ tenant: TenantID) async throws(StoreError) -> [DeviceRow] {
        try await timed(.devices) { () throws(StoreError) in try await base.devices(tenant) }
    }

    public func register(_ tenant: TenantID, _ device: DeviceRow) async throws(StoreError) -> DeviceRow {
        try await timed(.devices) { () throws(StoreError) in try await base.register(tenant, device) }
    }

    public func retire(
        _ tenant: TenantID, _ device: DeviceID, atMilliseconds: Int64
    ) async throws(StoreError) -> Bool {
        try await timed(.devices) { () throws(StoreError) in
            try await base.retire(tenant, device, atMilliseconds: atMilliseconds)
        }
    }

    public func acknowledge(_ heartbeats: [DeviceHeartbeat]) async throws(StoreError) {
        try await timed(.devices) { () throws(StoreError) in try await base.acknowledge(heartbeats) }
    }

    // MARK: The rest

    public func retiredDevices(
        _ tenant: TenantID, among devices: Set<DeviceID>
    ) async throws(StoreError) -> Set<DeviceID> {
        try await timed(.devices) { () throws(StoreError) in try await base.retiredDevices(tenant, among: devices) }
    }

    // MARK: Access

    public func access(_ tenant: TenantID, _ query: AccessQuery) async throws(StoreError) -> AccessState {
        try await timed(.devices) { () throws(StoreError) in try await base.access(tenant, query) }
    }

    public func end(_ tenant: TenantID, _ end: AccessRevocation, nowMilliseconds: Int64) async throws(StoreError) {
        try await timed(.devices) { () throws(StoreError) in
            try await base.end(tenant, end, nowMilliseconds: nowMilliseconds)
        }
    }

    public func agree(on check: [UInt8], _ intention: KeyIntention) async throws(StoreError) -> KeyAgreement {
        try await base.agree(on: check, intention)
    }

    // MARK: One-time codes

    public func spend(
        _ tenant: TenantID, _ code: OneTimeCode, nowMilliseconds: Int64
    ) async throws(StoreError) -> Bool {
        try await timed(.codes) { () throws(StoreError) in
            try await base.spend(tenant, code, nowMilliseconds: nowMilliseconds)
        }
    }

    public func changeNotifications() -> AsyncStream<ChangeNotification> { base.changeNotifications() }

    public func ping() async throws(StoreError) { try await base.ping() }

    public func close() async { await base.close() }
}
