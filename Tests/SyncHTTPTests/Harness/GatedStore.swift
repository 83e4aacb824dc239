import Causality
import MergeCore
import SyncStorage
import Synchronization

/// A store whose transactions can be held before they begin, or made to fail before or after they were committed, and that
/// counts what it is asked and what its transactions read.
struct GatedStore: SyncStore {
    let base: any SyncStore
    let gate = Gate()
    let counts = Counts()
    let readings = Readings()

    /// How often what was asked.
    final class Counts: Sendable {
        private let counts = Mutex<[String: Int]>([:])

        subscript(_ method: String) -> Int { counts.withLock { $0[method] ?? 0 } }

        var reads: Int { self["changes"] + self["device"] + self["retiredDevices"] + self["head"] }

        fileprivate func note(_ method: String) { counts.withLock { $0[method, default: 0] += 1 } }
    }

    /// What a transaction has read.
    struct Reading: Sendable {
        let records: Int
        /// About what the records take.
        let bytes: Int
    }

    final class Readings: Sendable {
        private let readings = Mutex<[Reading]>([])

        var all: [Reading] { readings.withLock { $0 } }

        func forget() { readings.withLock { $0 = [] } }

        fileprivate func note(_ snapshot: StoreSnapshot) {
            let records = snapshot.merge.records
            let bytes = records.values.reduce(0) { $0 + $1.state.weight }
            readings.withLock { $0.append(Reading(records: records.count, bytes: bytes)) }
        }
    }

    /// What stands between a caller and the store.
    actor Gate {
        private var isClosed = false
        private var waiting: [CheckedContinuation<Void, Never>] = []
        private var failuresAfterCommit = 0
        private var transactionsLeft: Int?
        private var onRead: (@Sendable (_ method: String, _ count: Int) async throws -> Void)?

        var waitingCount: Int { waiting.count }

        func close() { isClosed = true }

        func open() {
            isClosed = false
            for continuation in waiting { continuation.resume() }
            waiting = []
        }

        /// The answers to this many transactions are lost on the way back.
        func loseAnswers(_ count: Int) { failuresAfterCommit = count }

        /// So many transactions go through, and the next one fails before it begins.
        func failTransaction(after count: Int) { transactionsLeft = count }

        /// Has something done whenever a page is asked for, before it is read.
        func onRead(_ body: (@Sendable (_ method: String, _ count: Int) async throws -> Void)?) { onRead = body }

        fileprivate func read(_ method: String, _ count: Int) async { try? await onRead?(method, count) }

        fileprivate func failsTransaction() -> Bool {
            guard let left = transactionsLeft else { return false }
            transactionsLeft = left > 0 ? left - 1 : nil
            return left == 0
        }

        fileprivate func pass() async {
            guard isClosed else { return }
            await withCheckedContinuation { waiting.append($0) }
        }

        fileprivate func losesAnswer() -> Bool {
            guard failuresAfterCommit > 0 else { return false }
            failuresAfterCommit -= 1
            return true
        }
    }

    var identity: StoreIdentity { base.identity }

    func transact<Answer: Sendable>(
        _ tenant: TenantID, readSet: StoreReadSet,
        _ decide: @escaping @Sendable (StoreSnapshot) throws(StoreError) -> (Commit, Answer)
    ) async throws(StoreError) -> Answer {
        counts.note("transact")
        await gate.pass()
        if await gate.failsTransaction() { throw .unavailable("the database went away") }
        let answer = try await base.transact(tenant, readSet: readSet) {
            [readings] (snapshot: StoreSnapshot) throws(StoreError) -> (Commit, Answer) in
            readings.note(snapshot)
            return try decide(snapshot)
        }
        if await gate.losesAnswer() { throw .unavailable("the connection was lost during the commit") }
        return answer
    }

    func head(of tenant: TenantID) async throws(StoreError) -> TenantHead {
        counts.note("head")
        return try await base.head(of: tenant)
    }

    func changes(_ tenant: TenantID, _ query: ChangeQuery) async throws(StoreError) -> ChangePage {
        counts.note("changes")
        await gate.read("changes", counts["changes"])
        return try await base.changes(tenant, query)
    }

    func record(_ tenant: TenantID, _ key: RecordKey) async throws(StoreError) -> RecordRow? {
        try await base.record(tenant, key)
    }

