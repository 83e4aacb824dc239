import Causality
import MergeCore

/// Where everything is kept. The seam between what is decided and the engine that makes it durable.
///
/// Every engine keeps the laws of `StorageConformance`. The in-memory engine is their plainest statement.
public protocol SyncStore: Sendable {
    /// The data set that is open.
    var identity: StoreIdentity { get }

    /// One transaction: locks the tenant, reads what the read set names, calls `decide` once, writes what it returns, and
    /// commits durably.
    ///
    /// Transactions of one tenant are serial, across all processes on the same data. `decide` is synchronous and pure; it may
    /// run on any thread. When this throws, nothing of the transaction is stored; only `unsettled` leaves that open.
    ///
    /// - Returns: what `decide` returned beside the commit.
    func transact<Answer: Sendable>(
        _ tenant: TenantID, readSet: StoreReadSet,
        _ decide: @escaping @Sendable (StoreSnapshot) throws(StoreError) -> (Commit, Answer)
    ) async throws(StoreError) -> Answer

    // MARK: The feed

    /// A tenant without any row has the empty head.
    func head(of tenant: TenantID) async throws(StoreError) -> TenantHead
    /// One consistent page: a row whose record changes later is in a later page with its newer state.
    func changes(_ tenant: TenantID, _ query: ChangeQuery) async throws(StoreError) -> ChangePage
    func record(_ tenant: TenantID, _ key: RecordKey) async throws(StoreError) -> RecordRow?

    // MARK: What was answered

    func batch(_ tenant: TenantID, _ key: BatchKey) async throws(StoreError) -> BatchRow?
    /// The batch with the results of its operations, and the records that it touched as they stand now.
    /// - Parameter recordBytes: of the records at most, but for the first.
    func recall(
        _ tenant: TenantID, _ key: BatchKey, recordBytes: Int
    ) async throws(StoreError) -> BatchRecall?
    /// The operations of this id, one a device that used it, by device.
    func operations(_ tenant: TenantID, id: OperationID) async throws(StoreError) -> [OperationRow]
    func operations(_ tenant: TenantID, _ query: OperationQuery) async throws(StoreError) -> [OperationRow]

    // MARK: The audit

    func conflicts(_ tenant: TenantID, _ query: ConflictQuery) async throws(StoreError) -> [ConflictHistory]
    /// How many conflicts each query selects, at most its limit: O(the limits), however many there are.
    func conflictCounts(_ tenant: TenantID, _ queries: [ConflictQuery]) async throws(StoreError) -> [Int]
    func conflict(_ tenant: TenantID, _ id: ConflictID) async throws(StoreError) -> ConflictHistory?
    func conflictCounts(_ tenant: TenantID) async throws(StoreError) -> ConflictCounts
    /// Entries after a position, in order.
    func auditEntries(
        _ tenant: TenantID, after position: Int64, limit: Int
    ) async throws(StoreError) -> [AuditEntryRow]
    /// The lowest position under which sides stand though no entry does; nil, as the server never writes such. For
    /// verification: reads all of the tenant's sides.
    func strandedSides(_ tenant: TenantID) async throws(StoreError) -> Int64?
    /// The index over the audit, after an id, in order.
    func conflictIndex(
        _ tenant: TenantID, after id: Int64, limit: Int
    ) async throws(StoreError) -> [ConflictRow]

    // MARK: Tenants and devices

    func tenants() async throws(StoreError) -> [TenantID]
    func device(_ tenant: TenantID, _ device: DeviceID) async throws(StoreError) -> DeviceRow?
    /// Those of the devices that were retired. One question for those who wait for a tenant's changes, however many.
    func retiredDevices(
        _ tenant: TenantID, among devices: Set<DeviceID>
    ) async throws(StoreError) -> Set<DeviceID>
    /// By device.
    func devices(_ tenant: TenantID) async throws(StoreError) -> [DeviceRow]
    /// Inserts the device if it is not there. - Returns: the row as it is stored.
    func register(_ tenant: TenantID, _ device: DeviceRow) async throws(StoreError) -> DeviceRow
    /// Marks the device as retired; its id stays taken. - Returns: false when there is no such device.
    func retire(_ tenant: TenantID, _ device: DeviceID, atMilliseconds: Int64) async throws(StoreError) -> Bool
    /// Notes how far devices have pulled and when they were seen. Never lowers either; unknown devices are left out.
    func acknowledge(_ heartbeats: [DeviceHeartbeat]) async throws(StoreError)

    // MARK: One-time codes

    /// Notes that a code was spent, durably, under the tenant's lock.
    ///
    /// Of any number of calls with one id, on any servers, one is told true. The id counts, whatever it expires at. Codes that
    /// expired long ago are forgotten on the way, the oldest first (see `OneTimeCode`).
    /// - Returns: whether this was the first time. False for a code that is expired by now: it is not noted.
    func spend(
        _ tenant: TenantID, _ code: OneTimeCode, nowMilliseconds: Int64
    ) async throws(StoreError) -> Bool

    // MARK: Access

    /// What has ended of somebody's access: O(1), whatever else has ended.
    func access(_ tenant: TenantID, _ query: AccessQuery) async throws(StoreError) -> AccessState
    /// Ends access, durably. Of two ends of one kind and name the later stands. Sessions that would be over long ago are
    /// forgotten on the way, the oldest first.
    func end(_ tenant: TenantID, _ end: AccessRevocation, nowMilliseconds: Int64) async throws(StoreError)

    /// Compares what a server derives from its secret with what the others do that serve this data.
    func agree(on check: [UInt8], _ intention: KeyIntention) async throws(StoreError) -> KeyAgreement

    // MARK: Other processes

    /// What commits of other processes on the same data have changed, as it becomes known, until the store closes. To be asked
    /// for once. Notifications may be late, doubled or missing; whoever needs to be sure reads.
    func changeNotifications() -> AsyncStream<ChangeNotification>

    // MARK: Maintenance

    /// Whether the engine answers.
    func ping() async throws(StoreError)
    /// Finishes what is under way. Nothing may be called afterwards.
    func close() async
}

extension SyncStore {
    /// For engines that can only ask for one after the other.
    public func retiredDevices(
        _ tenant: TenantID, among devices: Set<DeviceID>
    ) async throws(StoreError) -> Set<DeviceID> {
        var retired: Set<DeviceID> = []
        for device in devices {
            if try await self.device(tenant, device)?.retiredAtMilliseconds != nil { retired.insert(device) }
        }
        return retired
    }

    /// An engine that is one process's own has no other processes to hear of.
    public func changeNotifications() -> AsyncStream<ChangeNotification> { AsyncStream { $0.finish() } }
}

/// What is to be done where the data's servers have another key so far.
public enum KeyIntention: Sendable, Hashable {
    case compare
    /// The key was changed: from now on it is the one of all.
    case adopt
}

public enum KeyAgreement: Sendable, Hashable {
    /// No server had a key here before.
    case first
    case same
    /// The others have another one.
    case other
}

/// Word of a commit elsewhere.
public enum ChangeNotification: Sendable, Hashable {
    case advanced(TenantID, sequence: Int64)
    /// Notifications of any tenants may have been missed: the way on which they come was interrupted.
    case missed
}

/// How far a device had pulled when it was seen.
public struct DeviceHeartbeat: Sendable, Hashable {
    public let tenant: TenantID
    public let device: DeviceID
    public let acknowledgedSequence: Int64
    public let seenAtMilliseconds: Int64

    public init(tenant: TenantID, device: DeviceID, acknowledgedSequence: Int64, seenAtMilliseconds: Int64) {
        self.tenant = tenant
        self.device = device
        self.acknowledgedSequence = acknowledgedSequence
        self.seenAtMilliseconds = seenAtMilliseconds
    }
}