    func batch(_ tenant: TenantID, _ key: BatchKey) async throws(StoreError) -> BatchRow? {
        try await base.batch(tenant, key)
    }

    func recall(
        _ tenant: TenantID, _ key: BatchKey, recordBytes: Int
    ) async throws(StoreError) -> BatchRecall? {
        try await base.recall(tenant, key, recordBytes: recordBytes)
    }

    func operations(_ tenant: TenantID, id: OperationID) async throws(StoreError) -> [OperationRow] {
        try await base.operations(tenant, id: id)
    }

    func operations(_ tenant: TenantID, _ query: OperationQuery) async throws(StoreError) -> [OperationRow] {
        try await base.operations(tenant, query)
    }

    func conflicts(_ tenant: TenantID, _ query: ConflictQuery) async throws(StoreError) -> [ConflictHistory] {
        counts.note("conflicts")
        await gate.read("conflicts", counts["conflicts"])
        return try await base.conflicts(tenant, query)
    }

    func conflict(_ tenant: TenantID, _ id: ConflictID) async throws(StoreError) -> ConflictHistory? {
        try await base.conflict(tenant, id)
    }

    func conflictCounts(_ tenant: TenantID, _ queries: [ConflictQuery]) async throws(StoreError) -> [Int] {
        try await base.conflictCounts(tenant, queries)
    }

    func conflictCounts(_ tenant: TenantID) async throws(StoreError) -> ConflictCounts {
        try await base.conflictCounts(tenant)
    }

    func auditEntries(
        _ tenant: TenantID, after position: Int64, limit: Int
    ) async throws(StoreError) -> [AuditEntryRow] {
        try await base.auditEntries(tenant, after: position, limit: limit)
    }

    func strandedSides(_ tenant: TenantID) async throws(StoreError) -> Int64? {
        try await base.strandedSides(tenant)
    }

    func conflictIndex(
        _ tenant: TenantID, after id: Int64, limit: Int
    ) async throws(StoreError) -> [ConflictRow] {
        try await base.conflictIndex(tenant, after: id, limit: limit)
    }

    func tenants() async throws(StoreError) -> [TenantID] { try await base.tenants() }

    func device(_ tenant: TenantID, _ device: DeviceID) async throws(StoreError) -> DeviceRow? {
        counts.note("device")
        return try await base.device(tenant, device)
    }

    func retiredDevices(
        _ tenant: TenantID, among devices: Set<DeviceID>
    ) async throws(StoreError) -> Set<DeviceID> {
        counts.note("retiredDevices")
        return try await base.retiredDevices(tenant, among: devices)
    }

    func devices(_ tenant: TenantID) async throws(StoreError) -> [DeviceRow] { try await base.devices(tenant) }

    func register(_ tenant: TenantID, _ device: DeviceRow) async throws(StoreError) -> DeviceRow {
        await gate.pass()
        return try await base.register(tenant, device)
    }

    func retire(
        _ tenant: TenantID, _ device: DeviceID, atMilliseconds: Int64
    ) async throws(StoreError) -> Bool {
        await gate.pass()
        return try await base.retire(tenant, device, atMilliseconds: atMilliseconds)
    }

    func spend(
        _ tenant: TenantID, _ code: OneTimeCode, nowMilliseconds: Int64
    ) async throws(StoreError) -> Bool {
        await gate.pass()
        return try await base.spend(tenant, code, nowMilliseconds: nowMilliseconds)
    }

    func access(_ tenant: TenantID, _ query: AccessQuery) async throws(StoreError) -> AccessState {
        try await base.access(tenant, query)
    }

    func end(_ tenant: TenantID, _ end: AccessRevocation, nowMilliseconds: Int64) async throws(StoreError) {
        await gate.pass()
        try await base.end(tenant, end, nowMilliseconds: nowMilliseconds)
    }

    func agree(on check: [UInt8], _ intention: KeyIntention) async throws(StoreError) -> KeyAgreement {
        try await base.agree(on: check, intention)
    }

    func acknowledge(_ heartbeats: [DeviceHeartbeat]) async throws(StoreError) {
        try await base.acknowledge(heartbeats)
    }

    func changeNotifications() -> AsyncStream<ChangeNotification> { base.changeNotifications() }

    func ping() async throws(StoreError) { try await base.ping() }

    func close() async { await base.close() }
}
